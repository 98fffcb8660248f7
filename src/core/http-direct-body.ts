import { Readable } from 'node:stream';
import { errors } from 'undici';
import { type ByteSink, copyAtOnce, copyInto, type PourableBody } from './http-pour.ts';

/** What a body needs of its connection. */
export interface BodyLink {
  /** Reading stops for as long as the reader likes. */
  pause(): void;
  resume(): void;
  /** All bytes are here: the connection is free. */
  received(): void;
  /** The rest is not wanted: the connection is of no more use. */
  abandon(): void;
  translate(error: Error): Error;
  /** Room for what cannot be put where it belongs at once. */
  readonly scratch: Uint8Array;
}

/** The body of one answer: poured into a sink, or read as a stream, which then gives out buffers of its own. */
export class DirectBody extends Readable implements PourableBody {
  readonly #link: BodyLink;
  /** Not here yet. */
  #missingBytes: number;
  /** What came while nobody could take it: with the head, or out of TLS records that were decrypted already. */
  readonly #early: Buffer[];
  #sink: ByteSink | undefined;
  #lent: Uint8Array | undefined;
  /** Nothing may be put into the sink now. */
  #isHeld = true;
  #isOver = false;
  #failure: Error | undefined;
  #settle: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined;
  #askedForMore: (() => void) | undefined;

  constructor(sizeBytes: number, early: Buffer, link: BodyLink) {
    super({ highWaterMark: 1 << 20 });
    this.#missingBytes = sizeBytes - early.length;
    this.#early = early.length > 0 ? [early] : [];
    this.#link = link;
  }

  /** Called once the connection knows this body as its own. */
  begin(): void {
    if (this.#missingBytes === 0) this.#link.received();
    else this.#link.pause();
  }

  /** Where the connection reads to next. */
  room(): Uint8Array {
    this.#lent = undefined;
    if (!this.#sink || this.#isHeld) return this.#link.scratch;
    const room = this.#sink.room();
    this.#lent = room.length > this.#missingBytes ? room.subarray(0, this.#missingBytes) : room;
    return this.#lent;
  }

  /** The connection has read `count` bytes into what `room` gave; false stops it. */
  onRead(count: number, bytes: Uint8Array): boolean {
    if (count > this.#missingBytes) {
      this.fail(new errors.ResponseContentLengthMismatchError());
      this.#link.abandon();
      return false;
    }
    this.#missingBytes -= count;
    const sink = this.#isHeld ? undefined : this.#sink;
    if (!sink) this.#early.push(Buffer.from(bytes.subarray(0, count)));
    if (this.#missingBytes === 0) this.#link.received();
    if (!sink) return this.#missingBytes === 0;
    try {
      const wait = bytes === this.#lent ? sink.took(count) : this.#copy(sink, bytes.subarray(0, count));
      if (wait) this.#hold(wait);
      else if (this.#missingBytes === 0) this.#finish();
    } catch (error) {
      this.#giveUp(error);
    }
    // A connection that is free has to go on reading: it would not see its end otherwise.
    return !this.#isHeld || this.#missingBytes === 0;
  }

  /**
   * Puts what was read into the scratch where it belongs. Not later: as long as the body is held `room` can only lend the scratch again, for
   * the socket asks for its next room as soon as it was told of the last, and then every read would be copied.
   */
  #copy(sink: ByteSink, bytes: Uint8Array): Promise<void> | undefined {
    const left = copyAtOnce(sink, bytes);
    if (left && left.rest.length > 0) this.#early.push(Buffer.from(left.rest));
    return left?.wait;
  }

  /** The connection broke. What it brought is given out first. */
  fail(error: Error): void {
    if (this.#missingBytes === 0 || this.#failure) return;
    this.#failure = this.#link.translate(error);
    if (this.#sink && !this.#isHeld) this.#giveUp(this.#failure);
  }

  pour(sink: ByteSink): Promise<void> {
    if (this.#sink) throw new Error('a body is read once');
    this.#sink = sink;
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#hold(Promise.resolve());
    });
  }

  override _read(): void {
    const more = this.#askedForMore;
    this.#askedForMore = undefined;
    if (more) more();
    if (this.#sink) return;
    let room = Buffer.alloc(0);
    this.pour({
      room: () => {
        room = Buffer.allocUnsafe(64 << 10);
        return room;
      },
      took: (count) => {
        if (this.push(room.subarray(0, count))) return undefined;
        return new Promise((resolve) => {
          this.#askedForMore = resolve;
        });
      },
    }).then(
      () => this.push(null),
      (error: Error) => this.destroy(error),
    );
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.#isOver) this.#giveUp(error ?? new errors.RequestAbortedError());
    callback(error);
  }

  /** Nothing is put into the sink until `wait` is over and what came early is in it. */
  #hold(wait: Promise<void>): void {
    this.#isHeld = true;
    // A connection whose bytes are all here may serve somebody else by now.
    if (this.#missingBytes > 0) this.#link.pause();
    this.#catchUp(wait).catch((error: unknown) => this.#giveUp(error));
  }

  async #catchUp(wait: Promise<void>): Promise<void> {
    await wait;
    for (let bytes = this.#early.shift(); bytes && this.#sink; bytes = this.#early.shift())
      await copyInto(this.#sink, bytes);
    if (this.#isOver) return;
    if (this.#missingBytes === 0) {
      this.#finish();
      return;
    }
    if (this.#failure) throw this.#failure;
    this.#isHeld = false;
    this.#link.resume();
  }

  #finish(): void {
    this.#isOver = true;
    this.#settle?.resolve();
  }

  #giveUp(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#missingBytes > 0) this.#link.abandon();
    this.#missingBytes = 0;
    this.#settle?.reject(error);
  }
}
