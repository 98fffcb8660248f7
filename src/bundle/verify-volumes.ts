import { createHash } from 'node:crypto';
import type { DiskFile } from '../core/disk.ts';
import { findErrno } from '../core/errors.ts';
import { diskError } from '../core/files.ts';
import { assertRunning, type Run } from '../core/run.ts';
import { digestAlgorithm, digestHex } from '../oci/index.ts';
import type { BundleVolume } from './bundle.ts';
import { type BundleIndex, volumeNumber } from './format.ts';
import { placeMembers } from './layout.ts';
import { type IndexFacts, type Segment, trueOffset, volumeSegments } from './segments.ts';
import { SequentialReader } from './sequential-reader.ts';

/** Bytes that are not what the index says. */
export interface Damage {
  readonly volume: string;
  /** Where in the volume the damage lies; of data that has the wrong digest: where the data starts. */
  readonly offset: number;
  readonly bytes: number;
  /** The member that is hit; for padding the one before it. Left out for end blocks, and when the volume has the wrong size. */
  readonly member?: string;
  readonly part: 'frame' | 'data' | 'size' | 'missing' | 'unreadable';
}

/** What a look at every byte found. */
export interface VolumeCheck {
  readonly damages: readonly Damage[];
  readonly checkedBytes: number;
}

/** Says how much there is to read, volume by volume. */
export function reportVolumes(stage: 'build' | 'verify', volumes: readonly BundleVolume[], run: Run): void {
  const there = volumes.filter((volume) => volume.foundBytes !== undefined);
  const totalBytes = there.reduce((sum, volume) => sum + volume.sizeBytes, 0);
  run.report({ stage, state: 'total', totalBytes, totalItems: there.length, doneBytes: 0, doneItems: 0 });
}

/** Compares every byte of every volume with what follows from the index. Damage is a result, not an error. */
export async function checkVolumes(
  index: BundleIndex,
  facts: IndexFacts,
  volumes: readonly BundleVolume[],
  stage: 'build' | 'verify',
  run: Run,
): Promise<VolumeCheck> {
  const damages: Damage[] = [];
  let checkedBytes = 0;
  let open: OpenVolume | undefined;
  let current = -1;
  const finish = async (): Promise<void> => {
    if (open) run.report({ stage, subject: open.volume.name, state: 'finished', totalBytes: open.volume.sizeBytes });
    await open?.close();
    open = undefined;
  };
  try {
    for (const segment of volumeSegments(index, facts)) {
      assertRunning(run);
      if (current !== segment.volume) {
        await finish();
        current = segment.volume;
        const volume = volumes.find((one) => one.volume === segment.volume);
        if (!volume) continue;
        checkSize(volume, damages);
        if (volume.foundBytes !== undefined) open = await OpenVolume.open(volume, run);
      }
      if (!open) continue;
      const damage = await checkSegment(open, segment, facts);
      if (damage) damages.push(nameMember(damage, segment, index, facts));
      checkedBytes += segment.kind === 'static' ? segment.bytes.length : segment.size;
      const { name, sizeBytes } = open.volume;
      const end = segment.offset + (segment.kind === 'static' ? segment.bytes.length : segment.size);
      run.report({
        stage,
        subject: name,
        state: 'active',
        doneBytes: end,
        totalBytes: sizeBytes,
      });
    }
    await finish();
  } finally {
    await open?.close();
  }
  return { damages, checkedBytes };
}

function checkSize(volume: BundleVolume, damages: Damage[]): void {
  const { name, sizeBytes, foundBytes } = volume;
  if (foundBytes === undefined) damages.push({ volume: name, offset: 0, bytes: sizeBytes, part: 'missing' });
  else if (foundBytes !== sizeBytes) {
    const offset = Math.min(foundBytes, sizeBytes);
    damages.push({ volume: name, offset, bytes: Math.abs(foundBytes - sizeBytes), part: 'size' });
  }
}

/** A volume that is read from front to back. */
class OpenVolume {
  readonly volume: BundleVolume;
  readonly #file: DiskFile;
  readonly #endOffset: number;
  #reader: SequentialReader;

  private constructor(volume: BundleVolume, file: DiskFile) {
    this.volume = volume;
    this.#file = file;
    this.#endOffset = Math.max(volume.sizeBytes, volume.foundBytes ?? 0);
    this.#reader = this.#readerFrom(0);
  }

  static async open(volume: BundleVolume, run: Run): Promise<OpenVolume> {
    try {
      return new OpenVolume(volume, await run.disk.open(volume.path, 'read'));
    } catch (error) {
      throw diskError(error, volume.path, 'read');
    }
  }

  take(limit: number): Buffer | Promise<Buffer> {
    return this.#reader.take(limit);
  }

  /** Goes on behind a stretch that could not be read. */
  restart(offset: number): void {
    this.#reader = this.#readerFrom(offset);
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #readerFrom(offset: number): SequentialReader {
    return new SequentialReader(this.#file, offset, this.#endOffset);
  }
}

type FoundDamage = Omit<Damage, 'member'>;

async function checkSegment(open: OpenVolume, segment: Segment, facts: IndexFacts): Promise<FoundDamage | undefined> {
  const size = segment.kind === 'static' ? segment.bytes.length : segment.size;
  const at = { volume: open.volume.name, offset: segment.offset };
  try {
    return segment.kind === 'static'
      ? await compareStatic(open, segment.bytes, at)
      : await compareData(open, segment, facts, at);
  } catch (error) {
    if (findErrno(error) !== 'EIO') throw diskError(error, open.volume.path, 'read');
    open.restart(segment.offset + size);
    return { ...at, bytes: size, part: 'unreadable' };
  }
}

async function compareStatic(
  open: OpenVolume,
  expected: Buffer,
  at: { readonly volume: string; readonly offset: number },
): Promise<FoundDamage | undefined> {
  let first = -1;
  let last = -1;
  for (let done = 0; done < expected.length; ) {
    const piece = await open.take(expected.length - done);
    if (piece.length === 0) break;
    if (expected.compare(piece, 0, piece.length, done, done + piece.length) !== 0) {
      for (let i = 0; i < piece.length; i += 1) {
        if (piece[i] === expected[done + i]) continue;
        if (first === -1) first = done + i;
        last = done + i;
      }
    }
    done += piece.length;
  }
  // A volume that ends early was reported by its size already.
  if (first === -1) return undefined;
  return { volume: at.volume, offset: at.offset + first, bytes: last - first + 1, part: 'frame' };
}

async function compareData(
  open: OpenVolume,
  segment: Extract<Segment, { kind: 'data' }>,
  facts: IndexFacts,
  at: { readonly volume: string; readonly offset: number },
): Promise<FoundDamage | undefined> {
  const expected = expectedHash(segment, facts);
  const hash = createHash(expected.algorithm);
  let rest = segment.size;
  while (rest > 0) {
    const piece = await open.take(rest);
    if (piece.length === 0) return undefined;
    hash.update(piece);
    rest -= piece.length;
  }
  return hash.digest('hex') === expected.hex ? undefined : { ...at, bytes: segment.size, part: 'data' };
}

/** The digest that a member's data must have. */
export function expectedHash(
  segment: Extract<Segment, { kind: 'data' }>,
  facts: IndexFacts,
): { readonly algorithm: 'sha256' | 'sha512'; readonly hex: string } {
  const { content } = segment;
  if (content.kind === 'index') return { algorithm: 'sha256', hex: facts.sha256 };
  if (content.kind === 'file') return { algorithm: 'sha256', hex: content.file.sha256 };
  return { algorithm: digestAlgorithm(content.blob.digest), hex: digestHex(content.blob.digest) };
}

/** Finds the member at a damaged place by walking the layout again; damage is rare, so the walk may cost. */
function nameMember(damage: FoundDamage, segment: Segment, index: BundleIndex, facts: IndexFacts): Damage {
  if (segment.kind === 'data') return { ...damage, member: segment.path };
  const rule = {
    volumeSizeBytes: index.volumeSizeBytes,
    createdAt: index.createdAt,
    firstVolume: volumeNumber(index.volumes[0]?.name ?? '') ?? 1,
  };
  let member: string | undefined;
  let end = 0;
  for (const placed of placeMembers(index, rule)) {
    if (placed.volume !== segment.volume) continue;
    const start = trueOffset(index, facts, { volume: placed.volume, offset: placed.headerOffset });
    if (start > damage.offset) break;
    member = placed.path;
    end = trueOffset(index, facts, { volume: placed.volume, offset: placed.dataOffset + placed.size });
  }
  if (member === undefined)
    return segment.volume === rule.firstVolume ? { ...damage, member: 'airlock/index.json' } : damage;
  return damage.offset < Math.ceil(end / 512) * 512 ? { ...damage, member } : damage;
}
