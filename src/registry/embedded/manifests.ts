import { isAirlockError } from '../../core/errors.ts';
import {
  type Digest,
  digestAlgorithm,
  digestOf,
  findManifestBytes,
  isTag,
  type Manifest,
  manifestLimitBytes,
  parseManifest,
} from '../../oci/index.ts';
import { matches } from './blobs.ts';
import { requireWriter, type ServerContext } from './context.ts';
import { assertComplete } from './manifest-rules.ts';
import { type Exchange, Refusal, readBody, send } from './respond.ts';

/** A manifest's name in a path: exactly one of the two. */
export interface ManifestName {
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

/** GET and HEAD of a manifest by tag or digest. @see OCI distribution-spec v1.1, "Pulling manifests" */
export async function getManifest(context: ServerContext, exchange: Exchange, name: ManifestName): Promise<void> {
  const digest = await findDigest(context, name);
  const bytes = digest && (await findManifestBytes(context.store, digest, context.run));
  if (!digest || !bytes) {
    const known = await context.store.hasRepository(name.repository, context.run);
    const code = known ? 'MANIFEST_UNKNOWN' : 'NAME_UNKNOWN';
    throw new Refusal(code, `${name.repository} does not have manifest ${name.digest ?? name.tag}`);
  }
  const headers = {
    'content-type': mediaTypeOf(bytes),
    'docker-content-digest': digest,
    etag: `"${digest}"`,
    // A tag may mean something else a moment later; a digest never does.
    'cache-control': name.digest ? 'max-age=31536000, immutable' : 'no-cache',
  };
  if (matches(exchange.request.headers['if-none-match'], digest)) return send(exchange, 304, headers);
  send(exchange, 200, headers, bytes);
}

/** PUT of a manifest under a tag or its digest. @see OCI distribution-spec v1.1, "Pushing Manifests" */
export async function putManifest(context: ServerContext, exchange: Exchange, name: ManifestName): Promise<void> {
  const writer = requireWriter(context);
  const bytes = await readManifest(exchange);
  const manifest = decode(bytes, exchange.request.headers['content-type']);
  const digest = digestOf(bytes, name.digest ? digestAlgorithm(name.digest) : 'sha256');
  if (name.digest && digest !== name.digest)
    throw new Refusal('DIGEST_INVALID', `digest of ${name.digest} does not match: got ${digest}`);
  const tags = parseTags(name.tag === undefined ? exchange.query.getAll('tag') : [name.tag]);
  await context.locks.hold(name.repository, async () => {
    await assertComplete(context, name.repository, manifest);
    await writer.putManifest(name.repository, { digest, bytes, tags }, context.run);
  });
  if (name.digest) for (const tag of tags) exchange.response.appendHeader('oci-tag', tag);
  send(exchange, 201, {
    location: `/v2/${name.repository}/manifests/${name.digest ?? name.tag ?? digest}`,
    'docker-content-digest': digest,
    ...(manifest.subject ? { 'oci-subject': manifest.subject.digest } : {}),
  });
}

/** DELETE by digest (with every tag that means it) or by tag (the manifest stays). */
export async function deleteManifest(context: ServerContext, exchange: Exchange, name: ManifestName): Promise<void> {
  const writer = requireWriter(context);
  const gone = await context.locks.hold(name.repository, async () => {
    if (name.digest) return writer.deleteManifest(name.repository, name.digest, context.run);
    return name.tag !== undefined && isTag(name.tag) && writer.deleteTag(name.repository, name.tag, context.run);
  });
  if (!gone)
    throw new Refusal('MANIFEST_UNKNOWN', `${name.repository} does not have manifest ${name.digest ?? name.tag}`);
  send(exchange, 202);
}

async function findDigest({ store, run }: ServerContext, name: ManifestName): Promise<Digest | undefined> {
  if (name.digest) return (await store.hasRevision(name.repository, name.digest, run)) ? name.digest : undefined;
  // No content can have a tag of another form: asking for it is answered like for any tag that is not there.
  return name.tag && isTag(name.tag) ? store.findTag(name.repository, name.tag, run) : undefined;
}

function decode(bytes: Buffer, contentType: string | undefined): Manifest {
  const declared = contentType?.split(';')[0]?.trim();
  try {
    const manifest = parseManifest(bytes, declared);
    if (declared === undefined || declared === '' || declared === manifest.mediaType) return manifest;
    throw new Refusal('MANIFEST_INVALID', `Content-Type ${declared} is not the manifest's type ${manifest.mediaType}`);
  } catch (error) {
    if (isAirlockError(error, 'MANIFEST_INVALID')) throw new Refusal('MANIFEST_INVALID', error.message);
    throw error;
  }
}

function mediaTypeOf(bytes: Buffer): string {
  try {
    return parseManifest(bytes).mediaType;
  } catch {
    // A damaged or schema 1 manifest is handed out as it is; its digest tells the client.
    return 'application/octet-stream';
  }
}

async function readManifest({ request }: Exchange): Promise<Buffer> {
  const tooLarge = (): Refusal =>
    new Refusal('MANIFEST_INVALID', `a manifest has at most ${manifestLimitBytes} bytes`, { status: 413 });
  if (Number(request.headers['content-length'] ?? 0) > manifestLimitBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of readBody(request)) {
    sizeBytes += chunk.length;
    if (sizeBytes > manifestLimitBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parseTags(tags: readonly string[]): readonly string[] {
  for (const tag of tags) if (!isTag(tag)) throw new Refusal('MANIFEST_INVALID', `"${tag}" is not a tag`);
  return [...new Set(tags)];
}
