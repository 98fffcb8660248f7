import { AirlockError } from '../core/errors.ts';
import { mapLimited } from '../core/limit.ts';
import type { Run } from '../core/run.ts';
import type { FailedBlobs } from './copy-blobs.ts';
import { type CopyContent, type CopyCounts, type CopyOptions, targetRepository } from './copy-content.ts';
import { handleFailure } from './copy-failure.ts';
import { guarded, type MissingContent, type MissingManifest } from './copy-survey.ts';
import type { Digest } from './digest.ts';
import { childManifests, manifestBlobs } from './manifest.ts';

/**
 * Pushes the manifests of each repository, children before indexes, each digest once, then adds tags. A tagged manifest is put under its first
 * tag at once, which saves a request. What needs something that failed is not pushed.
 */
export async function copyManifests(
  missing: readonly MissingContent[],
  failedBlobs: FailedBlobs,
  content: CopyContent,
  options: CopyOptions,
  counts: CopyCounts,
  run: Run,
): Promise<void> {
  await mapLimited(missing, options.parallelManifests ?? 8, async (repository) => {
    const place = { registry: options.registry, repository: targetRepository(options, repository.name) };
    const failed = new Set<Digest>(
      counts.failures.filter((item) => item.repository === repository.name).map((item) => item.digest),
    );
    const done = new Set<string>();
    for (const item of repository.manifests) {
      const { manifest } = item;
      const tag = repository.tags.find((wanted) => wanted.digest === manifest.digest)?.tag;
      try {
        assertComplete(item, repository.name, failed, failedBlobs);
        await guarded(options, () => options.target.pushManifest(place, tag ?? manifest.digest, manifest, run));
        counts.pushedManifests += 1;
        if (tag !== undefined) {
          counts.pushedTags += 1;
          done.add(tag);
        }
      } catch (error) {
        failed.add(manifest.digest);
        const failure = { repository: repository.name, digest: manifest.digest, kind: 'manifest', error } as const;
        handleFailure(failure, options, counts, run);
      }
    }
    for (const { tag, digest } of repository.tags) {
      if (done.has(tag) || failed.has(digest)) continue;
      try {
        const known = repository.manifests.find((item) => item.manifest.digest === digest)?.manifest;
        const manifest = known ?? (await content.readManifest(repository.name, digest, run));
        await guarded(options, () => options.target.pushManifest(place, tag, manifest, run));
        counts.pushedTags += 1;
      } catch (error) {
        handleFailure({ repository: repository.name, digest, kind: 'manifest', error }, options, counts, run);
      }
    }
  });
}

/** An image without one of its parts would be refused, or worse, taken. */
function assertComplete(
  item: MissingManifest,
  name: string,
  failed: ReadonlySet<Digest>,
  failedBlobs: FailedBlobs,
): void {
  const part =
    manifestBlobs(item.parsed).find((blob) => failedBlobs.has(`${name} ${blob.digest}`)) ??
    childManifests(item.parsed).find((child) => failed.has(child.digest));
  if (part)
    throw new AirlockError(
      'IMAGE_INCOMPLETE',
      `${name}@${item.manifest.digest}: its part ${part.digest} was not copied`,
    );
}
