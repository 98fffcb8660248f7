import type { Run } from '../../core/run.ts';
import { digestFromHex, type RepositoryContent } from '../../oci/index.ts';
import type { CollectedSet } from '../../plan/index.ts';
import { releaseTag } from '../naming.ts';
import { type ArchiveContent, createDescription, listFolder } from './description.ts';
import { holdRelease, nameReleases, releaseImages } from './releases.ts';

/**
 * What a mirror-to-mirror run left of releases: it makes no archive, but unpacks the payloads as ever. Their signatures are checked again, and their
 * CoreOS files are found.
 */
export async function describeMirrored(
  content: Omit<ArchiveContent, 'repositories' | 'readBlob'>,
  run: Run,
): Promise<Pick<CollectedSet, 'releases' | 'files' | 'missing' | 'notes'>> {
  const whole = { ...content, repositories: [], readBlob: async () => undefined };
  const repositories = [{ name: releaseImages, tags: await releaseTags(whole, run), revisions: [], layers: [] }];
  const description = createDescription({ ...whole, repositories });
  await nameReleases(description, run);
  const { releases, files, missing, notes } = description.collector;
  return { releases, files, missing, notes };
}

/** By their signatures (`<tag>-sha256-<hex>`); a release that was not checked is held under its bare digest. */
async function releaseTags(content: ArchiveContent, run: Run): Promise<RepositoryContent['tags']> {
  const tags: Record<string, ReturnType<typeof digestFromHex>> = {};
  for (const base of await listFolder(content, run, holdRelease))
    for (const tag of await listFolder(content, run, holdRelease, base))
      if (/^[0-9a-f]{64}$/.test(tag)) tags[tag] = digestFromHex(tag);
  for (const name of await listFolder(content, run, 'signatures')) {
    const [, tag, hex] = /^(.+)-sha256-([0-9a-f]{64})$/.exec(name) ?? [];
    if (tag !== undefined && hex !== undefined) tags[releaseTag(tag)] = digestFromHex(hex);
  }
  return tags;
}
