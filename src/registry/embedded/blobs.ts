import { isAirlockError } from '../../core/errors.ts';
import type { BlobHandle, Digest } from '../../oci/index.ts';
import { requireWriter, type ServerContext } from './context.ts';
import { type Exchange, Refusal, send } from './respond.ts';
import { parseRange, sendSlice } from './send-blob.ts';

/**
 * GET and HEAD of a blob, with ranges and conditions. Content never changes under its digest: the digest is the ETag.
 * @see OCI distribution-spec v1.1, "Pulling blobs"
 */
export async function getBlob(
  context: ServerContext,
  exchange: Exchange,
  repository: string,
  digest: Digest,
): Promise<void> {
  const handle = await openBlob(context, repository, digest);
  try {
    await answer(context, exchange, handle, digest);
  } finally {
    await handle.close();
  }
}

/** DELETE of a blob: the repository loses it; its bytes stay until garbage collection. */
export async function deleteBlob(
  context: ServerContext,
  exchange: Exchange,
  repository: string,
  digest: Digest,
): Promise<void> {
  const writer = requireWriter(context);
  const gone = await context.locks.hold(repository, () => writer.unlinkLayer(repository, digest, context.run));
  if (!gone) throw unknownBlob(repository, digest);
  send(exchange, 202);
}

async function answer(context: ServerContext, exchange: Exchange, handle: BlobHandle, digest: Digest): Promise<void> {
  const { request, response, method } = exchange;
  const headers = {
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
    'accept-ranges': 'bytes',
    etag: `"${digest}"`,
    'cache-control': 'max-age=31536000, immutable',
  };
  if (matches(request.headers['if-none-match'], digest)) return send(exchange, 304, headers);
  const conditional = request.headers['if-range'];
  const asked = conditional === undefined || conditional === `"${digest}"` ? request.headers.range : undefined;
  const range = parseRange(asked, handle.sizeBytes);
  if (range === 'unsatisfiable') {
    throw new Refusal('SIZE_INVALID', 'the range lies outside of the blob', {
      status: 416,
      headers: { 'content-range': `bytes */${handle.sizeBytes}` },
    });
  }
  const { start, end } = range === 'whole' ? { start: 0, end: handle.sizeBytes - 1 } : range;
  const partial = range === 'whole' ? {} : { 'content-range': `bytes ${start}-${end}/${handle.sizeBytes}` };
  const status = range === 'whole' ? 200 : 206;
  if (method === 'HEAD' || end < start)
    return send(exchange, status, { ...headers, ...partial, 'content-length': end - start + 1 });
  response.writeHead(status, { ...headers, ...partial, 'content-length': end - start + 1 });
  const { transfers, zeroCopy } = context;
  await transfers.hold((bufferBytes) => sendSlice(exchange, handle, { start, end }, { bufferBytes, zeroCopy }));
}

async function openBlob({ store, run }: ServerContext, repository: string, digest: Digest): Promise<BlobHandle> {
  // Manifests are blobs of their repository too: distribution serves them here, and containers/image has asked for them so.
  const belongs = (await store.hasLayer(repository, digest, run)) || (await store.hasRevision(repository, digest, run));
  if (!belongs) throw unknownBlob(repository, digest);
  try {
    return await store.openBlob(digest, run);
  } catch (error) {
    if (isAirlockError(error, 'BLOB_UNKNOWN')) throw unknownBlob(repository, digest);
    throw error;
  }
}

function unknownBlob(repository: string, digest: Digest): Refusal {
  return new Refusal('BLOB_UNKNOWN', `${repository} does not have blob ${digest}`);
}

/** Whether an If-None-Match header names the digest as an entity tag, weak or strong. */
export function matches(header: string | undefined, digest: Digest): boolean {
  if (header === undefined) return false;
  return header.split(',').some((tag) => ['*', `"${digest}"`].includes(tag.trim().replace(/^W\//, '')));
}
