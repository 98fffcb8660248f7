import { quietRun } from '../../src/core/run.ts';
import type { Storage, WrittenImage } from '../../src/oci/index.ts';

/** Puts an image that was made in memory into a storage tree, everything below it first. */
export async function putImage(
  storage: Storage,
  repository: string,
  image: WrittenImage,
  tags: readonly string[] = [],
): Promise<void> {
  const run = quietRun();
  for (const [digest, bytes] of image.blobs) {
    await storage.putBlob(digest, [bytes], run);
    await storage.linkLayer(repository, digest, run);
  }
  for (const child of image.children) await storage.putManifest(repository, { ...child, tags: [] }, run);
  await storage.putManifest(repository, { ...image.manifest, tags }, run);
}
