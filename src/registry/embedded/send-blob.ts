import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { sendUncopied, whileCorked } from '../../core/send-uncopied.ts';
import { findSocketDescriptor, type ZeroCopy } from '../../core/zero-copy.ts';
import type { BlobHandle } from '../../oci/index.ts';
import type { Exchange } from './respond.ts';

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

/** What a slice is sent with. */
interface Means {
  readonly bufferBytes: number;
  readonly zeroCopy: ZeroCopy | undefined;
}

/**
 * Writes bytes `start` to `end` (inclusive) of a blob to a response whose head is written, and ends it. Over plain HTTP the kernel sends what it
 * has in the page cache straight from the file. The rest goes through two buffers in turn; one is read into again only when its write was handed
 * to the kernel, so memory stays flat however slow the client. A file that is shorter than it said breaks the connection: the client must not
 * take the rest for the whole.
 */
export async function sendSlice(exchange: Exchange, handle: BlobHandle, range: ByteRange, means: Means): Promise<void> {
  const { response } = exchange;
  const { zeroCopy } = means;
  const { source } = handle;
  const isLong = range.end - range.start >= shortestUncopiedBytes;
  if (!zeroCopy || !source || !isLong || findSocketDescriptor(response.socket) === undefined)
    return sendCopied(response, handle, range, means.bufferBytes);
  await whileCorked(response, zeroCopy, async () => {
    const start = await sendCached(exchange, source, range, zeroCopy);
    await sendCopied(response, handle, { start, end: range.end }, means.bufferBytes);
  });
}

/** Less is sent as fast through a buffer. */
const shortestUncopiedBytes = 1 << 18;

/** What goes through the stream first, with the head of the answer: its callback tells that all before is in the kernel. */
const pieceBytes = 4096;

/** Sends what the kernel has of the range, from its start; returns the position behind that. */
async function sendCached(
  exchange: Exchange,
  source: NonNullable<BlobHandle['source']>,
  range: ByteRange,
  zeroCopy: ZeroCopy,
): Promise<number> {
  const { response } = exchange;
  const piece = Buffer.allocUnsafeSlow(pieceBytes);
  const count = zeroCopy.readCached(source.fd, piece, source.offsetBytes + range.start);
  if (count === 0) return range.start;
  await writeChunk(response, piece.subarray(0, count));
  const start = source.offsetBytes + range.start + count;
  const part = { file: source, start, end: source.offsetBytes + range.end + 1 };
  const position = await sendUncopied(response, part, zeroCopy, (bytes) => {
    exchange.uncopiedBytes += bytes;
  });
  return position - source.offsetBytes;
}

async function sendCopied(
  response: ServerResponse,
  handle: BlobHandle,
  range: ByteRange,
  bufferBytes: number,
): Promise<void> {
  const sizeBytes = Math.max(1, Math.min(bufferBytes, range.end - range.start + 1));
  const buffers: [Buffer | undefined, Buffer | undefined] = [undefined, undefined];
  const written: [Promise<void>, Promise<void>] = [Promise.resolve(), Promise.resolve()];
  let which: 0 | 1 = 0;
  for (let position = range.start; position <= range.end; ) {
    await written[which];
    const buffer = buffers[which] ?? Buffer.allocUnsafeSlow(sizeBytes);
    buffers[which] = buffer;
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
