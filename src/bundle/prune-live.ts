import { isAirlockError } from '../core/errors.ts';
import { mapLimited } from '../core/limit.ts';
import type { Run } from '../core/run.ts';
import { type Digest, digestFromHex, findManifestBytes, openStorage, parseManifest } from '../oci/index.ts';
import type { SelectedImage } from '../plan/index.ts';
import { collectTargets } from './target-tree.ts';

/** An image as the storage has it. */
interface StoredImage {
  readonly image: SelectedImage;
  /** Its own manifest and those of its instances. */
  readonly manifests: readonly Digest[];
  /** What it is attached to: the subject of a referrer, or what a cosign tag names. */
  readonly subjects: readonly Digest[];
}

/**
 * Tells images that live objects use from others. A node asks for the instance of its architecture by the instance's own digest: then the whole
 * image stays. So do signatures and other referrers of what stays, and theirs.
 */
export async function splitLive(
  images: readonly SelectedImage[],
  { storageRoot, liveDigests }: { readonly storageRoot: string; readonly liveDigests: readonly Digest[] },
  run: Run,
): Promise<{ readonly live: readonly SelectedImage[]; readonly others: readonly SelectedImage[] }> {
  if (liveDigests.length === 0) return { live: [], others: images };
  const known = new Set(liveDigests);
  const live: SelectedImage[] = [];
  let others = await mapLimited(images, 16, (image) => lookAt(image, storageRoot, run));
  for (let found = true; found; ) {
    const staying = others.filter((one) => [...one.manifests, ...one.subjects].some((digest) => known.has(digest)));
    for (const { image, manifests } of staying) {
      live.push(image);
      for (const digest of manifests) known.add(digest);
    }
    others = others.filter((one) => !staying.includes(one));
    found = staying.length > 0;
  }
  return { live, others: others.map(({ image }) => image) };
}

async function lookAt(image: SelectedImage, storageRoot: string, run: Run): Promise<StoredImage> {
  const storage = openStorage(storageRoot);
  const readManifest = (digest: Digest): Promise<Buffer | undefined> => findManifestBytes(storage, digest, run);
  const tree = await collectTargets([image], { readManifest, hasBlob: async () => true });
  const manifests = [image.digest, ...tree.repositories.flatMap(({ revisions }) => revisions)];
  const named = /^sha256-([0-9a-f]{64})(?:\.(?:sig|att|sbom))?$/.exec(image.tag)?.[1];
  const bytes = await readManifest(image.digest);
  const subject = bytes && findSubject(bytes);
  return {
    image,
    manifests,
    subjects: [...(named === undefined ? [] : [digestFromHex(named)]), ...(subject ? [subject] : [])],
  };
}

function findSubject(bytes: Buffer): Digest | undefined {
  try {
    return parseManifest(bytes).subject?.digest;
  } catch (error) {
    // A damaged manifest has none.
    if (!isAirlockError(error, 'MANIFEST_INVALID')) throw error;
    return undefined;
  }
}
