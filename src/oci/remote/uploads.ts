import type { Readable } from 'node:stream';
import { AirlockError, isAirlockError } from '../../core/errors.ts';
import type { HttpResponse } from '../../core/http.ts';
import { discardBody } from '../../core/http-body.ts';
import { isTransient, waitForRetry } from '../../core/retry.ts';
import type { Run } from '../../core/run.ts';
import type { Descriptor } from '../descriptor.ts';
import { hasBlob, pushScopes } from './blobs.ts';
import type { RemoteOptions } from './options.ts';
import { onRegistry, type RegistryCall } from './session.ts';
import type { Place } from './sessions.ts';
import { uploadBody } from './upload-stream.ts';

/** Gives a blob's bytes from `offsetBytes` on, for each try anew. */
export type OpenBlob = (offsetBytes: number) => Promise<Readable>;

const defaultChunkBytes = 32 << 20;
const smallestChunkBytes = 1 << 20;

/** Mounts a blob of another repository; false when the registry would rather have it uploaded. @see distribution-spec "Mounting a blob" */
export async function mountBlob(place: Place, blob: Descriptor, from: string, run: Run): Promise<boolean> {
  const query = new URLSearchParams({ mount: blob.digest, from });
  let response: HttpResponse;
  try {
    response = await place.session.request(
      {
        ...uploadCall(place, blob),
        method: 'POST',
        path: `/v2/${place.repository}/blobs/uploads/?${query}`,
        scopes: [...pushScopes(place), `repository:${from}:pull`],
        headers: { 'content-length': '0' },
        expect: [201, 202, 400, 403, 404, 405],
      },
      run,
    );
  } catch (error) {
    // A token server may refuse the whole token when one of two repositories is not ours.
    if (isAirlockError(error, 'REGISTRY_UNAUTHORIZED')) return false;
    throw error;
  }
  discardBody(response.body);
  if (response.status === 202) await cancelUpload(place, blob, response, run);
  return response.status === 201;
}

/**
 * Uploads a blob: one PUT that streams it whole; where the server answers 413, PATCH requests of a size that it takes. A broken upload goes on
 * where the server says that it stopped. @see distribution-spec "Pushing blobs"
 */
export async function pushBlob(
  place: Place,
  blob: Descriptor,
  open: OpenBlob,
  options: RemoteOptions,
  chunks: ChunkMemory,
  run: Run,
): Promise<'uploaded' | 'present'> {
  const policy = options.retry ?? {};
  const about = { stage: options.stage ?? 'plan', subject: blob.digest };
  let upload: Upload | undefined;
  for (let attempt = 0; ; ) {
    try {
      upload ??= await startUpload(place, blob, run);
      if (upload === undefined) return 'present';
      await sendBlob({ place, blob, open, options, chunks }, upload, run);
      return 'uploaded';
    } catch (error) {
      if (
        isAirlockError(error) &&
        error.details['status'] === 413 &&
        chunks.shrink(place.registry, options.chunkBytes)
      ) {
        upload = undefined;
        continue;
      }
      if (run.signal.aborted || attempt >= (policy.retryTimes ?? 5) || !isTransient(error)) throw error;
      await waitForRetry(policy, attempt, error, about, run);
      attempt += 1;
      if (!upload) continue;
      // The answer may have been lost after the blob was taken.
      if (await wasTaken(place, blob, run)) return 'uploaded';
      upload = await findUpload(place, blob, upload, run);
    }
  }
}

/** Which registries refuse large requests, and what size they took. */
export interface ChunkMemory {
  /** Bytes per PATCH; undefined for one PUT. */
  sizeFor(registry: string): number | undefined;
  /** Makes it smaller; false when it cannot be. */
  shrink(registry: string, first: number | undefined): boolean;
}

export function createChunkMemory(): ChunkMemory {
  const sizes = new Map<string, number>();
  return {
    sizeFor: (registry) => sizes.get(registry),
    shrink(registry, first = defaultChunkBytes) {
      const current = sizes.get(registry);
      if (current !== undefined && current <= Math.min(first, smallestChunkBytes)) return false;
      sizes.set(registry, current === undefined ? first : Math.max(Math.min(first, smallestChunkBytes), current >> 2));
      return true;
    },
  };
}

/** A started upload: where to go on, and how much the server holds. */
interface Upload {
  readonly location: URL;
  readonly offsetBytes: number;
}

interface Sending {
  readonly place: Place;
  readonly blob: Descriptor;
  readonly open: OpenBlob;
  readonly options: RemoteOptions;
  readonly chunks: ChunkMemory;
}

/**
 * Starts an upload; undefined when the repository has the blob. It is asked for a mount from itself: one request that is both the question whether
 * the blob is there and, where not (or where mounts are not known), the start of the upload.
 */
async function startUpload(place: Place, blob: Descriptor, run: Run): Promise<Upload | undefined> {
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
  return { location: locationOf(response, await place.session.baseUrl(run), place), offsetBytes: 0 };
}

async function sendBlob(sending: Sending, upload: Upload, run: Run): Promise<void> {
  const { place, blob, chunks } = sending;
  let { location, offsetBytes } = upload;
  const chunk = chunks.sizeFor(place.registry);
  // Only a whole blob may go with the closing PUT: what follows bytes held already is appended by PATCH.
  if (chunk === undefined && offsetBytes === 0) {
    discardBody((await sendPart(sending, 'PUT', withDigest(location, blob), 0, blob.size, run)).body);
    return;
  }
  while (offsetBytes < blob.size) {
    const end = Math.min(blob.size, offsetBytes + (chunk ?? blob.size));
    const response = await sendPart(sending, 'PATCH', location, offsetBytes, end, run);
    discardBody(response.body);
    location = locationOf(response, await place.session.baseUrl(run), place, location);
    offsetBytes = end;
  }
  const closing = await place.session.request(
    {
      ...uploadCall(place, blob),
      method: 'PUT',
      path: withDigest(location, blob),
      headers: { 'content-length': '0', 'content-type': 'application/octet-stream' },
      expect: [201, 204],
      repeat: false,
    },
    run,
  );
  discardBody(closing.body);
}

/** Sends bytes `[start, end)` of the blob; a PUT takes the whole blob and closes the upload. */
async function sendPart(
  sending: Sending,
  method: 'PUT' | 'PATCH',
  location: URL,
  start: number,
  end: number,
  run: Run,
): Promise<HttpResponse> {
  const { place, blob, open, options } = sending;
  let body: Readable | undefined;
  let failure: unknown;
  try {
    return await place.session.request(
      {
        ...uploadCall(place, blob),
        method,
        path: location,
        headers: {
          'content-type': 'application/octet-stream',
          'content-length': String(end - start),
          ...(method === 'PATCH' ? { 'content-range': `${start}-${end - 1}` } : {}),
        },
        body: async () => {
          body = uploadBody(await open(start), blob, end - start, options.bandwidth);
          body.on('error', (error) => {
            failure ??= error;
          });
          return body;
        },
        expect: method === 'PUT' ? [201, 204] : [202, 204],
        repeat: false,
      },
      run,
    );
  } catch (error) {
    // When the source failed, the broken upload is only its echo; the other way round the body is closed without an AirlockError.
    throw isAirlockError(failure) && !run.signal.aborted ? failure : error;
  } finally {
    body?.destroy();
  }
}

/** Whether the blob is there; a registry that cannot say so now has not taken it, as far as we know. */
async function wasTaken(place: Place, blob: Descriptor, run: Run): Promise<boolean> {
  try {
    return await hasBlob(place, blob, run, false);
  } catch (error) {
    if (run.signal.aborted) throw error;
    return false;
  }
}

/** How much a broken upload got through; undefined when the server has forgotten it. */
async function findUpload(place: Place, blob: Descriptor, upload: Upload, run: Run): Promise<Upload | undefined> {
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
    return { location, offsetBytes: held + 1 };
  } catch (error) {
    if (run.signal.aborted) throw error;
    return undefined;
  }
}

async function cancelUpload(place: Place, blob: Descriptor, response: HttpResponse, run: Run): Promise<void> {
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

function uploadCall(
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

function withDigest(location: URL, blob: Descriptor): URL {
  const url = new URL(location);
  url.searchParams.set('digest', blob.digest);
  return url;
}

function locationOf(response: HttpResponse, base: URL, place: Place, fallback?: URL): URL {
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
