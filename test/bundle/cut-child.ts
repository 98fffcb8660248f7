import { cutParts } from '../../src/bundle/index.ts';
import type { Disk, DiskFile } from '../../src/core/disk.ts';
import { quietRun } from '../../src/core/run.ts';
import { createFaultyDisk } from '../helpers/faulty-disk.ts';
import { openOne } from './build-sample.ts';

// Run as a process of its own, to be killed: `BUNDLE FOLDER PARTSIZE N` cuts, and kills itself just before its Nth change to the disk (0: not at
// all), then says how many there were.
const [bundle = '', folder = '', partSize = '', dieAt = ''] = process.argv.slice(2);

async function main(): Promise<void> {
  let steps = 0;
  const step = (): void => {
    steps += 1;
    if (steps === Number(dieAt)) process.kill(process.pid, 'SIGKILL');
  };
  const outcome = await cutParts(
    await openOne(bundle),
    { folder, partSizeBytes: Number(partSize) },
    quietRun({ disk: steppingDisk(step) }),
  );
  process.stdout.write(JSON.stringify({ steps, made: outcome.made }));
}

/** Nothing waits for the real disk: the kernel keeps what a killed process wrote. */
function steppingDisk(step: () => void): Disk {
  const base = createFaultyDisk();
  const before = <A extends unknown[], R>(task: (...args: A) => R) => {
    return (...args: A): R => {
      step();
      return task(...args);
    };
  };
  return {
    ...base,
    async open(file, access, mode): Promise<DiskFile> {
      if (access !== 'read') step();
      const handle = await base.open(file, access, mode);
      const { write, sync, truncate } = handle;
      return { ...handle, write: before(write), sync: before(sync), truncate: before(truncate) };
    },
    rename: before(base.rename),
    remove: before(base.remove),
    makeDirectory: before(base.makeDirectory),
    syncDirectory: before(base.syncDirectory),
  };
}

void main();
