const defaultChunkBytes = 32 << 20;
const smallestChunkBytes = 1 << 20;

/** Which registries refuse large requests, and what size they took. */
export interface ChunkMemory {
  /** Bytes per PATCH; undefined for one PUT. */
  sizeFor(registry: string): number | undefined;
  /** Makes it smaller; false when it cannot be. */
  shrink(registry: string, first: number | undefined): boolean;
}

/** Empty: every registry is first tried with whole blobs. */
export function createChunkMemory(): ChunkMemory {
  const sizes = new Map<string, number>();
  return {
    sizeFor: (registry) => sizes.get(registry),
    shrink(registry, first = defaultChunkBytes) {
      const current = sizes.get(registry);
      if (current !== undefined && current <= Math.min(first, smallestChunkBytes)) return false;
      sizes.set(registry, current === undefined ? first : Math.max(Math.min(first, smallestChunkBytes), current >> 2));
      return true;
    },
  };
}
