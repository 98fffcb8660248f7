import { createHash } from 'node:crypto';
import { once } from 'node:events';
import zlib from 'node:zlib';
import { diskError } from '../../core/files.ts';
import { assertRunning, type Run } from '../../core/run.ts';
import { type Descriptor, type Digest, mediaTypes, parseDigest } from '../../oci/index.ts';
import type { KeptBlobs } from '../../plan/index.ts';

/** A layer in the workspace: what a manifest and a config say of it. */
export interface WrittenLayer {
  readonly descriptor: Descriptor;
  /** Digest of the tar inside. */
  readonly diffId: Digest;
}

/**
 * Writes a gzipped tar layer to the workspace from blocks as they come; the same blocks give the same bytes (the gzip header carries no
 * time and no operating system).
 */
export async function writeLayer(
  blocks: AsyncIterable<Buffer> | Iterable<Buffer>,
  kept: KeptBlobs,
  run: Run,
): Promise<WrittenLayer> {
  const inside = createHash('sha256');
  let size = 0;
  const digest = await kept.putFile(async (file) => {
    const outside = createHash('sha256');
    const gzip = zlib.createGzip({ level: 6, chunkSize: 256 << 10 });
    const writing = (async () => {
      for await (const chunk of gzip as AsyncIterable<Buffer>) {
        // RFC 1952: byte 9 names the operating system; 255 is "unknown".
        if (size === 0 && chunk.length > 9) chunk[9] = 255;
        outside.update(chunk);
        await file.write(chunk, size);
        size += chunk.length;
      }
    })();
    try {
      for await (const block of blocks) {
        assertRunning(run);
        inside.update(block);
        if (!gzip.write(block)) await Promise.race([once(gzip, 'drain'), writing]);
      }
      gzip.end();
      await writing;
    } catch (error) {
      gzip.destroy();
      await writing.catch(() => {});
      throw diskError(error, 'the workspace', 'write');
    }
    return parseDigest(`sha256:${outside.digest('hex')}`);
  }, run);
  const diffId = parseDigest(`sha256:${inside.digest('hex')}`);
  return { descriptor: { mediaType: mediaTypes.ociLayerGzip, digest, size }, diffId };
}
