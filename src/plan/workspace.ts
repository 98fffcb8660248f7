import path from 'node:path';
import type { DiskFile } from '../core/disk.ts';
import { findFile, writeFileAtomic } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { type Digest, digestHex, digestOf } from '../oci/index.ts';

/**
 * What planning had to read whole (manifests, release manifest layers, catalog layers, rebuilt catalogs), by digest, for `build` to move
 * into the bundle: the one exception to "no cache" (design §4). Lies in `DIR/.airlock/blobs/sha256/<hex>`.
 */
export interface KeptBlobs {
  /** Where a blob lies or would lie. */
  path(digest: Digest): string;
  has(digest: Digest, run: Run): Promise<boolean>;
  /** Its bytes when they are there and still right; a damaged one counts as absent. For content that fits in memory. */
  find(digest: Digest, run: Run): Promise<Buffer | undefined>;
  /** Keeps bytes under their digest. */
  put(bytes: Uint8Array, run: Run): Promise<Digest>;
  /**
   * Keeps a large blob: `fill` writes it to a temporary file and returns its digest once it has checked it; then it gets its name.
   */
  putFile(fill: (file: DiskFile) => Promise<Digest>, run: Run): Promise<Digest>;
}

/** Kept blobs below a workspace folder. */
export function openKeptBlobs(workspace: string): KeptBlobs {
  const folder = path.join(workspace, 'blobs', 'sha256');
  const where = (digest: Digest): string => path.join(folder, digestHex(digest));
  let counter = 0;
  return {
    path: where,
    has: async (digest, run) => (await run.disk.stat(where(digest)))?.kind === 'file',
    async find(digest, run) {
      const bytes = await findFile(where(digest), run, 1 << 30);
      return bytes && digestOf(bytes) === digest ? bytes : undefined;
    },
    async put(bytes, run) {
      const digest = digestOf(bytes);
      if ((await run.disk.stat(where(digest)))?.sizeBytes !== bytes.length)
        await writeFileAtomic(where(digest), bytes, run);
      return digest;
    },
    async putFile(fill, run) {
      counter += 1;
      const temporary = path.join(folder, `.incoming-${process.pid}-${counter}`);
      await run.disk.makeDirectory(folder);
      await run.disk.remove(temporary);
      try {
        const file = await run.disk.open(temporary, 'create');
        let digest: Digest;
        try {
          digest = await fill(file);
          await file.sync();
        } finally {
          await file.close();
        }
        await run.disk.rename(temporary, where(digest));
        return digest;
      } catch (error) {
        await run.disk.remove(temporary).catch(() => {});
        throw error;
      }
    },
  };
}
