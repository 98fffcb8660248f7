import { Readable } from 'node:stream';
import { AirlockError, isAirlockError } from '../../core/errors.ts';
import { discardBody } from '../../core/http-body.ts';
import type { PourSink } from '../../core/http-pour.ts';
import { pourWhole } from '../../core/http-pour-whole.ts';
import { CheckedStream } from '../../core/http-stream.ts';
import { waitForRetry } from '../../core/retry.ts';
import type { Run } from '../../core/run.ts';
import type { Descriptor } from '../descriptor.ts';
import { digestAlgorithm, digestHex } from '../digest.ts';
import type { RemoteOptions } from './options.ts';
import { connectionError } from './registry-error.ts';
import type { RegistryCall } from './session.ts';
import type { Place } from './sessions.ts';

/** A blob as a stream that is continued by range and checked before its end. @see distribution-spec "Pulling blobs" */
export async function fetchBlob(
  place: Place,
  blob: Descriptor,
  offsetBytes: number,
  options: RemoteOptions,
  run: Run,
): Promise<Readable> {
  // A range after the last byte has no answer but 416.
  if (offsetBytes > 0 && offsetBytes === blob.size) return Readable.from([]);
  // The stream has tries of its own for going on: they must not be multiplied by those of each request.
  const open = (at: number): Promise<Readable> => openBlob(place, blob, at, false, options, run);
  const first = await openBlob(place, blob, offsetBytes, true, options, run);
  return new CheckedStream(
    {
      sizeBytes: blob.size,
      digest: { algorithm: digestAlgorithm(blob.digest), hex: digestHex(blob.digest) },
      offsetBytes,
      open,
      wait: retryWait(place, blob, options, run),
      mismatch: (what, why) => wrongContent(what, `${what} of blob ${blob.digest} ${why}`, options),
      bandwidth: options.bandwidth,
      signal: run.signal,
    },
    first,
  );
}

/**
 * A blob from where `sink` has it so far, put straight into its memory and continued by range when a connection breaks. The size is checked;
 * the digest is the caller's to check.
 */
export function pourBlob(
  place: Place,
  blob: Descriptor,
  sink: PourSink,
  open: (task: () => Promise<Readable>) => Promise<Readable>,
  options: RemoteOptions,
  run: Run,
): Promise<void> {
  const pouring = {
    sizeBytes: blob.size,
    open: (at: number, isFirst: boolean) => open(() => openBlob(place, blob, at, isFirst, options, run)),
    wait: retryWait(place, blob, options, run),
    tooShort: (why: string) => wrongContent('size', `size of blob ${blob.digest} ${why}`, options),
    bandwidth: options.bandwidth,
  };
  return pourWhole(pouring, sink, run);
}

function retryWait(place: Place, blob: Descriptor, options: RemoteOptions, run: Run) {
  const policy = options.retry ?? {};
  return (attempt: number, error: unknown): Promise<void> => {
    if (attempt >= (policy.retryTimes ?? 5)) throw connectionError(error, blobCall(place, blob).subject, options.side);
    return waitForRetry(policy, attempt, error, { stage: options.stage ?? 'plan', subject: blob.digest }, run);
  };
}

function wrongContent(what: 'size' | 'digest', message: string, { side }: RemoteOptions): AirlockError {
  return new AirlockError(what === 'size' ? 'SIZE_MISMATCH' : 'DIGEST_MISMATCH', message, {
    ...(side ? { side } : {}),
    hint: 'the server or something before it gives wrong content; run again, or use another mirror',
  });
}

/** Whether the registry has the blob in this repository. `repeat` false asks only once. */
export async function hasBlob(place: Place, blob: Descriptor, run: Run, repeat = true): Promise<boolean> {
  try {
    const response = await place.session.request(
      { ...blobCall(place, blob), method: 'HEAD', scopes: pushScopes(place), expect: [200], repeat },
      run,
    );
    discardBody(response.body);
    const size = response.headers['content-length'];
    // A registry with a damaged blob of another size has to get it again.
    return size === undefined || Number(size) === blob.size;
  } catch (error) {
    if (isAirlockError(error, 'BLOB_UNKNOWN')) return false;
    throw error;
  }
}

/** One scope for all that a push does in a repository, so that one token serves it. */
export function pushScopes(place: Place): string[] {
  return [`repository:${place.repository}:pull,push`];
}

function blobCall(place: Place, blob: Descriptor): Pick<RegistryCall, 'path' | 'repository' | 'wanted' | 'subject'> {
  return {
    path: `/v2/${place.repository}/blobs/${blob.digest}`,
    repository: place.repository,
    wanted: 'blob',
    subject: `blob ${blob.digest} of ${place.registry}/${place.repository}`,
  };
}

async function openBlob(
  place: Place,
  blob: Descriptor,
  offsetBytes: number,
  repeat: boolean,
  options: RemoteOptions,
  run: Run,
): Promise<Readable> {
  const response = await place.session.request(
    {
      ...blobCall(place, blob),
      method: 'GET',
      // A proxy that packs the body would break sizes and ranges.
      headers: { 'accept-encoding': 'identity', ...(offsetBytes > 0 ? { range: `bytes=${offsetBytes}-` } : {}) },
      expect: offsetBytes > 0 ? [200, 206, 416] : [200],
      repeat,
      pour: true,
    },
    run,
  );
  const fail = (code: string, why: string): AirlockError => {
    discardBody(response.body);
    return new AirlockError(code, `blob ${blob.digest} of ${place.registry}/${place.repository}: ${why}`, {
      ...(options.side ? { side: options.side } : {}),
    });
  };
  if (offsetBytes > 0 && response.status !== 206)
    throw fail(
      'RANGE_IGNORED',
      `the server ignores "Range: bytes=${offsetBytes}-" and answers with status ${response.status}`,
    );
  const range = response.headers['content-range'];
  if (offsetBytes > 0 && !startsAt(range, offsetBytes, blob.size))
    throw fail('RANGE_IGNORED', `asked from byte ${offsetBytes} of ${blob.size}, got "${range ?? 'no Content-Range'}"`);
  const length = response.headers['content-length'];
  if (length !== undefined && Number(length) !== blob.size - offsetBytes)
    throw fail('SIZE_MISMATCH', `${Number(length) + offsetBytes} bytes at the server, ${blob.size} in the manifest`);
  return response.body;
}

/** Whether a Content-Range begins at the byte asked for, of a whole of the right size (or unknown). */
function startsAt(contentRange: string | undefined, offsetBytes: number, sizeBytes: number): boolean {
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(contentRange?.trim() ?? '');
  if (!match) return false;
  return Number(match[1]) === offsetBytes && (match[3] === '*' || Number(match[3]) === sizeBytes);
}
