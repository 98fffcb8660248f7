import { AirlockError } from '../../core/errors.ts';
import type { HttpResponse } from '../../core/http.ts';
import { discardBody } from '../../core/http-body.ts';
import type { Run } from '../../core/run.ts';
import type { Descriptor } from '../descriptor.ts';
import { pushScopes } from './blobs.ts';
import { onRegistry } from './connection.ts';
import type { RegistryCall } from './session.ts';
import type { Place } from './sessions.ts';

/** A started upload: where to go on, and how much the server holds. */
export interface Upload {
  readonly location: URL;
  readonly offsetBytes: number;
  /** What every chunk but the last has to have at least, where the registry says so (`OCI-Chunk-Min-Length`). */
  readonly minChunkBytes?: number;
}

/**
 * Starts an upload; undefined when the repository has the blob. It is asked for a mount from itself: one request that is both the question whether
 * the blob is there and, where not (or where mounts are not known), the start of the upload.
 */
export async function startUpload(place: Place, blob: Descriptor, run: Run): Promise<Upload | undefined> {
  const path = `/v2/${place.repository}/blobs/uploads/`;
  // `pushBlob` itself begins anew after a failure.
  const call = {
    ...uploadCall(place, blob),
    method: 'POST',
    headers: { 'content-length': '0' },
    repeat: false,
  } as const;
  const query = new URLSearchParams({ mount: blob.digest, from: place.repository });
  let response = await place.session.request(
    { ...call, path: `${path}?${query}`, expect: [201, 202, 400, 404, 405] },
    run,
  );
  discardBody(response.body);
  if (response.status === 201) return undefined;
  if (response.status !== 202) {
    response = await place.session.request({ ...call, path, expect: [202] }, run);
    discardBody(response.body);
  }
  return begunUpload(response, place, run);
}

/** The upload that an answer with status 202 began. */
export async function begunUpload(response: HttpResponse, place: Place, run: Run): Promise<Upload> {
  const location = locationOf(response, await place.session.baseUrl(run), place);
  const least = response.headers['oci-chunk-min-length'] ?? '';
  return { location, offsetBytes: 0, ...(/^\d{1,12}$/.test(least) ? { minChunkBytes: Number(least) } : {}) };
}

/** How much a broken upload got through; undefined when the server has forgotten it. */
export async function findUpload(
  place: Place,
  blob: Descriptor,
  upload: Upload,
  run: Run,
): Promise<Upload | undefined> {
  try {
    const response = await place.session.request(
      { ...uploadCall(place, blob), method: 'GET', path: upload.location, expect: [204], repeat: false },
      run,
    );
    discardBody(response.body);
    const match = /^(?:bytes=)?0-(\d+)$/.exec(response.headers['range']?.trim() ?? '');
    const held = match?.[1] === undefined ? 0 : Number(match[1]);
    // "0-0" is what servers say for nothing as well as for one byte: begin anew then.
    if (held === 0 || held >= blob.size) return undefined;
    const location = locationOf(response, await place.session.baseUrl(run), place, upload.location);
    return { ...upload, location, offsetBytes: held + 1 };
  } catch (error) {
    if (run.signal.aborted) throw error;
    return undefined;
  }
}

/** Gives an upload back that is not wanted. */
export async function cancelUpload(place: Place, blob: Descriptor, response: HttpResponse, run: Run): Promise<void> {
  try {
    const path = locationOf(response, await place.session.baseUrl(run), place);
    const answer = await place.session.request(
      { ...uploadCall(place, blob), method: 'DELETE', path, expect: [200, 202, 204, 404, 405], repeat: false },
      run,
    );
    discardBody(answer.body);
  } catch (error) {
    // The server forgets it by itself some day.
    if (run.signal.aborted) throw error;
  }
}

/** The parts of a call that are the same for all requests of an upload. */
export function uploadCall(
  place: Place,
  blob: Descriptor,
): Pick<RegistryCall, 'repository' | 'scopes' | 'wanted' | 'subject'> {
  return {
    repository: place.repository,
    scopes: pushScopes(place),
    wanted: 'repository',
    subject: `blob ${blob.digest} to ${place.registry}/${place.repository}`,
  };
}

/** The URL that closes the upload. The query that the registry gave stays as it is, byte for byte: it may be signed. */
export function withDigest(location: URL, blob: Descriptor): URL {
  const url = new URL(location);
  url.search = `${url.search === '' ? '?' : `${url.search}&`}digest=${encodeURIComponent(blob.digest)}`;
  return url;
}

/** Where the upload goes on. @throws AirlockError REGISTRY_FAILED */
export function locationOf(response: HttpResponse, base: URL, place: Place, fallback?: URL): URL {
  const text = response.headers['location'];
  if (text === undefined && fallback) return fallback;
  let url: URL;
  try {
    url = new URL(text ?? '', response.url);
  } catch {
    url = new URL('about:blank');
  }
  if (text === undefined || !(url.protocol === 'http:' || url.protocol === 'https:'))
    throw new AirlockError('REGISTRY_FAILED', `${place.registry} starts an upload without saying where`);
  return onRegistry(url, base);
}
