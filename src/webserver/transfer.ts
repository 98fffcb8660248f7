import type { FileHandle } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import type { ByteRange } from './range.ts';

const mebibyte = 1 << 20;

/**
 * Pairs of buffers for transfers. A pair is read into and written from in turn, and goes back to the pool: serving allocates nothing per
 * chunk. The more transfers are under way, the smaller a new pair: a thousand slow readers share some 200 MiB.
 */
export class BufferPool {
  readonly #free: [Buffer, Buffer][] = [];
  #active = 0;

  /** A pair whose buffers have `lengthBytes` or less. */
  take(lengthBytes: number): [Buffer, Buffer] {
    this.#active += 1;
    const size = this.#active <= 8 ? mebibyte : this.#active <= 64 ? mebibyte / 4 : mebibyte / 16;
    // A short answer needs no megabyte, and a pool of mixed sizes would have to be searched.
    if (lengthBytes < size) return pair(Math.max(1, lengthBytes));
    return (size === mebibyte && this.#free.pop()) || pair(size);
  }

  /** Gives a pair back; `reusable` false when a broken connection may still hold its memory. */
  release(buffers: [Buffer, Buffer], reusable: boolean): void {
    this.#active -= 1;
    if (reusable && buffers[0].length === mebibyte && this.#free.length < 4) this.#free.push(buffers);
  }
}

/**
 * Sends bytes of a file: while one buffer is written to the socket the other is filled, and a buffer is filled again only after the
 * socket is done with it. `mayEnd` is asked before the last chunk; false breaks the connection off, so that the client sees a failed
 * download instead of a mixture of two files. Returns false when the connection is gone.
 */
export async function sendSpan(
  response: ServerResponse,
  handle: FileHandle,
  span: ByteRange,
  pool: BufferPool,
  mayEnd: () => Promise<boolean>,
): Promise<boolean> {
  const buffers = pool.take(span.last - span.first + 1);
  const writer = new ChunkWriter(response);
  let complete = false;
  try {
    const idle: [Promise<void>, Promise<void>] = [Promise.resolve(), Promise.resolve()];
    for (let at = span.first, turn: 0 | 1 = 0; at <= span.last; turn = turn === 0 ? 1 : 0) {
      await idle[turn];
      const buffer = buffers[turn];
      const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, span.last - at + 1), at);
      at += bytesRead;
      if (bytesRead === 0 || (at > span.last && !(await mayEnd()))) {
        response.destroy();
        return false;
      }
      idle[turn] = writer.write(buffer.subarray(0, bytesRead));
      // Looked at in two turns; until then a broken connection must not count as an unhandled rejection.
      idle[turn].catch(() => {});
    }
    await Promise.all(idle);
    complete = true;
    return true;
  } catch (error) {
    if (!(error instanceof ClientGone)) throw error;
    return false;
  } finally {
    writer.close();
    pool.release(buffers, complete);
  }
}

class ClientGone extends Error {}

// Write callbacks of a response that is queued behind another one are never called once the connection breaks, so its end is watched too.
class ChunkWriter {
  readonly #response: ServerResponse;
  readonly #waiting = new Set<(error: Error) => void>();
  readonly #onClose = (): void => {
    for (const reject of this.#waiting) reject(new ClientGone());
  };

  constructor(response: ServerResponse) {
    this.#response = response;
    response.once('close', this.#onClose);
  }

  write(chunk: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#response.destroyed) return reject(new ClientGone());
      this.#waiting.add(reject);
      this.#response.write(chunk, (error) => {
        this.#waiting.delete(reject);
        if (error) reject(new ClientGone());
        else resolve();
      });
    });
  }

  close(): void {
    this.#response.off('close', this.#onClose);
  }
}

function pair(sizeBytes: number): [Buffer, Buffer] {
  return [Buffer.allocUnsafeSlow(sizeBytes), Buffer.allocUnsafeSlow(sizeBytes)];
}
