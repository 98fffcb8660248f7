// `node bench/mirror.mjs [--set A|B|all] [--scale 0.1] [--rounds 3] [--work DIR] [--label TEXT]`, after `npm run build`
import { runSuite } from './run-suite.mjs';

await runSuite('mirror');
