/** A rate shared by any number of streams. */
export interface Bandwidth {
  /** Counts bytes that just moved and says how long the stream that moved them has to wait, in milliseconds (0: go on). */
  spend(bytes: number): number;
}

/** A token bucket of `bytesPerSecond` that holds a quarter of a second. Waits are shared out fairly: who spends, waits. */
export function createBandwidth(bytesPerSecond: number, now: () => number = () => performance.now()): Bandwidth {
  const burst = bytesPerSecond / 4;
  let available = burst;
  let last = now();
  return {
    spend(bytes) {
      const time = now();
      available = Math.min(burst, available + ((time - last) / 1000) * bytesPerSecond) - bytes;
      last = time;
      return available >= 0 ? 0 : Math.ceil((-available / bytesPerSecond) * 1000);
    },
  };
}
