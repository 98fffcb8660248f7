import { mapLimited } from '../core/limit.ts';
import type { Run } from '../core/run.ts';
import { atOnce, type CopyContent, type CopyCounts, type CopyOptions, targetRepository } from './copy-content.ts';
import { handleFailure } from './copy-failure.ts';
import type { Descriptor } from './descriptor.ts';
import type { Digest } from './digest.ts';
import { childManifests, manifestBlobs, parseManifest } from './manifest.ts';

/** A manifest that has to be put into a repository of the target: under each of `tags`, or by digest when there are none. */
export interface MissingManifest {
  /** Of the repository, below the prefix. */
  readonly name: string;
  readonly digest: Digest;
  /** Tags that mean something else at the target, or nothing. */
  readonly tags: readonly string[];
  /** Config and layers; [] when the target has the manifest under another name. */
  readonly blobs: readonly Descriptor[];
  readonly children: readonly Digest[];
  readonly subject: Digest | undefined;
}

/**
 * Asks the target for every tag, and for every digest without one, and reads the manifests that it lacks. A registry takes a manifest only after
 * its blobs, so that the blobs of a manifest that is there need no look.
 */
export async function surveyTarget(
  content: Omit<CopyContent, 'openBlob'>,
  options: CopyOptions,
  counts: CopyCounts,
  run: Run,
): Promise<MissingManifest[]> {
  const parallel = atOnce(options).small;
  const wanted = await findMissingTags(content, options, counts, run);
  const missing = await mapLimited(wanted, parallel, async (item): Promise<MissingManifest[]> => {
    const { name, digest, tags } = item;
    const place = { registry: options.registry, repository: targetRepository(options, name) };
    // What has to be put under a tag anyhow is not asked for: most of it is new.
    const present =
      item.present ||
      (tags.length === 0 &&
        (await guarded(options, () => options.target.findManifest({ ...place, digest }, run))) !== undefined);
    if (present && tags.length === 0) {
      counts.presentManifests += 1;
      return [];
    }
    try {
      const manifest = await content.readManifest(name, digest, run);
      const parsed = parseManifest(manifest.bytes, manifest.mediaType);
      if (present) counts.presentManifests += 1;
      // Only what is needed later is kept: bytes and annotations of ten thousand manifests would fill the memory.
      const children = childManifests(parsed).map((child) => child.digest);
      const blobs = present ? [] : manifestBlobs(parsed).map(bareDescriptor);
      return [{ name, digest, tags, blobs, children, subject: parsed.subject?.digest }];
    } catch (error) {
      handleFailure({ repository: name, digest, kind: 'manifest', error }, options, counts, run);
      return [];
    }
  });
  return missing.flat();
}

/** Runs a request under the adaptive limit, where there is one. */
export function guarded<T>(options: CopyOptions, task: () => Promise<T>): Promise<T> {
  return options.limit ? options.limit.run(task) : task();
}

function bareDescriptor({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

interface WantedManifest {
  readonly name: string;
  readonly digest: Digest;
  readonly tags: string[];
  /** A tag at the target means it already. */
  present: boolean;
}

/** Every manifest of the content, with the tags that it has to be given. */
async function findMissingTags(
  content: Pick<CopyContent, 'repositories'>,
  options: CopyOptions,
  counts: CopyCounts,
  run: Run,
): Promise<WantedManifest[]> {
  const wanted: WantedManifest[] = [];
  const tagged: { readonly tag: string; readonly item: WantedManifest }[] = [];
  for (const { name, tags, revisions } of content.repositories) {
    const byDigest = new Map<Digest, WantedManifest>();
    for (const digest of new Set([...revisions, ...Object.values(tags)]))
      byDigest.set(digest, { name, digest, tags: [], present: false });
    wanted.push(...byDigest.values());
    for (const [tag, digest] of Object.entries(tags).sort()) {
      const item = byDigest.get(digest);
      if (item) tagged.push({ tag, item });
    }
  }
  await mapLimited(tagged, atOnce(options).small, async ({ tag, item }) => {
    const place = { registry: options.registry, repository: targetRepository(options, item.name) };
    const found = await guarded(options, () => options.target.findManifest({ ...place, tag }, run));
    if (found?.digest === item.digest) {
      counts.presentTags += 1;
      item.present = true;
    } else item.tags.push(tag);
  });
  for (const item of wanted) item.tags.sort();
  return wanted;
}
