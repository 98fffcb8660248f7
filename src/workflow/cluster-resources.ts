import path from 'node:path';
import { removeTemporaries, writeFileAtomic } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { toolVersion } from '../core/version.ts';
import { type MirrorTarget, renderClusterResources } from '../manifests/index.ts';
import { isAttached } from '../mirror/index.ts';
import type { LoadFailure } from './load-registry.ts';
import type { LoadedContent } from './loaded.ts';

/**
 * Writes the mirror sets, catalog sources and so on with oc-mirror's names for content at a target. Returns the files.
 * @throws AirlockError NESTED_PATHS_INVALID, FILE_UNWRITABLE
 */
export async function writeClusterResources(
  set: Omit<LoadedContent, 'generations' | 'webFiles' | 'everyCatalog'>,
  target: MirrorTarget,
  folder: string,
  run: Run,
): Promise<string[]> {
  const { images, releases, catalogs, signatures, contentDate } = set;
  const provenance = { createdAt: contentDate.toISOString(), toolVersion };
  const files = renderClusterResources({ images, releases, catalogs, signatures, target, provenance });
  for (const { name, content } of files) {
    await removeTemporaries(folder, run, `${name}.`);
    await writeFileAtomic(path.join(folder, name), content, run);
  }
  return files.map((file) => path.join(folder, file.name));
}

/** Content without the images that did not get to a target: nothing may send a cluster there for them. */
export function withoutFailed<T extends Pick<LoadedContent, 'images' | 'releases' | 'catalogs'>>(
  content: T,
  failures: readonly Pick<LoadFailure, 'subject'>[],
): T {
  if (failures.length === 0) return content;
  // `repository@digest` of a manifest that was refused, or `repository:tag` of an image that is not whole here.
  const lost = new Set(failures.map(({ subject }) => subject.replace(/^.*@/, '')));
  const isHere = ({ repository, tag, digest }: { repository: string; tag: string; digest: string }): boolean =>
    !lost.has(digest) && !lost.has(`${repository}:${tag}`);
  // What is attached to an image goes with it; an image stays without what is attached.
  const keyOf = ({ origin, repository }: { origin: string; repository: string }): string => `${origin} ${repository}`;
  const gone = new Set(content.images.filter((image) => !isAttached(image) && !isHere(image)).map(keyOf));
  return {
    ...content,
    images: content.images.filter((image) => isHere(image) && !gone.has(keyOf(image))),
    releases: content.releases.filter(isHere),
    catalogs: content.catalogs.filter((catalog) => isHere({ ...catalog, digest: catalog.targetDigest })),
  };
}
