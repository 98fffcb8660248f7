import { setFlagsFromString } from 'node:v8';

/**
 * Lets the V8 of Node 20 optimize a function only when it is really hot (its default is a ninth of this). A command lives for seconds and waits
 * for disks and networks: of the CPU time of a build of 1,000 small images a fifth was the optimizing compiler, on threads that registries and
 * disks would have used. Later versions know other flags, would complain of this one, and have a cheaper compiler before that one.
 * @see docs/performance.md
 */
if (process.versions.v8.startsWith('11.')) setFlagsFromString('--interrupt-budget=600000');
