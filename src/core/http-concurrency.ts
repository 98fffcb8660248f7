import type { Limit } from './limit.ts';

/** A limit that shrinks when a server is overloaded and grows again while it answers well. */
export interface AdaptiveLimit {
  /** Runs a task, never more than `current()` at once. */
  readonly run: Limit;
  /** A request was answered. */
  succeeded(): void;
  /** 429, 5xx, a time-out or a broken connection: at most one halving per second, so that one burst counts once. */
  overloaded(): void;
  current(): number;
}

/** One limit per registry host, made on first use. */
export interface HostLimits {
  for(host: string): AdaptiveLimit;
}

/**
 * Additive increase, multiplicative decrease between 1 and `most` tasks; starts at `most`, since most registries bear it.
 * `now` is milliseconds on any clock.
 */
export function createAdaptiveLimit(most: number, now: () => number = () => performance.now()): AdaptiveLimit {
  const highest = Math.max(1, most);
  let allowed = highest;
  let active = 0;
  let lastDecrease = Number.NEGATIVE_INFINITY;
  const waiting: (() => void)[] = [];
  const admit = (): void => {
    while (active < Math.floor(allowed)) {
      const next = waiting.shift();
      if (!next) return;
      active += 1;
      next();
    }
  };
  return {
    async run(task) {
      if (active < Math.floor(allowed) && waiting.length === 0) active += 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await task();
      } finally {
        active -= 1;
        admit();
      }
    },
    succeeded() {
      // About one more task per round of answers.
      allowed = Math.min(highest, allowed + 1 / Math.floor(allowed));
      admit();
    },
    overloaded() {
      if (now() - lastDecrease < 1000) return;
      lastDecrease = now();
      allowed = Math.max(1, allowed / 2);
    },
    current: () => Math.floor(allowed),
  };
}

/** Limits of at most `most` tasks for each host. */
export function createHostLimits(most: number, now?: () => number): HostLimits {
  const limits = new Map<string, AdaptiveLimit>();
  return {
    for(host) {
      const limit = limits.get(host) ?? createAdaptiveLimit(most, now);
      limits.set(host, limit);
      return limit;
    },
  };
}

/** The key of the limit for starting reads from a host: apart from writes, since a write may wait for a read of the same host. */
export function readsOf(host: string): string {
  return `reads of ${host}`;
}
