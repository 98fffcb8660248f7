import { errorText, isAirlockError } from '../core/errors.ts';
import type { PourSink } from '../core/http-pour.ts';
import { assertRunning, type Run } from '../core/run.ts';
import type { Digest } from '../oci/index.ts';
import type { WantedMember } from './contents.ts';

/** A member that could not be had, and why. */
export interface MissingMember {
  /** The blob's digest, or the file's path. */
  readonly name: string;
  readonly digest: Digest;
  readonly size: number;
  readonly code: string;
  readonly cause: string;
}

/** Takes a member from one place: `pour` brings it from `sink.receivedBytes` on. */
export type TakeMember = (pour: (sink: PourSink) => Promise<void>) => Promise<void>;

/**
 * Brings a member from the first of its places that has it whole and right.
 * @returns what is to be said of it when no place has it
 * @throws AirlockError DISK_FULL, FILE_UNWRITABLE, CANCELLED: what no other place can cure
 */
export async function bringMember(
  member: WantedMember,
  take: TakeMember,
  run: Run,
): Promise<MissingMember | undefined> {
  const { expected } = member;
  const event = { stage: 'build', subject: expected.name, totalBytes: expected.size } as const;
  let problem: unknown = new Error(`the plan does not say where ${expected.name} comes from`);
  run.report({ ...event, state: 'started' });
  for (const open of member.openers) {
    assertRunning(run);
    try {
      await take((sink) => open(sink, run));
      return undefined;
    } catch (error) {
      assertRunning(run);
      problem = error;
      if (isAirlockError(error, 'DISK_FULL', 'FILE_UNWRITABLE', 'CANCELLED')) throw error;
    }
  }
  const code = isAirlockError(problem) ? problem.code : 'SOURCE_FAILED';
  const cause = errorText(problem);
  run.report({ ...event, state: 'failed', message: cause });
  return { name: expected.name, digest: member.digest, size: expected.size, code, cause };
}
