import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { findSocketDescriptor, type ZeroCopy } from './zero-copy.ts';

/** Bytes `start` to before `end` of an open file. */
export interface FilePart {
  /** `fd` is its descriptor, looked at before each use: a closed file has none, and its number may be another file's. */
  readonly file: { readonly fd: number };
  readonly start: number;
  readonly end: number;
}

/** What one call sends at most: then others get their turn, however fast the reader. Smaller ones cost more. */
const windowBytes = 1 << 21;

/** So long the page cache is taken to have what it had. */
const trustMs = 100;

/** Has the connection send full packets only while `work` goes on: the end of what one call sends would be a small packet of its own. */
export async function whileCorked<T>(response: ServerResponse, calls: ZeroCopy, work: () => Promise<T>): Promise<T> {
  // A response that has ended has lost its socket.
  const { socket } = response;
  setCork(socket, calls, true);
  try {
    return await work();
  } finally {
    setCork(socket, calls, false);
  }
}

function setCork(socket: Socket | null, calls: ZeroCopy, on: boolean): void {
  const descriptor = findSocketDescriptor(socket);
  if (descriptor !== undefined) calls.cork(descriptor, on);
}

/**
 * Hands a part of a file straight to a response's socket, as far as it lies in the page cache, whenever the socket has room. What was written
 * to the response has to be in the kernel, and the answer has to be the first of its connection. `onSent` is told of every piece.
 *
 * Resolves with the position behind the last byte sent: `end`, or what has to be sent in the ordinary way, because it is not cached, because
 * the connection is encrypted or because it is gone.
 */
export function sendUncopied(
  response: ServerResponse,
  part: FilePart,
  calls: ZeroCopy,
  onSent: (bytes: number) => void,
): Promise<number> {
  const { socket } = response;
  const descriptor = findSocketDescriptor(socket);
  if (!socket || descriptor === undefined) return Promise.resolve(part.start);
  const pusher = new Pusher(socket, part, calls, onSent);
  pusher.push();
  if (pusher.isOver) return Promise.resolve(pusher.position);
  return new Promise((resolve) => {
    const end = (): void => {
      response.off('close', end);
      stop?.();
      // Called from outside of Node's own callbacks, behind which alone it looks after promises.
      setImmediate(resolve, pusher.position);
    };
    const stop = calls.watchRoom(descriptor, () => {
      // That there is room and the socket takes nothing has a reason, which the ordinary way finds out.
      if (pusher.push() === 0 || pusher.isOver) end();
      else refreshTimeout(socket);
    });
    if (stop) response.once('close', end);
    else end();
  });
}

class Pusher {
  position: number;
  isOver = false;
  readonly #socket: Socket;
  readonly #part: FilePart;
  readonly #calls: ZeroCopy;
  readonly #onSent: (bytes: number) => void;
  readonly #probe = Buffer.allocUnsafe(1);
  #cachedUntil = 0;
  #lookedAt = 0;

  constructor(socket: Socket, part: FilePart, calls: ZeroCopy, onSent: (bytes: number) => void) {
    this.position = part.start;
    this.#socket = socket;
    this.#part = part;
    this.#calls = calls;
    this.#onSent = onSent;
  }

  /** Sends what the socket takes of the next bytes; returns how many. */
  push(): number {
    const length = Math.min(windowBytes, this.#part.end - this.position);
    const descriptor = findSocketDescriptor(this.#socket);
    // What the stream still holds has to go first.
    const isReady = descriptor !== undefined && this.#socket.writableLength === 0;
    if (length <= 0 || !isReady || !this.#isCached(this.position + length)) {
      this.isOver = true;
      return 0;
    }
    const taken = this.#calls.sendFile(descriptor, this.#part.file.fd, this.position, length);
    this.position += taken;
    this.isOver = this.position === this.#part.end;
    this.#onSent(taken);
    return taken;
  }

  // The last byte stands for all: what is read as a stream is cached as one.
  #isCached(end: number): boolean {
    const now = performance.now();
    if (end <= this.#cachedUntil && now - this.#lookedAt < trustMs) return true;
    const ahead = Math.min(end + windowBytes, this.#part.end);
    const until = [ahead, end].find((it) => this.#calls.readCached(this.#part.file.fd, this.#probe, it - 1) > 0);
    this.#cachedUntil = until ?? 0;
    this.#lookedAt = now;
    return until !== undefined;
  }
}

/** Node's timeout for a connection on which nothing moves knows only what its stream has moved. */
function refreshTimeout(socket: Socket): void {
  if (socket.timeout) socket.setTimeout(socket.timeout);
}
