import type { Readable } from 'node:stream';
import { isAirlockError } from '../../core/errors.ts';
import type { HttpResponse } from '../../core/http.ts';
import { discardBody } from '../../core/http-body.ts';
import { isTransient, pause, waitForRetry } from '../../core/retry.ts';
import type { Run } from '../../core/run.ts';
import type { Descriptor } from '../descriptor.ts';
import { hasBlob } from './blobs.ts';
import type { RemoteOptions } from './options.ts';
import type { RegistryCall } from './session.ts';
import type { Place } from './sessions.ts';
import type { UploadMemory } from './upload-memory.ts';
import {
  begunUpload,
  findUpload,
  locationOf,
  startUpload,
  type Upload,
  uploadCall,
  withDigest,
} from './upload-session.ts';
import { uploadBody } from './upload-stream.ts';

/** What is uploaded, and to where. */
export interface Sending {
  readonly place: Place;
  readonly blob: Descriptor;
  /** Gives the blob's bytes from `offsetBytes` on, for each try anew. */
  readonly open: (offsetBytes: number) => Promise<Readable>;
  readonly options: RemoteOptions;
  readonly memory: UploadMemory;
  /** All of a blob that is small enough to be held. */
  readonly bytes?: () => Promise<Buffer>;
}

// Such a blob is held in memory and costs no streams. Not more: distribution reads up to 256 KiB of a body that it has no use for, and a longer one
// would cost the connection.
const smallBlobBytes = 128 << 10;

/**
 * Uploads a blob: a small one with the POST that starts the upload, where the registry takes that; else one PUT that streams it whole; where the
 * server answers 413, PATCH requests of a size that it takes. A broken upload goes on where the server says that it stopped.
 * @see distribution-spec "Pushing blobs"
 */
export async function pushBlob(asked: Sending, run: Run): Promise<'uploaded' | 'present'> {
  const sending = asked.blob.size <= smallBlobBytes ? { ...asked, bytes: heldBytes(asked) } : asked;
  const { place, blob, options, memory } = sending;
  const policy = options.retry ?? {};
  const about = { stage: options.stage ?? 'plan', subject: blob.digest };
  let upload: Upload | undefined;
  for (let attempt = 0; ; ) {
    try {
      const begun = upload ?? (await beginUpload(sending, run));
      if (begun === 'uploaded' || begun === 'present') return begun;
      upload = begun;
      await sendBlob(sending, upload, run);
      return 'uploaded';
    } catch (error) {
      if (
        isAirlockError(error) &&
        error.details['status'] === 413 &&
        memory.shrink(place.registry, options.chunkBytes)
      ) {
        upload = undefined;
        continue;
      }
      const lost = upload !== undefined && isOutOfStep(error, attempt);
      if (run.signal.aborted || attempt >= (policy.retryTimes ?? 5) || !(lost || isTransient(error))) throw error;
      await waitForRetry(policy, attempt, error, about, run);
      attempt += 1;
      if (!upload) continue;
      // The answer may have been lost after the blob was taken.
      if (await wasTaken(place, blob, run)) return 'uploaded';
      upload = await findUpload(place, blob, upload, run);
    }
  }
}

/**
 * Whether registry and client have different ideas of an upload, which another try mends: the registry forgot it (a restart), or, after a try
 * that broke, still reads what the broken connection brought.
 */
function isOutOfStep(error: unknown, attempt: number): boolean {
  if (!isAirlockError(error)) return false;
  const { status, codes } = error.details;
  if (Array.isArray(codes) && codes.includes('BLOB_UPLOAD_UNKNOWN')) return true;
  return attempt > 0 && (status === 409 || status === 416);
}

/** The whole of a small blob, read once however often it is sent, and exactly as long as it should be. */
function heldBytes({ open, blob }: Sending): () => Promise<Buffer> {
  let held: Promise<Buffer> | undefined;
  return () => {
    held ??= open(0).then((source) => readStream(uploadBody(source, blob, blob.size, undefined)));
    held.catch(() => {
      held = undefined;
    });
    return held;
  };
}

async function beginUpload(sending: Sending, run: Run): Promise<Upload | 'uploaded' | 'present'> {
  const { place, blob, memory } = sending;
  if (sending.bytes && memory.takesSinglePost(place.registry)) {
    const begun = await postWhole(sending, run);
    if (begun !== undefined) return begun;
  }
  return (await startUpload(place, blob, run)) ?? 'present';
}

/** The blob in one POST; where the registry does not take it: the upload that it started instead, if any, and it is not asked again. */
async function postWhole(sending: Sending, run: Run): Promise<Upload | 'uploaded' | undefined> {
  const { place, blob, memory } = sending;
  const query = new URLSearchParams({ digest: blob.digest });
  const call = {
    method: 'POST',
    path: `/v2/${place.repository}/blobs/uploads/?${query}`,
    expect: [201, 202, 400, 404, 405, 411, 413, 415, 501],
  } as const;
  const response = await sendPart(sending, call, 0, blob.size, run);
  if (response.status === 201) return 'uploaded';
  memory.refuseSinglePost(place.registry);
  if (response.status !== 202) return undefined;
  return begunUpload(response, place, run);
}

async function sendBlob(sending: Sending, upload: Upload, run: Run): Promise<void> {
  const { place, blob, memory } = sending;
  let { location, offsetBytes } = upload;
  const known = memory.chunkFor(place.registry);
  const chunk = known === undefined ? undefined : Math.max(known, upload.minChunkBytes ?? 0);
  // Only a whole blob may go with the closing PUT: what follows bytes held already is appended by PATCH.
  if (chunk === undefined && offsetBytes === 0) {
    const call = { method: 'PUT', path: withDigest(location, blob), expect: [201, 204] } as const;
    await sendPart(sending, call, 0, blob.size, run);
    return;
  }
  while (offsetBytes < blob.size) {
    const end = Math.min(blob.size, offsetBytes + (chunk ?? blob.size));
    const call = { method: 'PATCH', path: location, expect: [202, 204] } as const;
    const response = await sendPart(sending, call, offsetBytes, end, run);
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

/** Sends bytes `[start, end)` of the blob as the body of one request; the answer's own body is thrown away. */
async function sendPart(
  sending: Sending,
  call: Pick<RegistryCall, 'method' | 'path' | 'expect'>,
  start: number,
  end: number,
  run: Run,
): Promise<HttpResponse> {
  const { place, blob, open, bytes, options } = sending;
  const part = (all: () => Promise<Buffer>) => async (): Promise<Buffer> => {
    const some = (await all()).subarray(start, end);
    await pause(options.bandwidth?.spend(some.length) ?? 0, run);
    return some;
  };
  let body: Readable | undefined;
  let failure: unknown;
  const stream = async (): Promise<Readable> => {
    body = uploadBody(await open(start), blob, end - start, options.bandwidth);
    body.on('error', (error) => {
      failure ??= error;
    });
    return body;
  };
  try {
    const response = await place.session.request(
      {
        ...uploadCall(place, blob),
        ...call,
        headers: {
          'content-type': 'application/octet-stream',
          'content-length': String(end - start),
          ...(call.method === 'PATCH' ? { 'content-range': `${start}-${end - 1}` } : {}),
        },
        body: bytes ? part(bytes) : stream,
        repeat: false,
      },
      run,
    );
    discardBody(response.body);
    return response;
  } catch (error) {
    // When the source failed, the broken upload is only its echo; the other way round the body is closed without an AirlockError.
    throw isAirlockError(failure) && !run.signal.aborted ? failure : error;
  } finally {
    body?.destroy();
  }
}

async function readStream(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
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
