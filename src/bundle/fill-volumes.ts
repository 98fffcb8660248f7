import type { Run } from '../core/run.ts';
import { bringMember, type MissingMember } from './bring.ts';
import { Committer } from './committer.ts';
import type { WantedMember } from './contents.ts';
import { fillMember, type OpenVolumeFile, Sink } from './fill.ts';
import { fillGathered, type GatheredMembers } from './fill-gathered.ts';
import { gatheredBytes } from './gather.ts';
import type { Journal } from './journal.ts';

/** What is brought and written at once: a member alone, or several small ones. */
export type FillPiece = WantedMember | GatheredMembers;

/** The members of a piece, in the order of the volume. */
export function pieceMembers(piece: FillPiece): readonly WantedMember[] {
  return 'members' in piece ? piece.members : [piece];
}

export interface FillJob {
  readonly pieces: readonly FillPiece[];
  readonly volumes: ReadonlyMap<number, OpenVolumeFile>;
  readonly journal: Journal;
  /** How many pieces are filled at once. */
  readonly parallel: number;
}

/**
 * Fills all members that the journal does not have, several at once. One that cannot be had is noted and the others go on; a full or broken
 * disk, or an interruption, ends the run with the journal up to date.
 */
export async function fillVolumes(job: FillJob, run: Run): Promise<readonly MissingMember[]> {
  const todo = job.pieces.flatMap((piece) => unfinished(piece, job.journal));
  reportTotal(job, todo.flatMap(pieceMembers), run);
  const committer = new Committer(job.journal, job.volumes, run);
  const missing: MissingMember[] = [];
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    const sink = new Sink();
    const room = Buffer.allocUnsafeSlow(gatheredBytes);
    while (!failure && next < todo.length) {
      const piece = todo[next] as FillPiece;
      next += 1;
      try {
        const isAlone = !('members' in piece);
        const lost = isAlone
          ? await fillAlone(piece, job, committer, sink, run)
          : await fillSeveral(piece, job, committer, room, run);
        missing.push(...lost);
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

/**
 * What is left of a piece. Small members that were written together are so wholly, with their frames, or not at all: what is missing of
 * them then is brought alone.
 */
function unfinished(piece: FillPiece, journal: Journal): readonly FillPiece[] {
  const { finished } = journal.progress;
  const members = pieceMembers(piece);
  const left = members.filter((member) => !finished.has(member.expected.name));
  return left.length === members.length ? [piece] : left;
}

async function fillAlone(
  member: WantedMember,
  job: FillJob,
  committer: Committer,
  sink: Sink,
  run: Run,
): Promise<readonly MissingMember[]> {
  const { expected, volume, offset } = member;
  const file = openVolume(job, volume);
  const onProgress = (doneBytes: number): void => {
    committer.progress(expected.name, volume, doneBytes);
    run.report({ stage: 'build', subject: expected.name, totalBytes: expected.size, state: 'active', doneBytes });
    // A large member alone must not go uncommitted until its end; whatever fails shows at the next commit.
    if (committer.isDue()) committer.commit().catch(() => {});
  };
  const lost = await bringMember(
    member,
    (pour) => {
      const checkedBytes = job.journal.progress.checked.get(expected.name) ?? 0;
      return fillMember(expected, { ...file, offset }, { checkedBytes, pour, onProgress }, sink, run);
    },
    run,
  );
  if (lost) return [lost];
  finish(member, committer, run);
  return [];
}

async function fillSeveral(
  piece: GatheredMembers,
  job: FillJob,
  committer: Committer,
  room: Buffer,
  run: Run,
): Promise<readonly MissingMember[]> {
  const { there, missing } = await fillGathered(piece, openVolume(job, piece.volume), room, run);
  for (const member of there) {
    committer.progress(member.expected.name, member.volume, member.expected.size);
    finish(member, committer, run);
  }
  return missing;
}

function openVolume(job: FillJob, volume: number): OpenVolumeFile {
  const file = job.volumes.get(volume);
  if (!file) throw new Error(`volume ${volume} is not open`);
  return file;
}

function finish({ expected, volume }: WantedMember, committer: Committer, run: Run): void {
  committer.finish(expected.name, volume);
  const { name, size } = expected;
  run.report({ stage: 'build', subject: name, totalBytes: size, state: 'finished', doneBytes: size });
}

function reportTotal(job: FillJob, todo: readonly WantedMember[], run: Run): void {
  const sum = (members: readonly WantedMember[]): number => members.reduce((all, one) => all + one.expected.size, 0);
  const members = job.pieces.flatMap(pieceMembers);
  const totalBytes = sum(members);
  const { checked } = job.journal.progress;
  const half = todo.reduce((all, one) => all + Math.min(one.expected.size, checked.get(one.expected.name) ?? 0), 0);
  run.report({
    stage: 'build',
    state: 'total',
    totalBytes,
    totalItems: members.length,
    doneBytes: totalBytes - sum(todo) + half,
    doneItems: members.length - todo.length,
  });
}
