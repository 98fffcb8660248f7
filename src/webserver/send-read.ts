import type { ZeroCopy } from '../core/zero-copy.ts';
import type { ChunkWriter } from './chunk-writer.ts';
import type { Transfer } from './transfer.ts';

/** Less of a chunk in the page cache is not worth a write of its own. */
const leastBytes = 1 << 14;

/**
 * Sends a span through a buffer that is filled on this very thread, as far as the page cache has the bytes: what is encrypted next is then in
 * this core's own cache, and no other thread has to be woken for each chunk. What is not cached is read by Node's threads, so that a slow disk
 * stops nobody else. Returns false when the connection is gone.
 */
export async function sendRead(transfer: Transfer, zeroCopy: ZeroCopy, writer: ChunkWriter): Promise<boolean> {
  const { exchange, handle, span, pool, mayEnd } = transfer;
  const buffer = pool.takeOne(span.last - span.first + 1);
  let complete = false;
  try {
    for (let at = span.first; at <= span.last; ) {
      const part = buffer.subarray(0, Math.min(buffer.length, span.last - at + 1));
      const cachedBytes = zeroCopy.readCached(handle.fd, part, at);
      const isEnough = cachedBytes >= Math.min(leastBytes, part.length);
      const count = isEnough ? cachedBytes : (await handle.read(part, 0, part.length, at)).bytesRead;
      at += count;
      if (count === 0 || (at > span.last && !(await mayEnd(isEnough)))) {
        exchange.response.destroy();
        return false;
      }
      await writer.write(part.subarray(0, count));
    }
    complete = true;
    return true;
  } finally {
    pool.release(buffer, complete);
  }
}
