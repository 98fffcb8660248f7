// `node bench/bundle.mjs [--set A|B|all] [--work DIR] [--skopeo] [--regsync PROGRAM] [--scale N] [--label TEXT] [--only build|command|loads|serve]`
import { runSuite } from './run-suite.mjs';

await runSuite('bundle');
