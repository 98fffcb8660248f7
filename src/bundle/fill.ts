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
  /** Content opened at offset 0 fails before its end when it is wrong, so that it need not be hashed here. */
  readonly checked: boolean;
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
  const { open, onProgress } = options;
  const start = Math.min(options.checkedBytes, expected.size);
  await sink.begin(expected, place, onProgress, !(options.checked && start === 0));
  try {
    if (start > 0) await sink.rehash(start, run);
    await pourAll(expected, open, sink, run);
    await sink.end();
  } catch (error) {
    // What an earlier run left may be damaged; only the whole blob from its source can tell.
    if (start === 0 || !isAirlockError(error, 'DIGEST_MISMATCH')) throw error;
    await sink.begin(expected, place, onProgress, true);
    await pourAll(expected, open, sink, run);
    await sink.end();
  }
}

/** Pours until the member is full, opening the source again where it broke. */
async function pourAll(expected: ExpectedData, open: FillOptions['open'], sink: Sink, run: Run): Promise<void> {
  for (let barren = 0; sink.receivedBytes < expected.size; ) {
    const before = sink.receivedBytes;
    try {
      await pour(await open(before), sink, run);
      return;
    } catch (error) {
      assertRunning(run);
      barren = sink.receivedBytes > before ? 0 : barren + 1;
      // A source's client has done its own retries before it throws one of our errors.
      if (error instanceof AirlockError || barren >= barrenAttempts) throw error;
      run.report({ stage: 'build', subject: expected.name, state: 'retrying', doneBytes: sink.receivedBytes });
      // From the middle on nobody checks the whole any more but we.
      if (!sink.isHashing) await sink.startHashing(run);
    }
  }
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
  isHashing = true;
  readonly #buffers = [Buffer.allocUnsafeSlow(bufferBytes), Buffer.allocUnsafeSlow(bufferBytes)] as const;
  #current = 0;
  #filled = 0;
  #writtenBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #hash: Hash = createHash('sha256');
  #expected: ExpectedData = { name: '', size: 0, algorithm: 'sha256', hex: '' };
  #place: DataPlace | undefined;
  #onProgress: (doneBytes: number) => void = () => {};

  async begin(
    expected: ExpectedData,
    place: DataPlace,
    onProgress: (doneBytes: number) => void,
    isHashing: boolean,
  ): Promise<void> {
    // A member that failed may have left a write under way, out of a buffer that is about to be reused.
    await this.#writing.catch(() => {});
    this.#expected = expected;
    this.#place = place;
    this.#onProgress = onProgress;
    this.#hash = createHash(expected.algorithm);
    this.isHashing = isHashing;
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

  /** Goes over to hashing in the middle: what was written so far is read back. */
  async startHashing(run: Run): Promise<void> {
    if (this.#filled > 0) await this.#flush();
    await this.settle();
    const bytes = this.receivedBytes;
    this.receivedBytes = 0;
    this.isHashing = true;
    await this.rehash(bytes, run);
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
    const got = this.isHashing ? this.#hash.digest('hex') : hex;
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
    if (this.isHashing) this.#hash.update(bytes);
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
