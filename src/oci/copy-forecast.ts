import { mapLimited } from '../core/limit.ts';
import type { Run } from '../core/run.ts';
import { noCounts, withLimit } from './copy.ts';
import { atOnce, type CopyContent, type CopyFailure, type CopyOptions, targetRepository } from './copy-content.ts';
import { guarded, surveyTarget } from './copy-survey.ts';
import type { Descriptor } from './descriptor.ts';
import type { Digest } from './digest.ts';

/** What a copy would do. */
export interface CopyForecast {
  /** Blobs that the target would have to be given, each once. */
  readonly blobs: readonly Descriptor[];
  /** Blobs of new manifests that a repository which needs them, or one they can be mounted from, has already. */
  readonly presentBlobs: number;
  readonly manifests: number;
  readonly presentManifests: number;
  readonly tags: number;
  readonly presentTags: number;
  readonly failures: readonly CopyFailure[];
}

// A base layer may belong to hundreds of repositories; a copy would find it in the first ones, or upload it.
const askedRepositories = 8;

/**
 * Asks the target what `copyToTarget` would have to bring; uploads nothing.
 * @throws AirlockError as `copyToTarget`
 */
export async function forecastCopy(
  content: Omit<CopyContent, 'openBlob'>,
  settings: CopyOptions,
  run: Run,
): Promise<CopyForecast> {
  const options = withLimit(settings);
  const counts = noCounts();
  const missing = await surveyTarget(content, options, counts, run);
  const wanted = new Map<Digest, { readonly blob: Descriptor; readonly repositories: Set<string> }>();
  for (const { name, blobs } of missing)
    for (const blob of blobs) {
      const known = wanted.get(blob.digest) ?? { blob, repositories: new Set() };
      known.repositories.add(targetRepository(options, name));
      wanted.set(blob.digest, known);
    }
  const absent = await mapLimited([...wanted.values()], atOnce(options).small, async ({ blob, repositories }) => {
    const places = new Set([...(options.mountFrom?.(blob) ?? []), ...repositories]);
    for (const repository of [...places].slice(0, askedRepositories)) {
      const place = { registry: options.registry, repository };
      if (await guarded(options, () => options.target.hasBlob(place, blob, run))) return [];
    }
    return [blob];
  });
  const blobs = absent.flat();
  const wantedManifests = content.repositories.reduce(
    (sum, { revisions, tags }) => sum + new Set([...revisions, ...Object.values(tags)]).size,
    0,
  );
  return {
    blobs,
    presentBlobs: wanted.size - blobs.length,
    manifests: wantedManifests - counts.presentManifests - counts.failures.length,
    presentManifests: counts.presentManifests,
    tags: missing.reduce((sum, { tags }) => sum + tags.length, 0),
    presentTags: counts.presentTags,
    failures: counts.failures,
  };
}
