import { createHash, type Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { DiskFile } from '../core/disk.ts';
import { AirlockError, isAirlockError } from '../core/errors.ts';
import { diskError } from '../core/files.ts';
import { assertRunning, type Run } from '../core/run.ts';

/** What a member's data has to be. `name` is what people and events call it. */
export interface ExpectedData {
  readonly name: string;
  readonly size: number;
  readonly algorithm: 'sha256' | 'sha512';
  readonly hex: string;
}

/** A volume's file that is being filled. */
export interface OpenVolumeFile {
  readonly path: string;
  readonly file: DiskFile;
}

/** Where the data goes. */
export interface DataPlace extends OpenVolumeFile {
  readonly offset: number;
}

export interface FillOptions {
  /** Bytes from the start that the volume holds already; they are read again and hashed, never trusted. */
  readonly checkedBytes: number;
  /** Opens the content from an offset on. */
  readonly open: (offsetBytes: number) => Promise<AsyncIterable<Uint8Array>>;
  /** Called as bytes reach the file: how many of the member it holds now. */
  readonly onProgress: (doneBytes: number) => void;
}

/** How often a source that broke without giving a byte is asked again before it is given up. */
const barrenAttempts = 3;

/**
 * Fills one member from its source: hashed in the stream, written once in blocks of `Sink`'s size at its place. A source that breaks is
 * opened again where it stopped.
 * @throws AirlockError DIGEST_MISMATCH, SIZE_MISMATCH, and what the source or the disk throws
 */
export async function fillMember(
  expected: ExpectedData,
  place: DataPlace,
  options: FillOptions,
  sink: Sink,
  run: Run,
): Promise<void> {
  const resumed = Math.min(options.checkedBytes, expected.size);
  try {
    await fillOnce(expected, place, { ...options, checkedBytes: resumed }, sink, run);
  } catch (error) {
    // What an earlier run left may be damaged; only the whole blob from its source can tell.
    if (resumed === 0 || !isAirlockError(error, 'DIGEST_MISMATCH')) throw error;
    await fillOnce(expected, place, { ...options, checkedBytes: 0 }, sink, run);
  }
}

async function fillOnce(
  expected: ExpectedData,
  place: DataPlace,
  options: FillOptions,
  sink: Sink,
  run: Run,
): Promise<void> {
  await sink.begin(expected, place, options.onProgress);
  if (options.checkedBytes > 0) await sink.rehash(options.checkedBytes, run);
  for (let barren = 0; sink.receivedBytes < expected.size; ) {
    const before = sink.receivedBytes;
    try {
      await pour(await options.open(before), sink, run);
      break;
    } catch (error) {
      assertRunning(run);
      barren = sink.receivedBytes > before ? 0 : barren + 1;
      // A source's client has done its own retries before it throws one of our errors.
      if (error instanceof AirlockError || barren >= barrenAttempts) throw error;
      run.report({ stage: 'build', subject: expected.name, state: 'retrying', doneBytes: sink.receivedBytes });
    }
  }
  await sink.end();
}

async function pour(content: AsyncIterable<Uint8Array>, sink: Sink, run: Run): Promise<void> {
  const close = (): void => {
    if (content instanceof Readable) content.destroy();
  };
  run.signal.addEventListener('abort', close, { once: true });
  try {
    for await (const chunk of content) {
      const writing = sink.write(chunk);
      if (writing) await writing;
      assertRunning(run);
    }
  } finally {
    run.signal.removeEventListener('abort', close);
    close();
  }
}

const bufferBytes = 1 << 20;

/**
 * Two buffers of 1 MiB: while one is being written the next is filled and hashed. One sink serves one member after the other, so memory does
 * not grow with their number or size.
 */
export class Sink {
  receivedBytes = 0;
  readonly #buffers = [Buffer.allocUnsafeSlow(bufferBytes), Buffer.allocUnsafeSlow(bufferBytes)] as const;
  #current = 0;
  #filled = 0;
  #writtenBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #hash: Hash = createHash('sha256');
  #expected: ExpectedData = { name: '', size: 0, algorithm: 'sha256', hex: '' };
  #place: DataPlace | undefined;
  #onProgress: (doneBytes: number) => void = () => {};

  async begin(expected: ExpectedData, place: DataPlace, onProgress: (doneBytes: number) => void): Promise<void> {
    // A member that failed may have left a write under way, out of a buffer that is about to be reused.
    await this.#writing.catch(() => {});
    this.#expected = expected;
    this.#place = place;
    this.#onProgress = onProgress;
    this.#hash = createHash(expected.algorithm);
    this.#filled = 0;
    this.receivedBytes = 0;
    this.#writtenBytes = 0;
    this.#writing = Promise.resolve();
  }

  /** Reads back and hashes what an earlier run wrote. */
  async rehash(bytes: number, run: Run): Promise<void> {
    const { file, offset } = this.#target();
    while (this.receivedBytes < bytes) {
      assertRunning(run);
      const piece = this.#buffers[0].subarray(0, Math.min(bufferBytes, bytes - this.receivedBytes));
      // What cannot be read counts as not written: it is brought again.
      const count = await file.read(piece, offset + this.receivedBytes).catch(() => 0);
      if (count === 0) break;
      this.#hash.update(piece.subarray(0, count));
      this.receivedBytes += count;
    }
    this.#writtenBytes = this.receivedBytes;
    this.#onProgress(this.#writtenBytes);
  }

  /** Takes bytes; returns a promise only when the disk has to be waited for. */
  write(chunk: Uint8Array): Promise<void> | undefined {
    const { name, size } = this.#expected;
    if (this.receivedBytes + chunk.length > size)
      throw new AirlockError('SIZE_MISMATCH', `${name} is larger than the ${size} bytes it should have`);
    if (this.#filled + chunk.length < bufferBytes) {
      this.#take(chunk);
      return undefined;
    }
    return this.#writeThrough(chunk);
  }

  /** Writes the rest, checks size and digest. */
  async end(): Promise<void> {
    const { name, size, algorithm, hex } = this.#expected;
    if (this.#filled > 0) await this.#flush();
    await this.settle();
    if (this.receivedBytes !== size)
      throw new AirlockError('SIZE_MISMATCH', `${name} ended after ${this.receivedBytes} of ${size} bytes`);
    const got = this.#hash.digest('hex');
    if (got === hex) return;
    throw new AirlockError('DIGEST_MISMATCH', `digest of ${name} does not match: got ${algorithm}:${got}`, {
      side: 'source',
    });
  }

  async #writeThrough(chunk: Uint8Array): Promise<void> {
    for (let start = 0; start < chunk.length; ) {
      const end = Math.min(chunk.length, start + bufferBytes - this.#filled);
      this.#take(chunk.subarray(start, end));
      start = end;
      if (this.#filled === bufferBytes) await this.#flush();
    }
  }

  #take(chunk: Uint8Array): void {
    this.#buffers[this.#current === 0 ? 0 : 1].set(chunk, this.#filled);
    this.#filled += chunk.length;
    this.receivedBytes += chunk.length;
  }

  /** Starts writing the full buffer and goes on with the other one, once that is written. */
  async #flush(): Promise<void> {
    const bytes = this.#buffers[this.#current === 0 ? 0 : 1].subarray(0, this.#filled);
    await this.settle();
    const { file, offset, path } = this.#target();
    const end = this.#writtenBytes + bytes.length;
    const at = offset + this.#writtenBytes;
    this.#writtenBytes = end;
    const onProgress = this.#onProgress;
    this.#writing = file.write(bytes, at).then(
      () => onProgress(end),
      (error: unknown) => {
        throw diskError(error, path, 'write');
      },
    );
    // A failure shows at the next settle; it must not count as unhandled until then.
    this.#writing.catch(() => {});
    this.#hash.update(bytes);
    this.#current = 1 - this.#current;
    this.#filled = 0;
  }

  /** Waits for the write that is under way. */
  async settle(): Promise<void> {
    await this.#writing;
  }

  #target(): DataPlace {
    if (!this.#place) throw new Error('a sink was used before begin()');
    return this.#place;
  }
}
