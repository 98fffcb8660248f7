import { AirlockError, isAirlockError } from '../core/errors.ts';
import type { Run } from '../core/run.ts';
import type { CopyContent } from './copy-content.ts';
import type { Digest } from './digest.ts';
import type { FetchedManifest, RepositoryName, Source } from './source.ts';

const keepLimitBytes = 32 << 20;

/** What a copy from other registries needs to know. */
export interface SourceContentOptions {
  readonly source: Source;
  readonly repositories: CopyContent['repositories'];
  /** Where a digest can be read, best first; `repository` is the name at the target. */
  readonly locate: (repository: string, digest: Digest) => readonly RepositoryName[];
}

/** Content that is read from registries while it is copied: mirror to mirror. Each place is tried in turn. */
export function contentFromSource(options: SourceContentOptions): CopyContent {
  const { source, locate, repositories } = options;
  // A manifest is read to see what it names, and again to be pushed: most copies fit in here whole.
  const kept = new Map<Digest, FetchedManifest>();
  let keptBytes = 0;
  return {
    repositories,
    async readManifest(repository, digest, run) {
      const known = kept.get(digest);
      if (known) return known;
      const manifest = await firstPlace(locate(repository, digest), digest, run, (place) =>
        source.fetchManifest({ ...place, digest }, run),
      );
      if (keptBytes + manifest.bytes.length <= keepLimitBytes && !kept.has(digest)) {
        kept.set(digest, manifest);
        keptBytes += manifest.bytes.length;
      }
      return manifest;
    },
    openBlob: (repository, blob, offsetBytes, run) =>
      firstPlace(locate(repository, blob.digest), blob.digest, run, (place) =>
        source.fetchBlob(place, blob, offsetBytes, run),
      ),
  };
}

async function firstPlace<T>(
  places: readonly RepositoryName[],
  digest: Digest,
  run: Run,
  task: (place: RepositoryName) => Promise<T>,
): Promise<T> {
  let failure: unknown;
  for (const place of places) {
    try {
      return await task(place);
    } catch (error) {
      if (run.signal.aborted || !isAirlockError(error)) throw error;
      failure ??= error;
    }
  }
  throw failure ?? new AirlockError('BLOB_UNKNOWN', `no place is known to hold ${digest}`, { side: 'source' });
}
