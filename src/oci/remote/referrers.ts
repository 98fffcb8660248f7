import { isAirlockError } from '../../core/errors.ts';
import { canonicalJson } from '../../core/json.ts';
import type { Run } from '../../core/run.ts';
import type { Descriptor } from '../descriptor.ts';
import { type Digest, digestAlgorithm, digestHex, digestOf } from '../digest.ts';
import { type Manifest, parseManifest } from '../manifest.ts';
import { mediaTypes } from '../media-types.ts';
import type { FetchedManifest } from '../source.ts';
import type { AttachedMemory } from './attached-memory.ts';
import { fetchManifest, pushManifest } from './manifests.ts';
import { readPages } from './pages.ts';
import type { Place } from './sessions.ts';

/** Manifests whose subject is `digest`: by the API, else by the fallback tag. @see distribution-spec "Listing Referrers", "Referrers Tag Schema" */
export async function listReferrers(
  place: Place,
  digest: Digest,
  memory: AttachedMemory,
  run: Run,
): Promise<Descriptor[]> {
  const found: Descriptor[] = [];
  try {
    if (memory.mayHaveReferrersApi(place)) {
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
    }
  } catch (error) {
    // Registries without the API answer 404, some 400, 405 or a page in HTML; only what may pass by itself is an error.
    if (!isAirlockError(error, 'MANIFEST_UNKNOWN', 'REGISTRY_FAILED', 'MANIFEST_INVALID')) throw error;
    const status = error.details['status'];
    if (typeof status === 'number' && status >= 500 && status !== 501) throw error;
    memory.noteRefusedReferrers(place, error);
  }
  if (await memory.lacksTag(place, fallbackTag(digest), run)) return [];
  return (await fallbackReferrers(place, digest, run)) ?? [];
}

/** What is listed under the fallback tag; undefined where the tag means the image itself, as mirrors name images that have only a digest. */
async function fallbackReferrers(place: Place, digest: Digest, run: Run): Promise<Descriptor[] | undefined> {
  try {
    const manifest = await fetchManifest(place, fallbackTag(digest), run);
    return manifest.digest === digest ? undefined : childrenOf(manifest.bytes);
  } catch (error) {
    if (isAirlockError(error, 'MANIFEST_UNKNOWN', 'MANIFEST_INVALID')) return [];
    throw error;
  }
}

function childrenOf(bytes: Uint8Array): Descriptor[] {
  const manifest = parseManifest(bytes, mediaTypes.ociIndex);
  return manifest.kind === 'index' ? [...manifest.manifests] : [];
}

/** Lists a pushed referrer under its subject's fallback tag, for registries without the API. */
export async function addFallbackReferrer(
  place: Place,
  manifest: FetchedManifest,
  parsed: Manifest & { readonly subject: Descriptor },
  run: Run,
): Promise<void> {
  const { digest } = parsed.subject;
  const listed = await fallbackReferrers(place, digest, run);
  // The image keeps its own name: it can be pulled without the list of its referrers, but not the other way round.
  if (!listed || listed.some((item) => item.digest === manifest.digest)) return;
  const artifactType = parsed.artifactType ?? (parsed.kind === 'image' ? parsed.config.mediaType : undefined);
  const own = {
    mediaType: manifest.mediaType,
    digest: manifest.digest,
    size: manifest.bytes.length,
    ...(artifactType ? { artifactType } : {}),
    ...(Object.keys(parsed.annotations).length > 0 ? { annotations: parsed.annotations } : {}),
  };
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [...listed, own] };
  const bytes = Buffer.from(canonicalJson(index));
  await pushManifest(
    place,
    fallbackTag(digest),
    { bytes, mediaType: mediaTypes.ociIndex, digest: digestOf(bytes) },
    run,
  );
}

function fallbackTag(digest: Digest): string {
  return `${digestAlgorithm(digest)}-${digestHex(digest).slice(0, 64)}`;
}
