// `node bench/webserver.mjs [--size 2GiB] [--rounds 5] [--remote] [--work DIR] [--out FILE]`
import { runSuite } from './run-suite.mjs';

await runSuite('webserver');
