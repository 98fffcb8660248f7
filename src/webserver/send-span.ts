import { ChunkWriter, ClientGone } from './chunk-writer.ts';
import { canSendCached, sendCached } from './send-cached.ts';
import { sendRead } from './send-read.ts';
import type { Transfer } from './transfer.ts';

/** Sends the span behind what was written to the response before. Returns false when the connection is gone. */
export async function sendSpan(transfer: Transfer): Promise<boolean> {
  const writer = new ChunkWriter(transfer.exchange.response);
  try {
    const { zeroCopy } = transfer;
    if (zeroCopy && canSendCached(transfer)) return await sendCached(transfer, zeroCopy, writer);
    if (zeroCopy) return await sendRead(transfer, zeroCopy, writer);
    return await sendBuffered(transfer, writer);
  } catch (error) {
    if (!(error instanceof ClientGone)) throw error;
    return false;
  } finally {
    writer.close();
  }
}

/** While one buffer is written to the socket the other is filled, and a buffer is filled again only after the socket is done with it. */
async function sendBuffered(transfer: Transfer, writer: ChunkWriter): Promise<boolean> {
  const { exchange, handle, span, pool, mayEnd } = transfer;
  const buffers = pool.take(span.last - span.first + 1);
  let complete = false;
  try {
    const idle: [Promise<void>, Promise<void>] = [Promise.resolve(), Promise.resolve()];
    for (let at = span.first, turn: 0 | 1 = 0; at <= span.last; turn = turn === 0 ? 1 : 0) {
      await idle[turn];
      const buffer = buffers[turn];
      const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, span.last - at + 1), at);
      at += bytesRead;
      if (bytesRead === 0 || (at > span.last && !(await mayEnd(false)))) {
        exchange.response.destroy();
        return false;
      }
      idle[turn] = writer.write(buffer.subarray(0, bytesRead));
      // Looked at in two turns; until then a broken connection must not count as an unhandled rejection.
      idle[turn].catch(() => {});
    }
    await Promise.all(idle);
    complete = true;
    return true;
  } finally {
    pool.release(buffers, complete);
  }
}
