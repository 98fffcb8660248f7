import type { Run } from '../core/run.ts';
import { copyBlobs } from './copy-blobs.ts';
import type { CopyContent, CopyCounts, CopyOptions, CopyResult } from './copy-content.ts';
import { copyManifests } from './copy-manifests.ts';
import { surveyTarget } from './copy-survey.ts';
import type { Descriptor } from './descriptor.ts';

/**
 * Copies images, pinned by digest, to a registry: what is there is left alone, each blob is uploaded once and mounted elsewhere, manifests
 * follow their blobs, tags come last. Running it again goes on where it stopped.
 * @throws AirlockError REGISTRY_UNREACHABLE, REGISTRY_UNAUTHORIZED, REGISTRY_CERTIFICATE, RATE_LIMITED of the target, CANCELLED, and what
 * `isFatal` says; all other failures are in the result.
 */
export async function copyToTarget(content: CopyContent, settings: CopyOptions, run: Run): Promise<CopyResult> {
  const options = withLimit(settings);
  const counts = noCounts();
  const missing = await surveyTarget(content, options, counts, run);
  const failed = await copyBlobs(missing, content, options, counts, run);
  await copyManifests(missing, failed, content, options, counts, run);
  return counts;
}

/**
 * Copies blobs whose manifests cannot be put yet, because other blobs of theirs are still away. Each goes to the repository it is listed under.
 * @throws AirlockError as `copyToTarget`
 */
export async function copyLooseBlobs(
  groups: readonly { readonly name: string; readonly blobs: readonly Descriptor[] }[],
  content: Pick<CopyContent, 'openBlob'>,
  settings: CopyOptions,
  run: Run,
): Promise<CopyResult> {
  const counts = noCounts();
  await copyBlobs(groups, content, withLimit(settings), counts, run);
  return counts;
}

/** The options with the target's own limit, where they name none. */
export function withLimit(settings: CopyOptions): CopyOptions {
  const limit = settings.limit ?? settings.target.limitFor?.(settings.registry);
  return { ...settings, ...(limit ? { limit } : {}) };
}

/** Counters before anything was counted. */
export function noCounts(): CopyCounts {
  return {
    pushedBlobs: 0,
    pushedBytes: 0,
    mountedBlobs: 0,
    presentBlobs: 0,
    pushedManifests: 0,
    presentManifests: 0,
    pushedTags: 0,
    presentTags: 0,
    failures: [],
  };
}
