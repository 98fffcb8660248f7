// `node bench/catalog.mjs [--size 1GiB] [--work DIR]`
import { runSuite } from './run-suite.mjs';

await runSuite('catalog');
