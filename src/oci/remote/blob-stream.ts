import { createHash, type Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { AirlockError } from '../../core/errors.ts';
import type { Bandwidth } from '../../core/http-bandwidth.ts';
import { isTransient } from '../../core/retry.ts';
import type { Descriptor } from '../descriptor.ts';
import { digestAlgorithm, digestHex } from '../digest.ts';

/** What a blob stream reads from and how it goes on after a broken connection. */
export interface BlobStreamOptions {
  readonly blob: Descriptor;
  readonly offsetBytes: number;
  /** A body from `offsetBytes` on, fully checked for status and range. */
  readonly open: (offsetBytes: number) => Promise<Readable>;
  /** Waits before try `attempt` + 1, or throws when there were enough. */
  readonly wait: (attempt: number, error: unknown) => Promise<void>;
  readonly bandwidth: Bandwidth | undefined;
  readonly side: 'source' | 'target' | undefined;
  readonly signal: AbortSignal;
}

// A connection that brought this much was worth it: its end does not count as a failed try.
const progressBytes = 1 << 20;

/**
 * A blob's bytes: continued by range after a broken connection, counted, and hashed when read from its start. The last bytes are given out only
 * after size and digest are found right, so that nobody can take a wrong blob for a whole one.
 */
export class BlobStream extends Readable {
  readonly #options: BlobStreamOptions;
  readonly #hash: Hash | undefined;
  #body: Readable | undefined;
  #position: number;
  #attempt = 0;
  #openedAt = 0;
  #opening = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: BlobStreamOptions, first: Readable) {
    super({ highWaterMark: 1 << 20 });
    this.#options = options;
    this.#position = options.offsetBytes;
    this.#hash = options.offsetBytes === 0 ? createHash(digestAlgorithm(options.blob.digest)) : undefined;
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
      if (body === this.#body) this.#ended();
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
    const { blob } = this.#options;
    if (this.#position > blob.size) return this.#mismatch('SIZE_MISMATCH', `is longer than its ${blob.size} bytes`);
    if (this.#position < blob.size || !this.#hash) return undefined;
    const got = this.#hash.digest('hex');
    if (got === digestHex(blob.digest)) return undefined;
    return this.#mismatch('DIGEST_MISMATCH', `does not match: got ${digestAlgorithm(blob.digest)}:${got}`);
  }

  #rest(waitMs: number): void {
    this.#body?.pause();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#body?.resume();
    }, waitMs);
  }

  #ended(): void {
    const { blob } = this.#options;
    // HTTP said that this was the end: less than the whole means that the server has less than the descriptor names.
    const short = this.#position < blob.size;
    // An empty blob had no last chunk at which its digest was looked at.
    const wrong = short
      ? this.#mismatch('SIZE_MISMATCH', `ends after ${this.#position} of its ${blob.size} bytes`)
      : blob.size === 0
        ? this.#findWrong()
        : undefined;
    if (wrong) this.destroy(wrong);
    else this.push(null);
  }

  async #reopen(error: unknown): Promise<void> {
    if (this.destroyed || this.#opening) return;
    this.#body = undefined;
    if (this.#position === this.#options.blob.size) {
      this.push(null);
      return;
    }
    if (this.#options.signal.aborted || !isTransient(error)) {
      this.destroy(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.#opening = true;
    this.#attempt = this.#position - this.#openedAt >= progressBytes ? 0 : this.#attempt;
    try {
      await this.#options.wait(this.#attempt, error);
      this.#attempt += 1;
      const body = await this.#options.open(this.#position);
      if (this.destroyed) body.destroy();
      else {
        this.#follow(body);
        if (this.readableFlowing !== false || this.readableLength === 0) body.resume();
      }
    } catch (failure) {
      this.destroy(failure instanceof Error ? failure : new Error(String(failure)));
    } finally {
      this.#opening = false;
    }
  }

  #mismatch(code: 'SIZE_MISMATCH' | 'DIGEST_MISMATCH', why: string): AirlockError {
    const { blob, side } = this.#options;
    return new AirlockError(code, `${code === 'DIGEST_MISMATCH' ? 'digest' : 'size'} of blob ${blob.digest} ${why}`, {
      ...(side ? { side } : {}),
      hint: 'the server or something before it gives wrong content; run again, or use another mirror',
    });
  }
}
