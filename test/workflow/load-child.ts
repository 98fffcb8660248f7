import type { Disk } from '../../src/core/disk.ts';
import { quietRun, type Run } from '../../src/core/run.ts';
import { type LoadRequest, load } from '../../src/workflow/load.ts';
import { createFaultyDisk } from '../helpers/faulty-disk.ts';

/** What the process is to do: load after load, and to kill itself just before its change to the disk with this number (0: not at all). */
export interface Job {
  readonly loads: readonly LoadRequest[];
  readonly dieAt: number;
}

// Run as a process of its own, to be killed: the job is its one argument.
const { loads, dieAt } = JSON.parse(process.argv[2] ?? '{}') as Job;

async function main(): Promise<void> {
  let steps = 0;
  const step = (): void => {
    steps += 1;
    if (steps === dieAt) process.kill(process.pid, 'SIGKILL');
  };
  const states: string[] = [];
  for (const request of loads) states.push((await load(request, countingRun(step))).state);
  process.stdout.write(JSON.stringify({ states, steps }));
}

/**
 * Counts what changes the disk for others to see: names given and taken, folders made, syncs. Nothing waits for the real disk: the kernel keeps
 * what a killed process wrote.
 */
function countingRun(step: () => void): Run {
  const counted = <A extends unknown[], R>(task: (...args: A) => R) => {
    return (...args: A): R => {
      step();
      return task(...args);
    };
  };
  const base = createFaultyDisk();
  const disk: Disk = {
    ...base,
    async open(file, access, mode) {
      if (access !== 'read') step();
      const handle = await base.open(file, access, mode);
      return { ...handle, sync: counted(() => handle.sync()) };
    },
    rename: counted(base.rename),
    link: counted(base.link),
    remove: counted(base.remove),
    makeDirectory: counted(base.makeDirectory),
    syncDirectory: counted(base.syncDirectory),
    ...(base.syncFileSystem ? { syncFileSystem: counted(base.syncFileSystem) } : {}),
  };
  // Records say when: at the same time, always.
  return quietRun({ disk, now: () => new Date('2026-11-21T10:00:00Z') });
}

void main();
