import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { AirlockError } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import type { Descriptor } from '../descriptor.ts';
import { type Digest, digestAlgorithm, digestHex, digestOf } from '../digest.ts';
import { parseManifest } from '../manifest.ts';
import { formatReference, type Reference } from '../reference.ts';
import type { FetchedManifest, Source } from '../source.ts';
import type { BlobHandle, ContentStore } from './content-store.ts';
import { findManifestBytes, ReferrersIndex } from './referrers.ts';
import { readSlice } from './slice.ts';

/** Reads a store as if it were a registry. The registry part of references is not looked at. */
export function storageSource(store: ContentStore): Source {
  const referrers = new ReferrersIndex(store);
  const fetchManifest: Source['fetchManifest'] = (reference, run) => readManifest(store, reference, run);
  return {
    fetchManifest,
    async resolve(reference, run) {
      const { bytes, mediaType, digest } = await fetchManifest(reference, run);
      return { mediaType, digest, size: bytes.length };
    },
    async fetchBlob(_repository, blob, offsetBytes, run) {
      const handle = await store.openBlob(blob.digest, run);
      return Readable.from(checkedBlob(handle, blob, offsetBytes), { objectMode: false, highWaterMark: 1 << 20 });
    },
    async listTags({ repository }, run) {
      if (await store.hasRepository(repository, run)) return store.listTags(repository, run);
      throw new AirlockError('REPOSITORY_UNKNOWN', `the storage does not have repository ${repository}`);
    },
    listReferrers: ({ repository }, digest, run) => referrers.list(repository, digest, run),
  };
}

async function readManifest(store: ContentStore, reference: Reference, run: Run): Promise<FetchedManifest> {
  const digest = await findDigest(store, reference, run);
  const bytes = digest && (await findManifestBytes(store, digest, run));
  if (!digest || !bytes) {
    throw new AirlockError('MANIFEST_UNKNOWN', `the storage does not have ${formatReference(reference)}`);
  }
  const got = digestOf(bytes, digestAlgorithm(digest));
  if (got !== digest)
    throw new AirlockError('DIGEST_MISMATCH', `manifest ${digest} in the storage is damaged: its bytes are ${got}`);
  return { bytes, digest, mediaType: parseManifest(bytes).mediaType };
}

async function findDigest(store: ContentStore, reference: Reference, run: Run): Promise<Digest | undefined> {
  const { repository, digest, tag } = reference;
  if (digest) return (await store.hasRevision(repository, digest, run)) ? digest : undefined;
  return tag === undefined ? undefined : store.findTag(repository, tag, run);
}

async function* checkedBlob(handle: BlobHandle, blob: Descriptor, offsetBytes: number): AsyncGenerator<Buffer> {
  // Checked before the first byte: a stream that is longer than its descriptor must not be handed on either.
  if (handle.sizeBytes !== blob.size) {
    await handle.close();
    throw new AirlockError('SIZE_MISMATCH', `blob ${blob.digest} has ${handle.sizeBytes} bytes, not ${blob.size}`);
  }
  const hash = createHash(digestAlgorithm(blob.digest));
  let position = offsetBytes;
  for await (const chunk of readSlice(handle, offsetBytes, blob.size)) {
    position += chunk.length;
    hash.update(chunk);
    if (position === blob.size && offsetBytes === 0) assertHash(hash.digest('hex'), blob.digest);
    yield chunk;
  }
  if (position < blob.size)
    throw new AirlockError('SIZE_MISMATCH', `blob ${blob.digest} ended after ${position} bytes`);
}

function assertHash(hex: string, digest: Digest): void {
  if (hex !== digestHex(digest))
    throw new AirlockError('DIGEST_MISMATCH', `digest of ${digest} does not match: got ${hex}`);
}
