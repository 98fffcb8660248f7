import { AirlockError } from '../../core/errors.ts';
import type { HttpResponse } from '../../core/http.ts';
import { discardBody } from '../../core/http-body.ts';
import type { Run } from '../../core/run.ts';
import type { Descriptor } from '../descriptor.ts';
import { type Digest, digestAlgorithm, digestOf, isDigest } from '../digest.ts';
import { manifestLimitBytes } from '../manifest.ts';
import { isManifestType, manifestAccept, mediaTypes } from '../media-types.ts';
import type { FetchedManifest } from '../source.ts';
import type { Place } from './sessions.ts';

const accept = { accept: manifestAccept.join(', ') };

/** What a tag or digest means: by HEAD, or by GET where the answer lacks digest, size or type. */
export async function resolveManifest(place: Place, tagOrDigest: string, run: Run): Promise<Descriptor> {
  const response = await place.session.request(
    { ...manifestCall(place, tagOrDigest), method: 'HEAD', headers: accept, expect: [200, 405, 501] },
    run,
  );
  discardBody(response.body);
  const digest = response.headers['docker-content-digest'] ?? (isDigest(tagOrDigest) ? tagOrDigest : '');
  const size = Number(response.headers['content-length'] ?? Number.NaN);
  const mediaType = bareType(response);
  if (response.status === 200 && isDigest(digest) && size > 0 && mediaType && isManifestType(mediaType)) {
    assertSame(digest, tagOrDigest, place);
    return { mediaType, digest, size };
  }
  const manifest = await fetchManifest(place, tagOrDigest, run);
  return { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.bytes.length };
}

/** A manifest with its digest checked. @throws AirlockError MANIFEST_UNKNOWN, DIGEST_MISMATCH, REGISTRY_* @see distribution-spec "Pulling manifests" */
export async function fetchManifest(place: Place, tagOrDigest: string, run: Run): Promise<FetchedManifest> {
  const { response, bytes } = await place.session.requestBytes(
    { ...manifestCall(place, tagOrDigest), method: 'GET', headers: accept, expect: [200] },
    manifestLimitBytes,
    run,
  );
  const stated = response.headers['docker-content-digest'];
  const expected = isDigest(tagOrDigest) ? tagOrDigest : stated !== undefined && isDigest(stated) ? stated : undefined;
  const digest = digestOf(bytes, expected ? digestAlgorithm(expected) : 'sha256');
  if (expected !== undefined) assertSame(digest, expected, place);
  return { bytes, digest, mediaType: bareType(response) ?? mediaTypes.ociManifest };
}

/**
 * Puts a manifest under a tag or digest; says whether the registry took note of its `subject`.
 * @see distribution-spec "Pushing Manifests", "Pushing Manifests with Subject"
 */
export async function pushManifest(
  place: Place,
  tagOrDigest: string,
  manifest: FetchedManifest,
  run: Run,
): Promise<{ readonly subjectNoted: boolean }> {
  const response = await place.session.request(
    {
      ...manifestCall(place, tagOrDigest),
      method: 'PUT',
      wanted: 'repository',
      scopes: [`repository:${place.repository}:pull,push`],
      headers: { 'content-type': manifest.mediaType },
      body: () => Promise.resolve(manifest.bytes),
      expect: [200, 201, 202],
    },
    run,
  );
  discardBody(response.body);
  const stated = response.headers['docker-content-digest'];
  // Some registries rewrite manifests (schema conversion); then nothing that names it by digest would find it.
  if (stated !== undefined && isDigest(stated) && stated !== manifest.digest) {
    throw new AirlockError(
      'DIGEST_MISMATCH',
      `${place.registry}/${place.repository}: the registry stored ${stated} instead of ${manifest.digest}`,
    );
  }
  return { subjectNoted: response.headers['oci-subject'] !== undefined };
}

/** Deletes a manifest; false when it was not there. */
export async function deleteManifest(place: Place, digest: Digest, run: Run): Promise<boolean> {
  const response = await place.session.request(
    {
      ...manifestCall(place, digest),
      method: 'DELETE',
      scopes: [`repository:${place.repository}:pull,push,delete`],
      expect: [200, 202, 404, 405],
    },
    run,
  );
  discardBody(response.body);
  if (response.status === 405) {
    throw new AirlockError('REGISTRY_FAILED', `${place.registry} does not allow deletes`, {
      hint: 'switch deletes on in the registry (distribution: storage.delete.enabled: true)',
      details: { status: 405 },
    });
  }
  return response.status !== 404;
}

/** The parts of a call that are the same for all requests about one manifest. */
export function manifestCall(place: Place, tagOrDigest: string) {
  return {
    path: `/v2/${place.repository}/manifests/${tagOrDigest}`,
    repository: place.repository,
    wanted: 'manifest',
    subject: `${place.registry}/${place.repository}${isDigest(tagOrDigest) ? '@' : ':'}${tagOrDigest}`,
  } as const;
}

function bareType(response: HttpResponse): string | undefined {
  return response.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
}

function assertSame(got: string, expected: string, place: Place): void {
  if (!isDigest(expected) || got === expected) return;
  throw new AirlockError(
    'DIGEST_MISMATCH',
    `manifest ${expected} of ${place.registry}/${place.repository} does not match: got ${got}`,
    { hint: 'the server or something before it gives wrong content; run again, or use another mirror' },
  );
}
