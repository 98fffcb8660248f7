import { setFlagsFromString } from 'node:v8';

/**
 * Lets V8 optimize a function only when it is really hot (its default is a fifth of this). A command lives for seconds and waits for disks
 * and networks: of the CPU time of a build of 1,000 small images a fifth was the optimizing compiler, on threads that registries and disks
 * would have used.
 * @see docs/performance.md
 */
setFlagsFromString('--interrupt-budget=600000');
