const defaultChunkBytes = 32 << 20;
const smallestChunkBytes = 1 << 20;

/** What was learnt of how registries take uploads; a new one is first tried with the fewest requests. */
export interface UploadMemory {
  /** Bytes per PATCH; undefined for one PUT. */
  chunkFor(registry: string): number | undefined;
  /** Makes it smaller; false when it cannot be. */
  shrink(registry: string, first: number | undefined): boolean;
  /** Whether a blob may come with the request that starts its upload. */
  takesSinglePost(registry: string): boolean;
  /** It may not. */
  refuseSinglePost(registry: string): void;
}

/** Knows nothing yet. */
export function createUploadMemory(): UploadMemory {
  const sizes = new Map<string, number>();
  const refusing = new Set<string>();
  return {
    chunkFor: (registry) => sizes.get(registry),
    shrink(registry, first = defaultChunkBytes) {
      const current = sizes.get(registry);
      if (current !== undefined && current <= Math.min(first, smallestChunkBytes)) return false;
      sizes.set(registry, current === undefined ? first : Math.max(Math.min(first, smallestChunkBytes), current >> 2));
      return true;
    },
    takesSinglePost: (registry) => !refusing.has(registry),
    refuseSinglePost: (registry) => void refusing.add(registry),
  };
}
