const mebibyte = 1 << 20;

/**
 * Pairs of buffers for transfers. A pair is read into and written from in turn, and goes back to the pool: serving allocates nothing per
 * chunk. The more transfers are under way, the smaller a new pair: a thousand slow readers share some 200 MiB.
 */
export class BufferPool {
  readonly #free: [Buffer, Buffer][] = [];
  #active = 0;

  /** A pair whose buffers have `lengthBytes` or less. */
  take(lengthBytes: number): [Buffer, Buffer] {
    this.#active += 1;
    const size = this.#active <= 8 ? mebibyte : this.#active <= 64 ? mebibyte / 8 : mebibyte / 16;
    // A short answer needs no megabyte, and a pool of mixed sizes would have to be searched.
    if (lengthBytes < size) return pair(Math.max(1, lengthBytes));
    return (size === mebibyte && this.#free.pop()) || pair(size);
  }

  /** Gives a pair back; `reusable` false when a broken connection may still hold its memory. */
  release(buffers: [Buffer, Buffer], reusable: boolean): void {
    this.#active -= 1;
    if (reusable && buffers[0].length === mebibyte && this.#free.length < 4) this.#free.push(buffers);
  }
}

function pair(sizeBytes: number): [Buffer, Buffer] {
  return [Buffer.allocUnsafeSlow(sizeBytes), Buffer.allocUnsafeSlow(sizeBytes)];
}
