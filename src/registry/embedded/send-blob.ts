import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { BlobHandle } from '../../oci/index.ts';

/** A byte range, both ends inclusive as in HTTP. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * What a Range header asks of `sizeBytes`. Several ranges, other units and syntax errors are answered with the whole, as RFC 9110 §14.2
 * allows; a range that lies outside or ends before it starts is `unsatisfiable`.
 */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | 'whole' | 'unsatisfiable' {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return 'whole';
  const [first, last] = [match[1] ?? '', match[2] ?? ''];
  if (first === '') {
    const count = Math.min(Number(last), sizeBytes);
    return count === 0 ? 'unsatisfiable' : { start: sizeBytes - count, end: sizeBytes - 1 };
  }
  const start = Number(first);
  const end = last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  return start >= sizeBytes || end < start ? 'unsatisfiable' : { start, end };
}

/** Counts the bodies that a server sends now, so that memory stays bounded: many clients at once need no large buffers to fill the line. */
export class Transfers {
  #count = 0;

  /** Runs `work` with the size of the buffers that it may use. */
  async hold(work: (bufferBytes: number) => Promise<void>): Promise<void> {
    this.#count += 1;
    try {
      await work(this.#count <= 16 ? 1 << 20 : this.#count <= 128 ? 1 << 18 : 1 << 16);
    } finally {
      this.#count -= 1;
    }
  }
}

/**
 * Writes bytes `start` to `end` (inclusive) of a blob to a response whose head is written, and ends it. Two buffers are used in turn; one
 * is read into again only when its write was handed to the kernel, so memory stays flat however slow the client. A file that is shorter
 * than it said breaks the connection: the client must not take the rest for the whole.
 */
export async function sendSlice(
  response: ServerResponse,
  handle: BlobHandle,
  range: ByteRange,
  bufferBytes: number,
): Promise<void> {
  const sizeBytes = Math.min(bufferBytes, range.end - range.start + 1);
  const buffers: [Buffer, Buffer | undefined] = [Buffer.allocUnsafeSlow(sizeBytes), undefined];
  const written: [Promise<void>, Promise<void>] = [Promise.resolve(), Promise.resolve()];
  let which: 0 | 1 = 0;
  for (let position = range.start; position <= range.end; ) {
    await written[which];
    buffers[which] ??= Buffer.allocUnsafeSlow(sizeBytes);
    const buffer: Buffer = buffers[which] ?? buffers[0];
    const count = await handle.read(buffer.subarray(0, Math.min(buffer.length, range.end - position + 1)), position);
    if (count === 0 || response.destroyed) {
      response.destroy();
      break;
    }
    position += count;
    written[which] = writeChunk(response, buffer.subarray(0, count));
    written[which].catch(() => {});
    which = which === 0 ? 1 : 0;
  }
  await Promise.all(written);
  if (response.destroyed) return;
  response.end();
  if (!response.writableFinished) await Promise.race([once(response, 'finish'), once(response, 'close')]);
}

/** Resolves when the chunk went to the kernel; rejects when the connection broke, also where the write callback never comes. */
function writeChunk(response: ServerResponse, chunk: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(new Error('connection closed'));
    response.once('close', closed);
    response.write(chunk, (error) => {
      response.removeListener('close', closed);
      if (error) reject(error);
      else resolve();
    });
  });
}
