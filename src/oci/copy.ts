import type { Run } from '../core/run.ts';
import { copyBlobs } from './copy-blobs.ts';
import type { CopyContent, CopyCounts, CopyOptions, CopyResult } from './copy-content.ts';
import { copyManifests } from './copy-manifests.ts';
import { surveyTarget } from './copy-survey.ts';

/**
 * Copies images, pinned by digest, to a registry: what is there is left alone, each blob is uploaded once and mounted elsewhere, manifests
 * follow their blobs, tags come last. Running it again goes on where it stopped.
 * @throws AirlockError REGISTRY_UNREACHABLE, REGISTRY_UNAUTHORIZED, REGISTRY_CERTIFICATE, RATE_LIMITED of the target, CANCELLED, and what
 * `isFatal` says; all other failures are in the result.
 */
export async function copyToTarget(content: CopyContent, settings: CopyOptions, run: Run): Promise<CopyResult> {
  const limit = settings.limit ?? settings.target.limitFor?.(settings.registry);
  const options = { ...settings, ...(limit ? { limit } : {}) };
  const counts: CopyCounts = {
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
  const missing = await surveyTarget(content, options, counts, run);
  const failed = await copyBlobs(missing, content, options, counts, run);
  await copyManifests(missing, failed, content, options, counts, run);
  return counts;
}
