/** Runs tasks, never more than `count` at once, in the order they were given. */
export type Limit = <T>(task: () => Promise<T>) => Promise<T>;

/** A limit of `count` (at least 1) tasks at once. A rejected task frees its place; the others go on. */
export function createLimit(count: number): Limit {
  let free = Math.max(1, count);
  const waiting: (() => void)[] = [];
  return async (task) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      // The place is handed on, not freed, so that a newcomer cannot slip in before the one that waits.
      if (next) next();
      else free += 1;
    }
  };
}

/**
 * Maps with at most `count` tasks at once; the first rejection stops new tasks from starting, waits for those under way, and is thrown.
 * Results are in the order of `items`.
 */
export async function mapLimited<T, R>(
  items: readonly T[],
  count: number,
  task: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  let failed = false;
  let failure: unknown;
  const worker = async (): Promise<void> => {
    while (!failed && next < items.length) {
      const index = next;
      next += 1;
      try {
        results[index] = await task(items[index] as T, index);
      } catch (error) {
        if (!failed) failure = error;
        failed = true;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(Math.max(1, count), items.length) }, worker));
  if (failed) throw failure;
  return results;
}
