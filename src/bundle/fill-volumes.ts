import { errorText, isAirlockError } from '../core/errors.ts';
import type { PourSink } from '../core/http-pour.ts';
import { assertRunning, type Run } from '../core/run.ts';
import type { Digest } from '../oci/index.ts';
import { Committer } from './committer.ts';
import type { WantedMember } from './contents.ts';
import { fillMember, type OpenVolumeFile, Sink } from './fill.ts';
import type { Journal } from './journal.ts';

/** A member that could not be had, and why. */
export interface MissingMember {
  /** The blob's digest, or the file's path. */
  readonly name: string;
  readonly digest: Digest;
  readonly size: number;
  readonly code: string;
  readonly cause: string;
}

export interface FillJob {
  readonly members: readonly WantedMember[];
  readonly volumes: ReadonlyMap<number, OpenVolumeFile>;
  readonly journal: Journal;
  /** How many members are filled at once. */
  readonly parallel: number;
}

/**
 * Fills all members that the journal does not have, several at once. One that cannot be had is noted and the others go on; a full or broken
 * disk, or an interruption, ends the run with the journal up to date.
 */
export async function fillVolumes(job: FillJob, run: Run): Promise<readonly MissingMember[]> {
  const { finished } = job.journal.progress;
  const todo = job.members.filter((member) => !finished.has(member.expected.name));
  reportTotal(job, todo, run);
  const committer = new Committer(job.journal, job.volumes, run);
  const missing: MissingMember[] = [];
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    const sink = new Sink();
    while (!failure && next < todo.length) {
      const member = todo[next] as WantedMember;
      next += 1;
      try {
        const lost = await fillWanted(member, job, committer, sink, run);
        if (lost) missing.push(lost);
        if (committer.isDue()) await committer.commit();
      } catch (error) {
        failure ??= { error };
      }
    }
    await sink.settle().catch(() => {});
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(job.parallel, todo.length)) }, worker));
  // Also after a failure: what is there need not be brought again.
  await committer.commit().catch((error: unknown) => {
    failure ??= { error };
  });
  if (failure) throw failure.error;
  return missing.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function fillWanted(
  member: WantedMember,
  job: FillJob,
  committer: Committer,
  sink: Sink,
  run: Run,
): Promise<MissingMember | undefined> {
  const { expected, volume, offset } = member;
  const file = job.volumes.get(volume);
  if (!file) throw new Error(`volume ${volume} is not open`);
  const event = { stage: 'build', subject: expected.name, totalBytes: expected.size } as const;
  let problem: unknown = new Error(`the plan does not say where ${expected.name} comes from`);
  const onProgress = (doneBytes: number): void => {
    committer.progress(expected.name, volume, doneBytes);
    run.report({ ...event, state: 'active', doneBytes });
    // A large member alone must not go uncommitted until its end; whatever fails shows at the next commit.
    if (committer.isDue()) committer.commit().catch(() => {});
  };
  run.report({ ...event, state: 'started' });
  for (const pour of member.openers) {
    assertRunning(run);
    try {
      const checkedBytes = job.journal.progress.checked.get(expected.name) ?? 0;
      const options = { checkedBytes, pour: (to: PourSink) => pour(to, run), onProgress };
      await fillMember(expected, { ...file, offset }, options, sink, run);
      committer.finish(expected.name, volume);
      run.report({ ...event, state: 'finished', doneBytes: expected.size });
      return undefined;
    } catch (error) {
      assertRunning(run);
      problem = error;
      // Our own disk failed, not the source: nobody else can cure that.
      if (isAirlockError(error, 'DISK_FULL', 'FILE_UNWRITABLE', 'CANCELLED')) throw error;
    }
  }
  const code = isAirlockError(problem) ? problem.code : 'SOURCE_FAILED';
  const cause = errorText(problem);
  run.report({ ...event, state: 'failed', message: cause });
  return { name: expected.name, digest: member.digest, size: expected.size, code, cause };
}

function reportTotal(job: FillJob, todo: readonly WantedMember[], run: Run): void {
  const sum = (members: readonly WantedMember[]): number => members.reduce((all, one) => all + one.expected.size, 0);
  const totalBytes = sum(job.members);
  const { checked } = job.journal.progress;
  const half = todo.reduce((all, one) => all + Math.min(one.expected.size, checked.get(one.expected.name) ?? 0), 0);
  run.report({
    stage: 'build',
    state: 'total',
    totalBytes,
    totalItems: job.members.length,
    doneBytes: totalBytes - sum(todo) + half,
    doneItems: job.members.length - todo.length,
  });
}
