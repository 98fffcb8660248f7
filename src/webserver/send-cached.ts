import type { Socket } from 'node:net';
import { findSocketDescriptor, type ZeroCopy } from '../core/zero-copy.ts';
import type { ChunkWriter } from './chunk-writer.ts';
import type { Transfer } from './transfer.ts';

/** Shorter spans are one chunk anyway. */
const shortestBytes = 1 << 15;

/** What goes through the stream between two turns of the kernel: its callback tells that the socket has room again. */
const pieceBytes = 4096;

const windowBytes = 1 << 20;

/** So many windows in a row, then others get a turn: a reader as fast as memory would never fill its socket. */
const windowsPerTurn = 4;

/** Plain HTTP, and a response that has its connection already: one that waits behind another could not be told from it there. */
export function canSendCached({ exchange, span }: Transfer): boolean {
  const isLong = span.last - span.first + 1 >= shortestBytes;
  return isLong && findSocketDescriptor(exchange.response.socket) !== undefined;
}

/**
 * Sends a span without copying what is in the page cache: a small piece through the stream, then as much as the socket takes straight from
 * the file. What is not cached is read by Node's threads, so that a slow disk stops nobody else. The last byte goes through the
 * stream, behind `mayEnd`. Returns false when the connection is gone.
 */
export async function sendCached(transfer: Transfer, zeroCopy: ZeroCopy, writer: ChunkWriter): Promise<boolean> {
  const { socket } = transfer.exchange.response;
  // What sendfile has put into the socket when it is full ends anywhere: without this the end of each turn is a small packet of its own.
  setCork(socket, zeroCopy, true);
  try {
    return await sendCorked(transfer, zeroCopy, writer);
  } finally {
    setCork(socket, zeroCopy, false);
  }
}

function setCork(socket: Socket | null, zeroCopy: ZeroCopy, on: boolean): void {
  const descriptor = findSocketDescriptor(socket);
  if (descriptor !== undefined) zeroCopy.cork(descriptor, on);
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
      if (count === 0 || (at > span.last && !(await mayEnd()))) {
        exchange.response.destroy();
        return false;
      }
      await writer.write(buffer.subarray(0, count));
      written = true;
    } finally {
      if (buffers) pool.release(buffers, written);
    }
    const uncopied = pushCached(transfer, zeroCopy, at);
    exchange.uncopiedBytes += uncopied;
    at += uncopied;
    goesWell = uncopied > 0;
  }
  return true;
}

/** Hands cached bytes from `start` to the socket until it takes no more; all before the span's last byte at most. Returns how many. */
function pushCached({ exchange, handle, span }: Transfer, zeroCopy: ZeroCopy, start: number): number {
  const { socket } = exchange.response;
  const probe = Buffer.allocUnsafe(1);
  let at = start;
  for (let windows = 0; windows < windowsPerTurn; windows += 1) {
    const length = Math.min(windowBytes, span.last - at);
    const descriptor = findSocketDescriptor(socket);
    // What the stream still holds has to go first.
    if (length <= 0 || descriptor === undefined || socket?.writableLength !== 0) break;
    if (zeroCopy.readCached(handle.fd, probe, at + length - 1) === 0) break;
    const taken = zeroCopy.sendFile(descriptor, handle.fd, at, length);
    at += taken;
    if (taken < length) break;
  }
  return at - start;
}
