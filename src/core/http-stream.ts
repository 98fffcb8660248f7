import { createHash, type Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { AirlockError } from './errors.ts';
import type { Bandwidth } from './http-bandwidth.ts';
import { isTransient } from './retry.ts';

/** What a checked stream reads from, and how it goes on after a broken connection. */
export interface CheckedStreamOptions {
  /** Of the whole, not of what is left after `offsetBytes`. */
  readonly sizeBytes: number;
  /** Looked at only when the stream begins at byte 0. */
  readonly digest: { readonly algorithm: 'sha256' | 'sha512'; readonly hex: string } | undefined;
  readonly offsetBytes: number;
  /** A body from `offsetBytes` on, with status and range checked. */
  readonly open: (offsetBytes: number) => Promise<Readable>;
  /** Waits before try `attempt` + 1 (counted from 0), or throws when there were enough. */
  readonly wait: (attempt: number, error: unknown) => Promise<void>;
  /** The error for wrong content. `why` ends a sentence that begins with the content's name. */
  readonly mismatch: (what: 'size' | 'digest', why: string) => AirlockError;
  readonly bandwidth: Bandwidth | undefined;
  readonly signal: AbortSignal;
}

/** A connection that brought this much was worth it: its end does not count as a failed try. */
export const progressBytes = 1 << 20;

/**
 * Bytes over HTTP: continued by range after a broken connection, counted, and hashed when read from their start. The last ones are given out only
 * after size and digest are found right, so that nobody can take wrong content for whole content.
 */
export class CheckedStream extends Readable {
  readonly #options: CheckedStreamOptions;
  readonly #hash: Hash | undefined;
  #body: Readable | undefined;
  #position: number;
  #attempt = 0;
  #openedAt = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `first` is a body from `offsetBytes` on. */
  constructor(options: CheckedStreamOptions, first: Readable) {
    super({ highWaterMark: 1 << 20 });
    this.#options = options;
    this.#position = options.offsetBytes;
    this.#hash = options.digest && options.offsetBytes === 0 ? createHash(options.digest.algorithm) : undefined;
    this.#follow(first);
  }

  override _read(): void {
    if (this.#timer === undefined) this.#body?.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#timer);
    this.#body?.destroy();
    callback(error);
  }

  #follow(body: Readable): void {
    this.#body = body;
    this.#openedAt = this.#position;
    body.on('data', (chunk: Buffer) => {
      if (body === this.#body) this.#take(chunk);
    });
    body.on('end', () => {
      if (body === this.#body) this.#end();
    });
    body.on('error', (error) => {
      if (body === this.#body) void this.#reopen(error);
    });
    body.pause();
  }

  #take(chunk: Buffer): void {
    this.#position += chunk.length;
    this.#hash?.update(chunk);
    const wrong = this.#findWrong();
    if (wrong) {
      this.destroy(wrong);
      return;
    }
    const waitMs = this.#options.bandwidth?.spend(chunk.length) ?? 0;
    if (!this.push(chunk)) this.#body?.pause();
    if (waitMs > 0) this.#rest(waitMs);
  }

  /** What is wrong with all bytes so far; the digest is looked at when the last one is here. */
  #findWrong(): AirlockError | undefined {
    const { sizeBytes, digest, mismatch } = this.#options;
    if (this.#position > sizeBytes) return mismatch('size', `is longer than its ${sizeBytes} bytes`);
    if (this.#position < sizeBytes || !this.#hash || !digest) return undefined;
    const got = this.#hash.digest('hex');
    return got === digest.hex ? undefined : mismatch('digest', `does not match: got ${digest.algorithm}:${got}`);
  }

  #rest(waitMs: number): void {
    this.#body?.pause();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#body?.resume();
    }, waitMs);
  }

  #end(): void {
    const { sizeBytes, mismatch } = this.#options;
    // HTTP said that this was the end: less than the whole means that the server has less than it should.
    const wrong =
      this.#position < sizeBytes
        ? mismatch('size', `ends after ${this.#position} of its ${sizeBytes} bytes`)
        : // Empty content had no last chunk at which its digest was looked at.
          sizeBytes === 0
          ? this.#findWrong()
          : undefined;
    if (wrong) this.destroy(wrong);
    else this.push(null);
  }

  async #reopen(error: unknown): Promise<void> {
    this.#body = undefined;
    if (this.destroyed) return;
    if (this.#position === this.#options.sizeBytes && this.#position > 0) {
      this.push(null);
      return;
    }
    try {
      if (this.#options.signal.aborted || !isTransient(error)) throw error;
      if (this.#position - this.#openedAt >= progressBytes) this.#attempt = 0;
      const body = await this.#openAgain(error);
      if (this.destroyed) {
        body.destroy();
        return;
      }
      this.#follow(body);
      body.resume();
    } catch (failure) {
      this.destroy(failure instanceof Error ? failure : new Error(String(failure)));
    }
  }

  /** Opens until it succeeds or `wait` has enough. */
  async #openAgain(cause: unknown): Promise<Readable> {
    for (let error = cause; ; ) {
      await this.#options.wait(this.#attempt, error);
      this.#attempt += 1;
      try {
        return await this.#options.open(this.#position);
      } catch (failure) {
        if (this.#options.signal.aborted || !isTransient(failure)) throw failure;
        error = failure;
      }
    }
  }
}
