import { mapLimited } from '../core/limit.ts';
import type { Run } from '../core/run.ts';
import { type CopyContent, type CopyCounts, type CopyOptions, targetRepository } from './copy-content.ts';
import { handleFailure } from './copy-failure.ts';
import type { Descriptor } from './descriptor.ts';
import type { Digest } from './digest.ts';
import { childManifests, type Manifest, manifestBlobs, parseManifest } from './manifest.ts';
import type { FetchedManifest } from './source.ts';

/** A manifest that the target lacks. */
export interface MissingManifest {
  readonly manifest: FetchedManifest;
  readonly parsed: Manifest;
}

/** What one repository of the target lacks. */
export interface MissingContent {
  /** Below the prefix. */
  readonly name: string;
  /** Children before the indexes that name them. */
  readonly manifests: readonly MissingManifest[];
  /** Tags that mean something else at the target, or nothing. */
  readonly tags: readonly { readonly tag: string; readonly digest: Digest }[];
  /** The blobs of `manifests`, each once. */
  readonly blobs: readonly Descriptor[];
}

/**
 * Asks the target for every tag and manifest and reads those that it lacks. A registry takes a manifest only after its blobs, so that the blobs
 * of a manifest that is there need no look.
 */
export async function surveyTarget(
  content: CopyContent,
  options: CopyOptions,
  counts: CopyCounts,
  run: Run,
): Promise<MissingContent[]> {
  const parallel = options.parallelManifests ?? 8;
  return mapLimited(content.repositories, parallel, async (repository) => {
    const place = { registry: options.registry, repository: targetRepository(options, repository.name) };
    const present = new Set<Digest>();
    const tags: { tag: string; digest: Digest }[] = [];
    for (const [tag, digest] of Object.entries(repository.tags).sort()) {
      const found = await guarded(options, () => options.target.findManifest({ ...place, tag }, run));
      if (found?.digest === digest) {
        present.add(digest);
        counts.presentTags += 1;
      } else tags.push({ tag, digest });
    }
    const manifests: MissingManifest[] = [];
    for (const digest of new Set(repository.revisions)) {
      const there =
        present.has(digest) || (await guarded(options, () => options.target.findManifest({ ...place, digest }, run)));
      if (there) {
        counts.presentManifests += 1;
        continue;
      }
      try {
        const manifest = await content.readManifest(repository.name, digest, run);
        manifests.push({ manifest, parsed: parseManifest(manifest.bytes, manifest.mediaType) });
      } catch (error) {
        handleFailure({ repository: repository.name, digest, kind: 'manifest', error }, options, counts, run);
      }
    }
    const blobs = manifests.flatMap((item) => manifestBlobs(item.parsed));
    return {
      name: repository.name,
      manifests: childrenFirst(manifests),
      tags,
      blobs: [...new Map(blobs.map((blob) => [blob.digest, blob])).values()],
    };
  });
}

/** Runs a request under the adaptive limit, where there is one. */
export function guarded<T>(options: CopyOptions, task: () => Promise<T>): Promise<T> {
  return options.limit ? options.limit.run(task) : task();
}

function childrenFirst(manifests: readonly MissingManifest[]): MissingManifest[] {
  const byDigest = new Map(manifests.map((item) => [item.manifest.digest, item]));
  const ordered = new Set<MissingManifest>();
  const seen = new Set<MissingManifest>();
  const visit = (item: MissingManifest): void => {
    // An index cannot name itself: its digest would have to be known beforehand. The guard keeps hostile input finite all the same.
    if (seen.has(item)) return;
    seen.add(item);
    for (const child of childManifests(item.parsed)) {
      const below = byDigest.get(child.digest);
      if (below) visit(below);
    }
    // A referrer's subject first, so that registries that check it are content.
    const subject = item.parsed.subject && byDigest.get(item.parsed.subject.digest);
    if (subject) visit(subject);
    ordered.add(item);
  };
  for (const item of manifests) visit(item);
  return [...ordered];
}
