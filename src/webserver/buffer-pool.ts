const mebibyte = 1 << 20;

/**
 * Buffers for transfers, one that is filled and sent in turn, or a pair where one is filled while the other is sent. Serving allocates nothing
 * per chunk. The more transfers are under way, the less each gets: a thousand slow readers share some 200 MiB.
 */
export class BufferPool {
  readonly #free: [Buffer, Buffer][] = [];
  #active = 0;

  /** A pair whose buffers have `lengthBytes` or less. */
  take(lengthBytes: number): [Buffer, Buffer] {
    const size = this.#begin() / 2;
    // A short answer needs no megabyte, and a pool of mixed sizes would have to be searched.
    if (lengthBytes < size) return pair(Math.max(1, lengthBytes));
    return (size === mebibyte && this.#free.pop()) || pair(size);
  }

  /** One buffer of `lengthBytes` or less. */
  takeOne(lengthBytes: number): Buffer {
    const size = Math.min(mebibyte, this.#begin());
    return Buffer.allocUnsafeSlow(Math.max(1, Math.min(size, lengthBytes)));
  }

  /** Gives buffers back; `reusable` false when a broken connection may still hold their memory. */
  release(buffers: Buffer | [Buffer, Buffer], reusable: boolean): void {
    this.#active -= 1;
    if (Array.isArray(buffers) && reusable && buffers[0].length === mebibyte && this.#free.length < 4)
      this.#free.push(buffers);
  }

  /** What one more transfer may have. */
  #begin(): number {
    this.#active += 1;
    return this.#active <= 8 ? 2 * mebibyte : this.#active <= 64 ? mebibyte / 4 : mebibyte / 8;
  }
}

function pair(sizeBytes: number): [Buffer, Buffer] {
  return [Buffer.allocUnsafeSlow(sizeBytes), Buffer.allocUnsafeSlow(sizeBytes)];
}
