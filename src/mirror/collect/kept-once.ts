import type { Digest } from '../../oci/index.ts';
import { digestOf } from '../../oci/index.ts';
import type { KeptBlobs } from '../../plan/index.ts';

/** Kept blobs where equal bytes that come at the same time (one image by tag and by digest) are written once. */
export function keepOnce(kept: KeptBlobs): KeptBlobs {
  const writing = new Map<Digest, Promise<Digest>>();
  return {
    ...kept,
    put(bytes, run) {
      const digest = digestOf(bytes);
      const known = writing.get(digest) ?? kept.put(bytes, run).finally(() => writing.delete(digest));
      writing.set(digest, known);
      return known;
    },
  };
}
