import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import zlib from 'node:zlib';
import { AirlockError, errorText, findErrno, isAirlockError } from '../../core/errors.ts';
import { assertRunning, type Run } from '../../core/run.ts';
import { type Descriptor, type Digest, digestAlgorithm, type RepositoryName, type Source } from '../../oci/index.ts';
import type { KeptBlobs } from '../../plan/index.ts';

// With Node's default of 16 KiB gunzip is half as fast (test-bench §7).
const chunkBytes = 256 << 10;
const reportBytes = 8 << 20;

/**
 * Puts a blob into the workspace unless it is there, checked. `build` moves it on from there, so that nothing is read twice from the network.
 * @throws AirlockError BLOB_UNKNOWN, DIGEST_MISMATCH, SIZE_MISMATCH, REGISTRY_*
 */
export async function keepBlob(
  blob: Descriptor,
  from: { readonly source: Source; readonly repository: RepositoryName; readonly kept: KeptBlobs },
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
 * @throws AirlockError LAYER_COMPRESSION_UNSUPPORTED
 */
export async function openKeptLayer(digest: Digest, kept: KeptBlobs, run: Run): Promise<AsyncIterable<Uint8Array>> {
  const magic = Buffer.alloc(4);
  const handle = await run.disk.open(kept.path(digest), 'read');
  await handle.read(magic, 0).finally(() => handle.close());
  const bytes = readDiskFile(kept.path(digest), run);
  if (magic[0] === 0x1f && magic[1] === 0x8b)
    return decompress(bytes, zlib.createGunzip({ chunkSize: chunkBytes }), digest);
  if (magic.readUInt32BE(0) === 0x28b52ffd) return decompress(bytes, createZstd(digest), digest);
  return bytes;
}

async function* decompress(
  bytes: AsyncIterable<Buffer>,
  through: NodeJS.ReadWriteStream,
  digest: Digest,
): AsyncGenerator<Uint8Array> {
  const input = Readable.from(bytes, { objectMode: false });
  const output = input.pipe(through) as unknown as Readable;
  input.on('error', (error) => output.destroy(error));
  try {
    for await (const chunk of output as AsyncIterable<Buffer>) yield chunk;
  } catch (error) {
    if (isAirlockError(error) || findErrno(error) !== undefined) throw error;
    throw new AirlockError('LAYER_INVALID', `layer ${digest} cannot be decompressed: ${errorText(error)}`, {
      cause: error,
    });
  } finally {
    input.destroy();
  }
}

function createZstd(digest: Digest): NodeJS.ReadWriteStream {
  // In Node.js from 22.15 on; Node 20 has none.
  const create: unknown = Reflect.get(zlib, 'createZstdDecompress');
  if (typeof create === 'function') return create({ chunkSize: chunkBytes }) as NodeJS.ReadWriteStream;
  throw new AirlockError('LAYER_COMPRESSION_UNSUPPORTED', `layer ${digest} is compressed with zstd`, {
    hint: 'run Airlock with Node.js 22.15 or newer',
  });
}
