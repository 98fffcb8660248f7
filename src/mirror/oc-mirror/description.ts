import path from 'node:path';
import type { ImageSet } from '../../config/index.ts';
import type { Run } from '../../core/run.ts';
import type { Digest, RepositoryContent, Source } from '../../oci/index.ts';
import type { ImageType, KeptBlobs, TargetName } from '../../plan/index.ts';
import { type Collector, createCollector } from '../collect/collector.ts';
import type { CollectOptions } from '../collect/options.ts';
import type { HttpAccess } from '../http-access.ts';

/** What a finished mirror-to-disk run left. */
export interface ArchiveContent {
  readonly imageSet: ImageSet;
  /** The link tree of the archive: everything that its cache ever held. */
  readonly repositories: readonly RepositoryContent[];
  /** A blob of the archive or, for what an earlier archive carried, of the cache. */
  readonly readBlob: (digest: Digest) => Promise<Buffer | undefined>;
  /** Its `working-dir`. */
  readonly workingFolder: string;
  /** Origins that it says it copied; empty: nothing was understood, and everything that is whole counts. */
  readonly copied: ReadonlySet<string>;
  readonly source: Source;
  readonly http: HttpAccess;
  readonly kept: KeptBlobs;
  readonly options: CollectOptions;
}

/** A name in the link tree, and what it is. */
export interface NamedImage {
  readonly type: ImageType;
  readonly origin: string;
  readonly repository: string;
  readonly tag: string;
  readonly targets: readonly TargetName[];
  readonly reason: string;
}

/** What the parts of the description share. */
export interface Description {
  readonly content: ArchiveContent;
  readonly collector: Collector;
  /** By `repository:tag`. */
  readonly names: Map<string, NamedImage>;
  /** Origins of `copied` that have a name. */
  readonly placed: Set<string>;
  readonly findDigest: (repository: string, tag: string) => Digest | undefined;
  readonly add: (image: NamedImage, copiedAs?: string) => void;
}

/** An empty description of an archive. */
export function createDescription(content: ArchiveContent): Description {
  const trees = new Map(content.repositories.map((repository) => [repository.name, repository]));
  const names = new Map<string, NamedImage>();
  const placed = new Set<string>();
  const findDigest = (repository: string, tag: string): Digest | undefined => trees.get(repository)?.tags[tag];
  return {
    content,
    names,
    placed,
    findDigest,
    add(image, copiedAs = image.origin) {
      const key = `${image.repository}:${image.tag}`;
      if (findDigest(image.repository, image.tag) === undefined) return;
      placed.add(copiedAs);
      if (!names.has(key)) names.set(key, image);
    },
    collector: createCollector(content, () => false),
  };
}

/** Whether this run copied it; where nothing was understood, everything counts. */
export function isCopied(content: ArchiveContent, origin: string): boolean {
  return content.copied.size === 0 || content.copied.has(origin);
}

/** Names of the entries of a folder in the working-dir. */
export async function listFolder(content: ArchiveContent, run: Run, ...below: string[]): Promise<string[]> {
  return (await run.disk.list(path.join(content.workingFolder, ...below))).map((entry) => entry.name);
}
