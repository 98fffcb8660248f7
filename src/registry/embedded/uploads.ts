import { isAirlockError } from '../../core/errors.ts';
import { type Digest, type DigestAlgorithm, digestAlgorithm, isRepository } from '../../oci/index.ts';
import { requireWriter, type ServerContext } from './context.ts';
import { type Exchange, Refusal, send } from './respond.ts';
import { parseAnyDigest } from './routes.ts';
import { assertInOrder, progressHeaders, receive } from './upload-body.ts';
import type { UploadSession } from './upload-sessions.ts';

/**
 * POST /v2/<name>/blobs/uploads/: mounts, takes a whole blob, or starts a session.
 * @see OCI distribution-spec v1.1, "Pushing blobs"
 */
export async function startUpload(context: ServerContext, exchange: Exchange, repository: string): Promise<void> {
  const writer = requireWriter(context);
  const { query } = exchange;
  const mount = query.get('mount');
  if (mount !== null && (await tryMount(context, repository, parseAnyDigest(mount), query.get('from')))) {
    return sendCreated(exchange, repository, parseAnyDigest(mount));
  }
  const digestText = query.get('digest');
  const digest = digestText === null || mount !== null ? undefined : parseAnyDigest(digestText);
  const algorithm = digest ? digestAlgorithm(digest) : parseAlgorithm(query.get('digest-algorithm'));
  const session = await context.uploads.start(repository, writer, algorithm, context.run);
  if (digest === undefined) return sendProgress(exchange, session, 202);
  await context.uploads.hold(session, async () => {
    try {
      await receive(exchange, session);
      await finish(context, exchange, session, digest);
    } finally {
      await context.uploads.end(session);
    }
  });
}

/** GET /v2/<name>/blobs/uploads/<id>: how far the upload is. */
export async function showUpload(
  context: ServerContext,
  exchange: Exchange,
  repository: string,
  id: string,
): Promise<void> {
  const writer = context.readOnly ? undefined : context.store.writer;
  sendProgress(exchange, await context.uploads.find(repository, id, writer, context.run), 204);
}

/** PATCH: the next chunk, in order, or a stream without Content-Range. */
export async function appendUpload(
  context: ServerContext,
  exchange: Exchange,
  repository: string,
  id: string,
): Promise<void> {
  const session = await context.uploads.find(repository, id, requireWriter(context), context.run);
  await context.uploads.hold(session, async () => {
    assertInOrder(exchange, session);
    await receive(exchange, session);
  });
  sendProgress(exchange, session, 202);
}

/** PUT ?digest=: the last chunk, if any, and the end. A wrong digest ends the session too: its bytes are worth nothing. */
export async function finishUpload(
  context: ServerContext,
  exchange: Exchange,
  repository: string,
  id: string,
): Promise<void> {
  const session = await context.uploads.find(repository, id, requireWriter(context), context.run);
  const digest = parseAnyDigest(exchange.query.get('digest') ?? '');
  await context.uploads.hold(session, async () => {
    assertInOrder(exchange, session);
    await receive(exchange, session);
    try {
      await finish(context, exchange, session, digest);
    } finally {
      await context.uploads.end(session);
    }
  });
}

/** DELETE: cancels. */
export async function cancelUpload(
  context: ServerContext,
  exchange: Exchange,
  repository: string,
  id: string,
): Promise<void> {
  const session = await context.uploads.find(repository, id, requireWriter(context), context.run);
  await context.uploads.hold(session, () => context.uploads.end(session));
  send(exchange, 204);
}

/**
 * Links the blob to the repository if it may be taken from `from`, or, where no `from` is named, from anywhere: whoever may push here may
 * read every repository.
 */
async function tryMount(
  context: ServerContext,
  repository: string,
  digest: Digest,
  from: string | null,
): Promise<boolean> {
  const { store, run } = context;
  if (from !== null && !(isRepository(from) && (await store.hasLayer(from, digest, run)))) return false;
  if ((await store.findBlob(digest, run)) === undefined) return false;
  await link(context, repository, digest);
  return true;
}

async function finish(
  context: ServerContext,
  exchange: Exchange,
  session: UploadSession,
  digest: Digest,
): Promise<void> {
  try {
    await session.upload.commit(digest);
  } catch (error) {
    if (isAirlockError(error, 'DIGEST_MISMATCH')) throw new Refusal('DIGEST_INVALID', error.message);
    throw error;
  }
  await link(context, session.repository, digest);
  sendCreated(exchange, session.repository, digest);
}

function link(context: ServerContext, repository: string, digest: Digest): Promise<void> {
  const writer = requireWriter(context);
  return context.locks.hold(repository, () => writer.linkLayer(repository, digest, context.run));
}

function parseAlgorithm(text: string | null): DigestAlgorithm {
  if (text === null || text === 'sha256' || text === 'sha512') return text ?? 'sha256';
  throw new Refusal('DIGEST_INVALID', `digests of algorithm "${text}" are not taken`);
}

function sendProgress(exchange: Exchange, session: UploadSession, status: 202 | 204): void {
  send(exchange, status, progressHeaders(session));
}

function sendCreated(exchange: Exchange, repository: string, digest: Digest): void {
  send(exchange, 201, { location: `/v2/${repository}/blobs/${digest}`, 'docker-content-digest': digest });
}
