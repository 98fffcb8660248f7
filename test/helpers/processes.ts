import { readdirSync, readFileSync } from 'node:fs';

/** Number and command line of each process that all of `texts` stand in, out of /proc: a machine with nothing but Node may have no ps. */
export function processesWith(...texts: readonly string[]): string[] {
  const found = readdirSync('/proc').flatMap((pid) => {
    try {
      return /^\d+$/.test(pid) ? [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`] : [];
    } catch {
      // It ended meanwhile.
      return [];
    }
  });
  return found.filter((line) => texts.every((text) => line.includes(text)));
}
