import { isAirlockError } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import type { Descriptor } from '../descriptor.ts';
import { type Digest, digestAlgorithm, digestHex } from '../digest.ts';
import { parseManifest } from '../manifest.ts';
import { mediaTypes } from '../media-types.ts';
import { fetchManifest } from './manifests.ts';
import { readPages } from './pages.ts';
import type { Place } from './sessions.ts';

/** Manifests whose subject is `digest`: by the API, else by the fallback tag. @see distribution-spec "Listing Referrers", "Referrers Tag Schema" */
export async function listReferrers(place: Place, digest: Digest, run: Run): Promise<Descriptor[]> {
  const found: Descriptor[] = [];
  try {
    await readPages(
      place,
      {
        method: 'GET',
        path: `/v2/${place.repository}/referrers/${digest}`,
        repository: place.repository,
        wanted: 'manifest',
        subject: `referrers of ${place.registry}/${place.repository}@${digest}`,
        headers: { accept: mediaTypes.ociIndex },
        expect: [200],
      },
      (json) => found.push(...childrenOf(Buffer.from(JSON.stringify(json)))),
      run,
    );
    return found;
  } catch (error) {
    // Registries without the API answer 404, some 400, 405 or a page in HTML; only what may pass by itself is an error.
    if (!isAirlockError(error, 'MANIFEST_UNKNOWN', 'REGISTRY_FAILED', 'MANIFEST_INVALID')) throw error;
    const status = error.details['status'];
    if (typeof status === 'number' && status >= 500 && status !== 501) throw error;
  }
  return fallbackReferrers(place, digest, run);
}

async function fallbackReferrers(place: Place, digest: Digest, run: Run): Promise<Descriptor[]> {
  const tag = `${digestAlgorithm(digest)}-${digestHex(digest).slice(0, 64)}`;
  try {
    const manifest = await fetchManifest(place, tag, run);
    return childrenOf(manifest.bytes);
  } catch (error) {
    if (isAirlockError(error, 'MANIFEST_UNKNOWN', 'MANIFEST_INVALID')) return [];
    throw error;
  }
}

function childrenOf(bytes: Uint8Array): Descriptor[] {
  const manifest = parseManifest(bytes, mediaTypes.ociIndex);
  return manifest.kind === 'index' ? [...manifest.manifests] : [];
}
