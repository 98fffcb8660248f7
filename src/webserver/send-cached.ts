import { sendUncopied, whileCorked } from '../core/send-uncopied.ts';
import { findSocketDescriptor, type ZeroCopy } from '../core/zero-copy.ts';
import type { ChunkWriter } from './chunk-writer.ts';
import type { Transfer } from './transfer.ts';

/** Shorter spans are one chunk anyway. */
const shortestBytes = 1 << 15;

/** What goes through the stream first, with the head of the answer: its callback tells that all before is in the kernel. */
const pieceBytes = 4096;

/** Plain HTTP, and a response that has its connection already: one that waits behind another could not be told from it there. */
export function canSendCached({ exchange, span }: Transfer): boolean {
  const isLong = span.last - span.first + 1 >= shortestBytes;
  return isLong && findSocketDescriptor(exchange.response.socket) !== undefined;
}

/**
 * Sends a span without copying what is in the page cache: a small piece through the stream, then all that is cached straight from the file.
 * What is not cached is read by Node's threads, so that a slow disk stops nobody else. The last byte goes through the
 * stream, behind `mayEnd`. Returns false when the connection is gone.
 */
export function sendCached(transfer: Transfer, zeroCopy: ZeroCopy, writer: ChunkWriter): Promise<boolean> {
  return whileCorked(transfer.exchange.response, zeroCopy, () => sendCorked(transfer, zeroCopy, writer));
}

async function sendCorked(transfer: Transfer, zeroCopy: ZeroCopy, writer: ChunkWriter): Promise<boolean> {
  const { exchange, handle, span, pool, mayEnd } = transfer;
  const piece = Buffer.allocUnsafe(pieceBytes);
  let goesWell = true;
  for (let at = span.first; at <= span.last; ) {
    const leftBytes = span.last - at + 1;
    const cachedBytes = goesWell ? zeroCopy.readCached(handle.fd, piece.subarray(0, leftBytes), at) : 0;
    const buffers = cachedBytes > 0 ? undefined : pool.take(leftBytes);
    let written = false;
    try {
      const buffer = buffers?.[0] ?? piece;
      const count = buffers
        ? (await handle.read(buffer, 0, Math.min(buffer.length, leftBytes), at)).bytesRead
        : cachedBytes;
      at += count;
      if (count === 0 || (at > span.last && !(await mayEnd(!buffers)))) {
        exchange.response.destroy();
        return false;
      }
      await writer.write(buffer.subarray(0, count));
      written = true;
    } finally {
      if (buffers) pool.release(buffers, written);
    }
    const before = at;
    const part = { file: handle, start: at, end: span.last };
    at = await sendUncopied(exchange.response, part, zeroCopy, (bytes) => {
      exchange.uncopiedBytes += bytes;
    });
    goesWell = at > before;
  }
  return true;
}
