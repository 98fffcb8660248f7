// `node bench/registry.mjs [--size 512MiB] [--rounds 3] [--work DIR] [--out FILE]`
import { runSuite } from './run-suite.mjs';

await runSuite('registry');
