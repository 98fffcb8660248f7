import { isAirlockError } from '../core/errors.ts';
import {
  childManifests,
  compareRepositories,
  type Digest,
  type Manifest,
  manifestBlobs,
  parseManifest,
  type RepositoryContent,
} from '../oci/index.ts';
import type { SelectedImage } from '../plan/index.ts';

/** An image that cannot be had whole: what is missing of it. */
export interface IncompleteImage {
  readonly origin: string;
  readonly repository: string;
  readonly tag: string;
  readonly missing: readonly Digest[];
}

/** What the target registry is to hold, and what it cannot yet. */
export interface TargetTree {
  readonly repositories: readonly RepositoryContent[];
  readonly incomplete: readonly IncompleteImage[];
}

/** Where manifests come from, and which blobs there are. */
export interface TreeContent {
  /** Its bytes, checked; undefined when it is not there. */
  readonly readManifest: (digest: Digest) => Promise<Buffer | undefined>;
  readonly hasBlob: (digest: Digest) => Promise<boolean>;
}

/**
 * What the target registry holds of a set of images: under their target names, each with its manifests, configs and layers. Images of which
 * anything is missing are left out whole, so that no tag ever leads to a blob that is not there.
 */
export async function collectTargets(images: readonly SelectedImage[], content: TreeContent): Promise<TargetTree> {
  const walker = new Walker(content);
  const found = new Map<string, { tags: Map<string, Digest>; revisions: Set<Digest>; layers: Set<Digest> }>();
  const incomplete: IncompleteImage[] = [];
  for (const image of images) {
    if (image.targets.length === 0) continue;
    const closure = await walker.walk(image);
    if (closure.missing.length > 0) {
      const { origin, repository, tag } = image;
      incomplete.push({ origin, repository, tag, missing: closure.missing });
      continue;
    }
    for (const target of image.targets) {
      const entry = found.get(target.repository) ?? { tags: new Map(), revisions: new Set(), layers: new Set() };
      found.set(target.repository, entry);
      entry.tags.set(target.tag, image.digest);
      for (const digest of closure.manifests) entry.revisions.add(digest);
      for (const digest of closure.blobs) entry.layers.add(digest);
    }
  }
  const repositories = [...found]
    .sort(([a], [b]) => compareRepositories(a, b))
    .map(([name, entry]) => ({
      name,
      tags: Object.fromEntries([...entry.tags].sort(([a], [b]) => (a < b ? -1 : 1))),
      revisions: [...entry.revisions].sort(),
      layers: [...entry.layers].sort(),
    }));
  return { repositories, incomplete };
}

interface Closure {
  readonly manifests: ReadonlySet<Digest>;
  readonly blobs: ReadonlySet<Digest>;
  readonly missing: readonly Digest[];
}

/** Follows manifests; each is read and each blob looked for once. */
class Walker {
  readonly #content: TreeContent;
  readonly #manifests = new Map<Digest, Manifest | undefined>();
  readonly #there = new Map<Digest, boolean>();

  constructor(content: TreeContent) {
    this.#content = content;
  }

  async walk(image: SelectedImage): Promise<Closure> {
    const absent = new Set<Digest>(image.absent);
    const closure = { manifests: new Set<Digest>(), blobs: new Set<Digest>(), missing: new Set<Digest>() };
    const queue: Digest[] = [image.digest];
    for (let digest = queue.shift(); digest !== undefined; digest = queue.shift()) {
      if (closure.manifests.has(digest) || absent.has(digest)) continue;
      closure.manifests.add(digest);
      const manifest = await this.#manifest(digest);
      if (!manifest) {
        closure.missing.add(digest);
        continue;
      }
      queue.push(...childManifests(manifest).map((child) => child.digest));
      for (const blob of manifestBlobs(manifest)) {
        closure.blobs.add(blob.digest);
        if (!(await this.#has(blob.digest))) closure.missing.add(blob.digest);
      }
    }
    return { ...closure, missing: [...closure.missing].sort() };
  }

  async #manifest(digest: Digest): Promise<Manifest | undefined> {
    if (this.#manifests.has(digest)) return this.#manifests.get(digest);
    const bytes = await this.#content.readManifest(digest);
    let manifest: Manifest | undefined;
    try {
      manifest = bytes && parseManifest(bytes);
    } catch (error) {
      // Something else lies under that digest: as good as absent.
      if (!isAirlockError(error, 'MANIFEST_INVALID')) throw error;
    }
    this.#manifests.set(digest, manifest);
    return manifest;
  }

  async #has(digest: Digest): Promise<boolean> {
    const known = this.#there.get(digest);
    if (known !== undefined) return known;
    const there = await this.#content.hasBlob(digest);
    this.#there.set(digest, there);
    return there;
  }
}
