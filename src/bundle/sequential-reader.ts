import type { DiskFile } from '../core/disk.ts';

const bufferBytes = 1 << 20;

/**
 * Reads a stretch of a file from front to back through two buffers of 1 MiB, the next one being read while the current one is used. What
 * `take` returns is valid until the next call.
 */
export class SequentialReader {
  readonly #file: DiskFile;
  readonly #endOffset: number;
  readonly #buffers: Buffer[];
  #next: Promise<Buffer> | undefined;
  #nextBuffer = 0;
  #readOffset: number;
  #block: Buffer = Buffer.alloc(0);
  #used = 0;

  /**
   * `buffers` are those of a reader that has come to its end, and may be lent on once this one has. What is too small is made when it is needed:
   * a small stretch takes one small buffer, and thousands of small blobs cost no memory traffic.
   */
  constructor(file: DiskFile, startOffset: number, endOffset: number, buffers: Buffer[] = []) {
    this.#buffers = buffers;
    this.#file = file;
    this.#readOffset = startOffset;
    this.#endOffset = endOffset;
  }

  /** The next bytes, at most `limit`, at least one; an empty buffer when the file ends before `endOffset`, or at it. */
  take(limit: number): Buffer | Promise<Buffer> {
    if (this.#used < this.#block.length) return this.#cut(limit);
    return this.#advance().then(() => this.#cut(limit));
  }

  #cut(limit: number): Buffer {
    const end = Math.min(this.#block.length, this.#used + limit);
    const piece = this.#block.subarray(this.#used, end);
    this.#used = end;
    return piece;
  }

  async #advance(): Promise<void> {
    this.#block = await (this.#next ?? this.#read());
    this.#used = 0;
    this.#next = this.#block.length === 0 || this.#readOffset >= this.#endOffset ? undefined : this.#read();
    // Its failure shows when it is waited for.
    this.#next?.catch(() => {});
  }

  async #read(): Promise<Buffer> {
    const wanted = Math.min(bufferBytes, this.#endOffset - this.#readOffset);
    if (wanted <= 0) return Buffer.alloc(0);
    const known = this.#buffers[this.#nextBuffer];
    const buffer = known && known.length >= wanted ? known : Buffer.allocUnsafeSlow(wanted);
    this.#buffers[this.#nextBuffer] = buffer;
    this.#nextBuffer = 1 - this.#nextBuffer;
    const count = await this.#file.read(buffer.subarray(0, wanted), this.#readOffset);
    this.#readOffset += count;
    return buffer.subarray(0, count);
  }
}
