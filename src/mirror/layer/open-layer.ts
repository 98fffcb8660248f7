import { createHash } from 'node:crypto';
import { AirlockError, errorText, findErrno, isAirlockError } from '../../core/errors.ts';
import { assertRunning, type Run } from '../../core/run.ts';
import { type Descriptor, type Digest, digestAlgorithm, type RepositoryName, type Source } from '../../oci/index.ts';
import type { KeptBlobs } from '../../plan/index.ts';
import { gunzip, unzstd } from './decompress.ts';

const reportBytes = 8 << 20;

/**
 * Puts a blob into the workspace unless it is there, checked. `build` moves it on from there, so that nothing is read twice from the network.
 * @throws AirlockError BLOB_UNKNOWN, DIGEST_MISMATCH, SIZE_MISMATCH, REGISTRY_*
 */
export async function keepBlob(
  blob: Descriptor,
  from: { readonly source: Pick<Source, 'fetchBlob'>; readonly repository: RepositoryName; readonly kept: KeptBlobs },
  run: Run,
): Promise<void> {
  if (await from.kept.has(blob.digest, run)) return;
  await from.kept.putFile(async (file) => {
    const stream = await from.source.fetchBlob(from.repository, blob, 0, run);
    const hash = createHash(digestAlgorithm(blob.digest));
    let position = 0;
    let reported = 0;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      assertRunning(run);
      hash.update(chunk);
      await file.write(chunk, position);
      position += chunk.length;
      if (position - reported < reportBytes) continue;
      reported = position;
      run.report({ stage: 'plan', state: 'active', subject: blob.digest, doneBytes: position, totalBytes: blob.size });
    }
    const digest = `${digestAlgorithm(blob.digest)}:${hash.digest('hex')}`;
    if (digest !== blob.digest)
      throw new AirlockError('DIGEST_MISMATCH', `digest of ${blob.digest} does not match: got ${digest}`, {
        side: 'source',
      });
    return blob.digest;
  }, run);
}

/** A file's bytes from its start, in reads of 1 MiB. */
export async function* readDiskFile(file: string, run: Run): AsyncGenerator<Buffer> {
  const handle = await run.disk.open(file, 'read');
  try {
    for (let position = 0; ; ) {
      assertRunning(run);
      const buffer = Buffer.allocUnsafe(1 << 20);
      const count = await handle.read(buffer, position);
      if (count === 0) return;
      yield buffer.subarray(0, count);
      position += count;
    }
  } finally {
    await handle.close();
  }
}

/**
 * The tar stream inside a kept layer. What it is compressed with is seen from its first bytes, since media types lie at times.
 * @throws AirlockError LAYER_INVALID while it is read
 */
export async function openKeptLayer(digest: Digest, kept: KeptBlobs, run: Run): Promise<AsyncIterable<Uint8Array>> {
  const magic = Buffer.alloc(4);
  const handle = await run.disk.open(kept.path(digest), 'read');
  await handle.read(magic, 0).finally(() => handle.close());
  const bytes = readDiskFile(kept.path(digest), run);
  if (magic[0] === 0x1f && magic[1] === 0x8b) return naming(digest, gunzip(bytes));
  if (isZstd(magic)) return naming(digest, unzstd(bytes));
  return bytes;
}

/** A frame, or one of those that are skipped, which may come first. @see RFC 8878, 3.1 */
function isZstd(magic: Buffer): boolean {
  const number = magic.readUInt32LE(0);
  return number === 0xfd2fb528 || number >>> 4 === 0x0184d2a5;
}

async function* naming(digest: Digest, content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* content;
  } catch (error) {
    if (isAirlockError(error) || findErrno(error) !== undefined) throw error;
    throw new AirlockError('LAYER_INVALID', `layer ${digest} cannot be decompressed: ${errorText(error)}`, {
      cause: error,
    });
  }
}
