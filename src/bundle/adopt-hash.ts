import { createHash, type Hash } from 'node:crypto';
import { AirlockError } from '../core/errors.ts';
import { diskError } from '../core/files.ts';
import { assertRunning, type Run } from '../core/run.ts';
import { digestHex } from '../oci/index.ts';
import type { Bundle, BundleVolume } from './bundle.ts';
import { SequentialReader } from './sequential-reader.ts';

/** Bare hex digests of what lies in an archive. */
export interface ArchiveSums {
  /** By volume name. */
  readonly volumes: ReadonlyMap<string, string>;
  /** By member path; files that are no blobs. */
  readonly files: ReadonlyMap<string, string>;
}

/** A stretch of a volume that has a digest of its own. */
interface Stretch {
  readonly path: string;
  readonly offset: number;
  readonly size: number;
  /** What a blob has to have; a file has none yet. */
  readonly wanted: string | undefined;
}

/**
 * Reads every byte of an archive once: the digest of each volume and each file, and whether each blob has its own digest.
 * @throws AirlockError BUNDLE_DAMAGED naming the blob, FILE_UNREADABLE, CANCELLED
 */
export async function hashArchive(bundle: Bundle, run: Run): Promise<ArchiveSums> {
  const volumes = new Map<string, string>();
  const files = new Map<string, string>();
  for (const volume of bundle.volumes) volumes.set(volume.name, await hashVolume(bundle, volume, files, run));
  return { volumes, files };
}

async function hashVolume(bundle: Bundle, volume: BundleVolume, files: Map<string, string>, run: Run): Promise<string> {
  const whole = createHash('sha256');
  try {
    const file = await run.disk.open(volume.path, 'read');
    try {
      const reader = new SequentialReader(file, 0, volume.sizeBytes);
      let position = 0;
      const advance = async (end: number, hash?: Hash): Promise<void> => {
        while (position < end) {
          assertRunning(run);
          const piece = await reader.take(end - position);
          if (piece.length === 0) throw damaged(volume, position, 'the volume ends early');
          whole.update(piece);
          hash?.update(piece);
          position += piece.length;
        }
        run.report({
          stage: 'build',
          subject: volume.name,
          state: 'active',
          doneBytes: position,
          totalBytes: volume.sizeBytes,
        });
      };
      for (const stretch of stretchesOf(bundle, volume.volume)) {
        await advance(stretch.offset);
        const hash = createHash('sha256');
        await advance(stretch.offset + stretch.size, hash);
        const sum = hash.digest('hex');
        if (stretch.wanted === undefined) files.set(stretch.path, sum);
        else if (sum !== stretch.wanted) throw damaged(volume, stretch.offset, `${stretch.path} has another digest`);
      }
      await advance(volume.sizeBytes);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw diskError(error, volume.path, 'read');
  }
  run.report({
    stage: 'build',
    subject: volume.name,
    state: 'finished',
    doneBytes: volume.sizeBytes,
    totalBytes: volume.sizeBytes,
  });
  return whole.digest('hex');
}

function stretchesOf({ index }: Bundle, volume: number): Stretch[] {
  const blobs = index.blobs.map((blob) => ({ ...blob, path: blob.digest, wanted: digestHex(blob.digest) }));
  const files = index.files.map((file) => ({ ...file, wanted: undefined }));
  return [...blobs, ...files].filter((one) => one.volume === volume).sort((a, b) => a.offset - b.offset);
}

function damaged(volume: BundleVolume, offset: number, why: string): AirlockError {
  return new AirlockError('BUNDLE_DAMAGED', `${volume.name}: ${why} (byte ${offset})`, {
    hint: 'run the same command again: the archive is written anew from the cache',
    details: { volume: volume.name, offset },
  });
}
