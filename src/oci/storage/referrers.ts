import { isAirlockError } from '../../core/errors.ts';
import { mapLimited } from '../../core/limit.ts';
import type { Run } from '../../core/run.ts';
import type { Descriptor } from '../descriptor.ts';
import type { Digest } from '../digest.ts';
import { type Manifest, manifestLimitBytes, parseManifest } from '../manifest.ts';
import type { ContentStore } from './content-store.ts';
import { readSlice } from './slice.ts';

/** The bytes of a manifest, whatever repository it belongs to; undefined when they are not there or are longer than a manifest can be. */
export async function findManifestBytes(store: ContentStore, digest: Digest, run: Run): Promise<Buffer | undefined> {
  const there = await store.findBlob(digest, run);
  if (!there || there.sizeBytes > manifestLimitBytes) return undefined;
  try {
    const handle = await store.openBlob(digest, run);
    const chunks: Buffer[] = [];
    for await (const chunk of readSlice(handle, 0, handle.sizeBytes)) chunks.push(chunk);
    return Buffer.concat(chunks);
  } catch (error) {
    // Deleted between the two calls.
    if (isAirlockError(error, 'BLOB_UNKNOWN')) return undefined;
    throw error;
  }
}

interface Known {
  readonly subject: Digest;
  readonly descriptor: Descriptor;
}

/**
 * Who refers to what, found by reading the revisions of a repository. A manifest never changes under its digest, so each is read once;
 * which of them the repository has is asked every time, and content that another process adds or deletes is seen at once.
 */
export class ReferrersIndex {
  readonly #store: ContentStore;
  readonly #known = new Map<Digest, Known | undefined>();

  constructor(store: ContentStore) {
    this.#store = store;
  }

  /** Descriptors of the manifests in the repository whose subject is `subject`, with artifactType and annotations; sorted by digest. */
  async list(repository: string, subject: Digest, run: Run): Promise<Descriptor[]> {
    const revisions = await this.#store.listRevisions(repository, run);
    const known = await mapLimited(revisions, 8, (digest) => this.#look(digest, run));
    return known.flatMap((one) => (one?.subject === subject ? [one.descriptor] : []));
  }

  async #look(digest: Digest, run: Run): Promise<Known | undefined> {
    if (this.#known.has(digest)) return this.#known.get(digest);
    const bytes = await findManifestBytes(this.#store, digest, run);
    if (!bytes) return undefined;
    const known = toKnown(digest, bytes);
    this.#known.set(digest, known);
    return known;
  }
}

function toKnown(digest: Digest, bytes: Buffer): Known | undefined {
  let manifest: Manifest;
  try {
    manifest = parseManifest(bytes);
  } catch {
    return undefined;
  }
  if (!manifest.subject) return undefined;
  return { subject: manifest.subject.digest, descriptor: referrerDescriptor(manifest, digest, bytes.length) };
}

/**
 * How a manifest stands in a referrers list. An image without artifactType is listed by its config's type.
 * @see OCI distribution-spec v1.1, "Listing Referrers"
 */
export function referrerDescriptor(manifest: Manifest, digest: Digest, sizeBytes: number): Descriptor {
  const artifactType = manifest.artifactType ?? (manifest.kind === 'image' ? manifest.config.mediaType : undefined);
  return {
    mediaType: manifest.mediaType,
    digest,
    size: sizeBytes,
    ...(artifactType ? { artifactType } : {}),
    ...(Object.keys(manifest.annotations).length > 0 ? { annotations: manifest.annotations } : {}),
  };
}
