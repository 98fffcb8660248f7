import type { Readable } from 'node:stream';
import { isAirlockError } from '../../core/errors.ts';
import type { HttpResponse } from '../../core/http.ts';
import { discardBody } from '../../core/http-body.ts';
import { isTransient, waitForRetry } from '../../core/retry.ts';
import type { Run } from '../../core/run.ts';
import type { Descriptor } from '../descriptor.ts';
import { hasBlob } from './blobs.ts';
import type { ChunkMemory } from './chunk-memory.ts';
import type { RemoteOptions } from './options.ts';
import type { Place } from './sessions.ts';
import { findUpload, locationOf, startUpload, type Upload, uploadCall, withDigest } from './upload-session.ts';
import { uploadBody } from './upload-stream.ts';

/** Gives a blob's bytes from `offsetBytes` on, for each try anew. */
export type OpenBlob = (offsetBytes: number) => Promise<Readable>;

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

interface Sending {
  readonly place: Place;
  readonly blob: Descriptor;
  readonly open: OpenBlob;
  readonly options: RemoteOptions;
  readonly chunks: ChunkMemory;
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
