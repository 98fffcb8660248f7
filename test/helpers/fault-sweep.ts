import { rm } from 'node:fs/promises';
import { expect } from 'vitest';
import { isAirlockError } from '../../src/core/errors.ts';
import { quietRun, type Run } from '../../src/core/run.ts';
import { createFaultyDisk, type Fault, type FaultyDisk } from './faulty-disk.ts';
import { temporaryFolder } from './temporary.ts';

/** A kind of fault: its name, the fault at an operation, and whether names that were given get lost with the bytes. */
export const faults: readonly [string, (at: number) => Fault, boolean][] = [
  ['EIO', (at) => ({ kind: 'EIO', at }), false],
  ['ENOSPC', (at) => ({ kind: 'ENOSPC', at }), false],
  ['a power loss that keeps names and loses bytes', (at) => ({ kind: 'power', at }), false],
  ['a power loss that loses names and bytes', (at) => ({ kind: 'power', at }), true],
];

/**
 * Runs the task once per changing operation with a fault there, then again undisturbed; `check` sees what that leaves. Returns how many operations
 * there are.
 */
export async function sweepFaults(
  task: (folder: string, run: Run) => Promise<unknown>,
  prepare: (folder: string) => Promise<void>,
  faultOf: (at: number) => Fault,
  losesNames: boolean,
  check: (folder: string) => Promise<void>,
): Promise<number> {
  const counting = createFaultyDisk(undefined, { withoutSyncFileSystem: losesNames });
  const folder = await temporaryFolder();
  await prepare(folder);
  await task(folder, quietRun({ disk: counting }));
  const total = counting.operations();
  // Every third step, beginning anywhere; continuous integration takes every one.
  const stride = process.env['AIRLOCK_REQUIRE_REAL'] === '1' ? 1 : 3;
  for (let at = 1 + (total % stride); at <= total; at += stride) {
    await rm(folder, { recursive: true });
    await prepare(folder);
    const disk: FaultyDisk = createFaultyDisk(faultOf(at), { withoutSyncFileSystem: losesNames });
    const failure = await task(folder, quietRun({ disk })).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure !== undefined) expect(isTold(failure), `operation ${at}: ${String(failure)}`).toBe(true);
    await disk.crash(losesNames);
    // Without a fault, and without waiting for the real disk: hundreds of runs would do little else.
    await task(folder, quietRun({ disk: createFaultyDisk() }));
    await check(folder);
  }
  return total;
}

/** An error of ours, or one of the system that says which file it was: the command line makes one of ours of it. */
function isTold(error: unknown): boolean {
  return isAirlockError(error) || (error instanceof Error && 'syscall' in error && 'path' in error);
}
