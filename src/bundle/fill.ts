import { createHash, type Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { DiskFile } from '../core/disk.ts';
import { AirlockError, isAirlockError } from '../core/errors.ts';
import { diskError } from '../core/files.ts';
import { type ByteSink, copyInto, type PourSink } from '../core/http-pour.ts';
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
  /** Brings the content from `sink.receivedBytes` on. */
  readonly pour: (sink: PourSink) => Promise<void>;
  /** Called as bytes reach the file: how many of the member it holds now. */
  readonly onProgress: (doneBytes: number) => void;
}

/** How often a source that broke without giving a byte is asked again before it is given up. */
const barrenAttempts = 3;

/**
 * Fills one member from its source: hashed as it comes, written once in blocks of `Sink`'s size at its place. A source that breaks is
 * asked again for the rest.
 * @throws AirlockError DIGEST_MISMATCH, SIZE_MISMATCH, and what the source or the disk throws
 */
export async function fillMember(
  expected: ExpectedData,
  place: DataPlace,
  options: FillOptions,
  sink: Sink,
  run: Run,
): Promise<void> {
  const { pour, onProgress } = options;
  const start = Math.min(options.checkedBytes, expected.size);
  await sink.begin(expected, place, onProgress);
  try {
    if (start > 0) await sink.rehash(start, run);
    await pourAll(expected, pour, sink, run);
    await sink.end();
  } catch (error) {
    // What an earlier run left may be damaged; only the whole blob from its source can tell.
    if (start === 0 || !isAirlockError(error, 'DIGEST_MISMATCH')) throw error;
    await sink.begin(expected, place, onProgress);
    await pourAll(expected, pour, sink, run);
    await sink.end();
  }
}

/** Pours until the member is full, asking the source again where it broke. */
export async function pourAll(
  expected: ExpectedData,
  pour: FillOptions['pour'],
  sink: PourSink,
  run: Run,
): Promise<void> {
  for (let barren = 0; sink.receivedBytes < expected.size; ) {
    const before = sink.receivedBytes;
    try {
      await pour(sink);
      return;
    } catch (error) {
      assertRunning(run);
      barren = sink.receivedBytes > before ? 0 : barren + 1;
      // A source's client has done its own retries before it throws one of our errors.
      if (error instanceof AirlockError || barren >= barrenAttempts) throw error;
      run.report({ stage: 'build', subject: expected.name, state: 'retrying', doneBytes: sink.receivedBytes });
    }
  }
}

/** Pours a stream into a sink; the end of the run ends it. */
export async function pourStream(content: AsyncIterable<Uint8Array>, sink: ByteSink, run: Run): Promise<void> {
  const close = (): void => {
    if (content instanceof Readable) content.destroy();
  };
  run.signal.addEventListener('abort', close, { once: true });
  try {
    for await (const chunk of content) {
      await copyInto(sink, chunk);
      assertRunning(run);
    }
  } finally {
    run.signal.removeEventListener('abort', close);
    close();
  }
}

/** @throws AirlockError SIZE_MISMATCH */
export function assertFits({ name, size }: ExpectedData, receivedBytes: number): void {
  if (receivedBytes > size)
    throw new AirlockError('SIZE_MISMATCH', `${name} is larger than the ${size} bytes it should have`);
}

/** Checks a member that ended; `hash` has seen all of it. @throws AirlockError SIZE_MISMATCH, DIGEST_MISMATCH */
export function assertRight({ name, size, algorithm, hex }: ExpectedData, receivedBytes: number, hash: Hash): void {
  if (receivedBytes !== size)
    throw new AirlockError('SIZE_MISMATCH', `${name} ended after ${receivedBytes} of ${size} bytes`);
  const got = hash.digest('hex');
  if (got === hex) return;
  throw new AirlockError('DIGEST_MISMATCH', `digest of ${name} does not match: got ${algorithm}:${got}`, {
    side: 'source',
  });
}

const bufferBytes = 1 << 20;

/**
 * Two buffers of 1 MiB: while one is being written the next is filled and hashed. One sink serves one member after the other, so memory does
 * not grow with their number or size.
 */
export class Sink implements PourSink {
  receivedBytes = 0;
  readonly #buffers = [Buffer.allocUnsafeSlow(bufferBytes), Buffer.allocUnsafeSlow(bufferBytes)] as const;
  #current: 0 | 1 = 0;
  #filled = 0;
  #writtenBytes = 0;
  #writing: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #hash: Hash = createHash('sha256');
  #expected: ExpectedData = { name: '', size: 0, algorithm: 'sha256', hex: '' };
  #place: DataPlace | undefined;
  #onProgress: (doneBytes: number) => void = () => {};

  async begin(expected: ExpectedData, place: DataPlace, onProgress: (doneBytes: number) => void): Promise<void> {
    // A member that failed may have left a write under way, out of a buffer that is about to be reused.
    await this.#writing;
    this.#failure = undefined;
    this.#expected = expected;
    this.#place = place;
    this.#onProgress = onProgress;
    this.#hash = createHash(expected.algorithm);
    this.#filled = 0;
    this.receivedBytes = 0;
    this.#writtenBytes = 0;
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

  room(): Uint8Array {
    return this.#buffers[this.#current].subarray(this.#filled);
  }

  took(count: number): Promise<void> | undefined {
    assertFits(this.#expected, this.receivedBytes + count);
    this.#filled += count;
    this.receivedBytes += count;
    return this.#filled === bufferBytes ? this.#flush() : undefined;
  }

  /** Writes the rest, checks size and digest. */
  async end(): Promise<void> {
    if (this.#filled > 0) await this.#flush();
    await this.settle();
    assertRight(this.#expected, this.receivedBytes, this.#hash);
  }

  /** Waits for the write that is under way. @throws what a write of this member threw */
  async settle(): Promise<void> {
    await this.#writing;
    if (this.#failure) throw this.#failure.error;
  }

  /** Goes over to the other buffer: at once, unless it is still being written. */
  #flush(): Promise<void> | undefined {
    if (this.#writing) return this.settle().then(() => this.#write());
    if (this.#failure) throw this.#failure.error;
    this.#write();
    return undefined;
  }

  #write(): void {
    const bytes = this.#buffers[this.#current].subarray(0, this.#filled);
    const { file, offset, path } = this.#target();
    const at = offset + this.#writtenBytes;
    this.#writtenBytes += bytes.length;
    const end = this.#writtenBytes;
    const onProgress = this.#onProgress;
    const writing = file.write(bytes, at).then(
      () => onProgress(end),
      (error: unknown) => {
        // It shows at the next flush or at the end.
        this.#failure ??= { error: diskError(error, path, 'write') };
      },
    );
    this.#writing = writing.finally(() => {
      this.#writing = undefined;
    });
    this.#hash.update(bytes);
    this.#current = this.#current === 0 ? 1 : 0;
    this.#filled = 0;
  }

  #target(): DataPlace {
    if (!this.#place) throw new Error('a sink was used before begin()');
    return this.#place;
  }
}
