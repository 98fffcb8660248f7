import { AirlockError, isAirlockError } from '../core/errors.ts';
import type { Run } from '../core/run.ts';
import type { CopyContent } from './copy-content.ts';
import type { Digest } from './digest.ts';
import type { RepositoryName, Source } from './source.ts';

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
  return {
    repositories,
    readManifest: (repository, digest, run) =>
      firstPlace(locate(repository, digest), digest, run, (place) => source.fetchManifest({ ...place, digest }, run)),
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
