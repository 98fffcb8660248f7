import { AirlockError } from '../core/errors.ts';
import { mapLimited } from '../core/limit.ts';
import type { Run } from '../core/run.ts';
import { blobKey, type FailedParts } from './copy-blobs.ts';
import { atOnce, type CopyContent, type CopyCounts, type CopyOptions, targetRepository } from './copy-content.ts';
import { handleFailure } from './copy-failure.ts';
import { guarded, type MissingManifest } from './copy-survey.ts';

/**
 * Pushes manifests, each digest of a repository by one task only: images first, then the indexes and referrers that name them. A tagged one goes
 * under its tags at once, which saves a request. What needs something that failed is not pushed.
 */
export async function copyManifests(
  missing: readonly MissingManifest[],
  failed: FailedParts,
  content: CopyContent,
  options: CopyOptions,
  counts: CopyCounts,
  run: Run,
): Promise<void> {
  for (const { repository, digest } of counts.failures) failed.add(blobKey(repository, digest));
  for (const level of inLevels(missing)) {
    await mapLimited(level, atOnce(options).small, async (item) => {
      const { name, digest, tags } = item;
      const place = { registry: options.registry, repository: targetRepository(options, name) };
      try {
        assertComplete(item, failed);
        const manifest = await content.readManifest(name, digest, run);
        for (const tagOrDigest of tags.length > 0 ? tags : [digest])
          await guarded(options, () => options.target.pushManifest(place, tagOrDigest, manifest, run));
        counts.pushedManifests += 1;
        counts.pushedTags += tags.length;
      } catch (error) {
        failed.add(blobKey(name, digest));
        handleFailure({ repository: name, digest, kind: 'manifest', error }, options, counts, run);
      }
    });
  }
}

/** An image without one of its parts would be refused, or worse, taken. */
function assertComplete(item: MissingManifest, failed: FailedParts): void {
  const parts = [...item.blobs.map((blob) => blob.digest), ...item.children];
  const part = parts.find((digest) => failed.has(blobKey(item.name, digest)));
  if (part) throw new AirlockError('IMAGE_INCOMPLETE', `not written, since its part ${part} was not`);
}

/** What names nothing else first; each level names only manifests of the levels before it. */
function inLevels(missing: readonly MissingManifest[]): MissingManifest[][] {
  const byKey = new Map(missing.map((item) => [blobKey(item.name, item.digest), item]));
  const depths = new Map<MissingManifest, number>();
  const depthOf = (item: MissingManifest): number => {
    const known = depths.get(item);
    if (known !== undefined) return known;
    // A digest cannot name itself, so there are no circles; the mark keeps hostile input finite all the same.
    depths.set(item, 0);
    const named = [...item.children, ...(item.subject ? [item.subject] : [])];
    const below = named.flatMap((digest) => byKey.get(blobKey(item.name, digest)) ?? []).map(depthOf);
    const depth = below.length === 0 ? 0 : 1 + Math.max(...below);
    depths.set(item, depth);
    return depth;
  };
  const levels: MissingManifest[][] = [];
  for (const item of missing) {
    const depth = depthOf(item);
    while (levels.length <= depth) levels.push([]);
    levels[depth]?.push(item);
  }
  return levels;
}
