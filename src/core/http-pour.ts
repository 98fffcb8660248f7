import type { Readable } from 'node:stream';

/** Where the bytes of a body are put without a copy between: the reader lends room, and is told how much of it was filled. */
export interface ByteSink {
  /** Room for at least one byte. Nothing is put into it while a promise of `took` is pending. */
  room(): Uint8Array;
  /**
   * The first `count` bytes of the last `room()` hold data now. A promise asks for no more bytes until it resolves; a throw or rejection
   * ends the body with that error.
   */
  took(count: number): Promise<void> | undefined;
}

/** A body that can be read as a stream or, once and from its start, be poured into a sink. */
export interface PourableBody extends Readable {
  /** Resolves when the last byte was taken. @throws what the connection or the sink throws */
  pour(sink: ByteSink): Promise<void>;
}

export function isPourable(body: Readable): body is PourableBody {
  return 'pour' in body && typeof body.pour === 'function';
}

/** What a sink did not take at once. */
export interface LeftBytes {
  /** What the sink waits for. */
  readonly wait: Promise<void>;
  readonly rest: Uint8Array;
}

/** Copies bytes into a sink until it asks to wait; undefined when it took all of them without. */
export function copyAtOnce(sink: ByteSink, bytes: Uint8Array): LeftBytes | undefined {
  for (let start = 0; start < bytes.length; ) {
    const room = sink.room();
    const count = Math.min(room.length, bytes.length - start);
    room.set(bytes.subarray(start, start + count));
    start += count;
    const wait = sink.took(count);
    if (wait) return { wait, rest: bytes.subarray(start) };
  }
  return undefined;
}

/** Copies bytes into a sink. */
export async function copyInto(sink: ByteSink, bytes: Uint8Array): Promise<void> {
  for (let left = copyAtOnce(sink, bytes); left; left = copyAtOnce(sink, left.rest)) await left.wait;
}

/** A sink that knows how many bytes of the whole it has. */
export interface PourSink extends ByteSink {
  readonly receivedBytes: number;
}

/** Pours any body: one that cannot be poured is read as a stream, with a copy. */
export async function pourBody(body: Readable, sink: ByteSink): Promise<void> {
  if (isPourable(body)) return body.pour(sink);
  for await (const chunk of body as AsyncIterable<Uint8Array>) await copyInto(sink, chunk);
}
