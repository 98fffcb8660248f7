// `node bench/bundle.mjs [--set A|B|all] [--work DIR] [--skopeo] [--label TEXT] [--only build|loads]`
import { runSuite } from './run-suite.mjs';

await runSuite('bundle');
