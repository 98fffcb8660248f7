import { createHash } from 'node:crypto';
import { diskError } from '../core/files.ts';
import type { PourSink } from '../core/http-pour.ts';
import type { Run } from '../core/run.ts';
import { bringMember, type MissingMember } from './bring.ts';
import type { WantedMember } from './contents.ts';
import { assertFits, assertRight, type ExpectedData, type OpenVolumeFile, pourAll } from './fill.ts';
import type { Gathered } from './gather.ts';

/** A stretch of small members that has to be brought. */
export interface GatheredMembers extends Gathered {
  readonly members: readonly WantedMember[];
}

/** How a stretch was filled. */
export interface GatheredOutcome {
  readonly there: readonly WantedMember[];
  readonly missing: readonly MissingMember[];
}

/**
 * Brings the members of a stretch into `room`, each checked there, and writes it with its frames by one call: two calls for each of
 * thousands of small members were a third of the cost of a build that consists of them. A member that cannot be had is left as zeros, for
 * a later run to fill; without any nothing is written.
 * @throws AirlockError DISK_FULL, FILE_UNWRITABLE, CANCELLED
 */
export async function fillGathered(
  piece: GatheredMembers,
  volume: OpenVolumeFile,
  room: Buffer,
  run: Run,
): Promise<GatheredOutcome> {
  const bytes = room.subarray(0, piece.sizeBytes);
  const there: WantedMember[] = [];
  const missing: MissingMember[] = [];
  for (const frame of piece.frames) bytes.set(frame.bytes, frame.offset - piece.offset);
  for (const member of piece.members) {
    const { expected } = member;
    const start = member.offset - piece.offset;
    const slice = bytes.subarray(start, start + expected.size);
    const lost = await bringMember(member, (pour) => takeInto(slice, expected, pour, run), run);
    if (!lost) {
      there.push(member);
      continue;
    }
    missing.push(lost);
    slice.fill(0);
  }
  if (there.length > 0) {
    await volume.file.write(bytes, piece.offset).catch((error: unknown) => {
      throw diskError(error, volume.path, 'write');
    });
  }
  return { there, missing };
}

async function takeInto(
  slice: Buffer,
  expected: ExpectedData,
  pour: (sink: PourSink) => Promise<void>,
  run: Run,
): Promise<void> {
  const sink = new SliceSink(slice, expected);
  await pourAll(expected, pour, sink, run);
  sink.end();
}

/** Room that is exactly as large as the member. */
class SliceSink implements PourSink {
  receivedBytes = 0;
  readonly #slice: Buffer;
  readonly #expected: ExpectedData;

  constructor(slice: Buffer, expected: ExpectedData) {
    this.#slice = slice;
    this.#expected = expected;
  }

  room(): Uint8Array {
    // One byte more shows that the content is too large.
    return this.receivedBytes < this.#slice.length ? this.#slice.subarray(this.receivedBytes) : Buffer.alloc(1);
  }

  took(count: number): undefined {
    this.receivedBytes += count;
    assertFits(this.#expected, this.receivedBytes);
  }

  end(): void {
    assertRight(this.#expected, this.receivedBytes, createHash(this.#expected.algorithm).update(this.#slice));
  }
}
