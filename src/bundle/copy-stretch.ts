import { createHash } from 'node:crypto';
import path from 'node:path';
import type { DiskFile } from '../core/disk.ts';
import { AirlockError } from '../core/errors.ts';
import { diskError } from '../core/files.ts';
import { assertRunning, type Run } from '../core/run.ts';

/** Takes how many bytes of a stretch are done. */
export type StretchProgress = (doneBytes: number) => void;

/** Bytes of a file. */
export interface FileStretch {
  readonly path: string;
  readonly offset: number;
  /** Left out: up to the end of the file. */
  readonly size?: number;
}

const pieceBytes = 1 << 20;

/** sha256 (bare hex) of a stretch of a file, as far as the file goes. @throws AirlockError FILE_UNREADABLE, CANCELLED */
export async function hashStretch(stretch: FileStretch, progress: StretchProgress, run: Run): Promise<string> {
  const hash = createHash('sha256');
  let done = 0;
  for await (const piece of readStretch(stretch, run)) {
    hash.update(piece);
    done += piece.length;
    progress(done);
  }
  return hash.digest('hex');
}

/**
 * Copies a stretch of a file to a file of its own and returns its sha256 (bare hex). Flushed before it gets its name; `accept` may throw when
 * the sum is not as it should be. What was begun is removed on failure.
 * @throws AirlockError FILE_UNREADABLE, FILE_UNWRITABLE, DISK_FULL, BUNDLE_DAMAGED where the file ends early, CANCELLED
 */
export async function copyStretch(
  stretch: FileStretch,
  target: string,
  { progress, accept }: { readonly progress: StretchProgress; readonly accept: (sha256: string) => void },
  run: Run,
): Promise<string> {
  const partial = `${target}.partial`;
  try {
    await run.disk.makeDirectory(path.dirname(target));
    const file = await run.disk.open(partial, 'write');
    const sha256 = await fillFile(stretch, file, progress, run).finally(() => file.close());
    accept(sha256);
    await run.disk.rename(partial, target);
    return sha256;
  } catch (error) {
    await run.disk.remove(partial).catch(() => {});
    throw diskError(error, target, 'write');
  }
}

async function fillFile(stretch: FileStretch, file: DiskFile, progress: StretchProgress, run: Run): Promise<string> {
  const hash = createHash('sha256');
  let done = 0;
  for await (const piece of readStretch(stretch, run)) {
    hash.update(piece);
    await file.write(piece, done);
    done += piece.length;
    progress(done);
  }
  if (stretch.size !== undefined && done < stretch.size)
    throw new AirlockError('BUNDLE_DAMAGED', `${stretch.path} ends before byte ${stretch.offset + stretch.size}`);
  // One that a killed run left may have been longer.
  await file.truncate(done);
  await file.sync();
  return hash.digest('hex');
}

/** Pieces of a stretch, each valid until the next one is asked for. */
async function* readStretch(
  { path: file, offset, size = Number.MAX_SAFE_INTEGER }: FileStretch,
  run: Run,
): AsyncGenerator<Buffer> {
  const reading = async <T>(task: Promise<T>): Promise<T> => {
    try {
      return await task;
    } catch (error) {
      throw diskError(error, file, 'read');
    }
  };
  const handle = await reading(run.disk.open(file, 'read'));
  try {
    const buffer = Buffer.allocUnsafe(pieceBytes);
    for (let done = 0; done < size; ) {
      assertRunning(run);
      const count = await reading(handle.read(buffer.subarray(0, Math.min(buffer.length, size - done)), offset + done));
      if (count === 0) return;
      yield buffer.subarray(0, count);
      done += count;
    }
  } finally {
    await handle.close();
  }
}
