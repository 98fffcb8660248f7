import path from 'node:path';
import { errorText, isAirlockError } from '../core/errors.ts';
import { readFileLimited, writeFileAtomic } from '../core/files.ts';
import { mapLimited } from '../core/limit.ts';
import { assertRunning, type Run } from '../core/run.ts';
import { type Digest, openStorage, readSlice, type Storage } from '../oci/index.ts';
import type { RegistryFolders } from './settings.ts';

/** What a copy of a storage did. A copy with something in `missing` or `damaged` is not whole; the rest of it is right. */
export interface StorageCopy {
  readonly copiedBlobs: number;
  readonly copiedBytes: number;
  /** Blobs that were there already, by digest and size. */
  readonly keptBlobs: number;
  readonly repositories: number;
  /** Blobs that repositories link to but the storage does not have; their links are left out. */
  readonly missing: readonly Digest[];
  /** Blobs whose bytes have another digest; not copied, their links are left out. */
  readonly damaged: readonly Digest[];
}

/**
 * Makes `to` hold just what the repositories of `from` hold: missing blobs are copied, each checked against its digest on the way, then
 * links; tags and manifests that `from` no longer has go. Blobs that no repository links to are left out. Repeating it copies only news.
 * @throws AirlockError DISK_FULL, FILE_UNREADABLE, FILE_UNWRITABLE, CANCELLED
 */
export async function copyStorage(from: Storage, to: Storage, run: Run): Promise<StorageCopy> {
  const blobs = new Map<Digest, Promise<BlobCopy>>();
  const bring = async (digests: readonly Digest[]): Promise<Digest[]> => {
    const outcomes = await mapLimited(digests, parallel, (digest) => {
      assertRunning(run);
      const outcome = blobs.get(digest) ?? copyBlob(from, to, digest, run);
      blobs.set(digest, outcome);
      return outcome;
    });
    return digests.filter((_, at) => outcomes[at]?.kind === 'copied' || outcomes[at]?.kind === 'kept');
  };
  const repositories = await from.listRepositories(run);
  await reportTotal(from, repositories, run);
  for (const repository of repositories) {
    const layers = await bring(await from.listLayers(repository, run));
    const revisions = await bring(await from.listRevisions(repository, run));
    await mapLimited(layers, parallel, (digest) => to.linkLayer(repository, digest, run));
    await mapLimited(revisions, parallel, (digest) => to.linkRevision(repository, digest, run));
    const held = new Set(revisions);
    await mapLimited(await from.listTags(repository, run), parallel, async (tag) => {
      const digest = await from.findTag(repository, tag, run);
      if (digest && held.has(digest)) await to.linkTag(repository, tag, digest, run);
    });
  }
  for (const repository of await to.listRepositories(run)) await removeGone(from, to, repository, run);
  const copies = await Promise.all([...blobs].map(async ([digest, copy]) => [digest, await copy] as const));
  return summarise(new Map(copies), repositories.length);
}

/** Says how much there is, each blob once; what is missing counts for nothing. */
async function reportTotal(from: Storage, repositories: readonly string[], run: Run): Promise<void> {
  const digests = new Set<Digest>();
  for (const repository of repositories)
    for (const list of [await from.listLayers(repository, run), await from.listRevisions(repository, run)])
      for (const digest of list) digests.add(digest);
  const found = await mapLimited([...digests], parallel, (digest) => from.findBlob(digest, run));
  const sizes = found.flatMap((blob) => (blob ? [blob.sizeBytes] : []));
  const totalBytes = sizes.reduce((sum, size) => sum + size, 0);
  run.report({
    stage: 'backup',
    state: 'total',
    totalBytes,
    totalItems: sizes.length,
    doneBytes: 0,
    doneItems: 0,
  });
}

/** Files at once: file systems write the journal for several syncs together. */
const parallel = 8;

type BlobCopy =
  | { readonly kind: 'copied'; readonly sizeBytes: number }
  | { readonly kind: 'kept' | 'missing' | 'damaged' };

async function copyBlob(from: Storage, to: Storage, digest: Digest, run: Run): Promise<BlobCopy> {
  const there = await from.findBlob(digest, run);
  if (!there) return { kind: 'missing' };
  const event = { stage: 'backup', subject: digest, totalBytes: there.sizeBytes } as const;
  if ((await to.findBlob(digest, run))?.sizeBytes === there.sizeBytes) {
    run.report({ ...event, state: 'skipped' });
    return { kind: 'kept' };
  }
  const handle = await from.openBlob(digest, run);
  try {
    await to.putBlob(digest, told(readSlice(handle, 0, handle.sizeBytes), event, run), run);
    run.report({ ...event, state: 'finished' });
  } catch (error) {
    run.report({ ...event, state: 'failed', message: errorText(error) });
    if (isAirlockError(error, 'DIGEST_MISMATCH')) return { kind: 'damaged' };
    throw error;
  }
  return { kind: 'copied', sizeBytes: there.sizeBytes };
}

/** The same pieces, each reported when it is taken. */
async function* told(
  pieces: AsyncIterable<Uint8Array>,
  event: { readonly stage: 'backup'; readonly subject: string; readonly totalBytes: number },
  run: Run,
): AsyncGenerator<Uint8Array> {
  let doneBytes = 0;
  for await (const piece of pieces) {
    assertRunning(run);
    doneBytes += piece.length;
    run.report({ ...event, state: 'active', doneBytes });
    yield piece;
  }
}

function summarise(blobs: ReadonlyMap<Digest, BlobCopy>, repositories: number): StorageCopy {
  const of = (kind: BlobCopy['kind']): Digest[] =>
    [...blobs].flatMap(([digest, outcome]) => (outcome.kind === kind ? [digest] : []));
  const copiedBytes = [...blobs.values()].reduce((sum, one) => sum + (one.kind === 'copied' ? one.sizeBytes : 0), 0);
  return {
    copiedBlobs: of('copied').length,
    copiedBytes,
    keptBlobs: of('kept').length,
    repositories,
    missing: of('missing'),
    damaged: of('damaged'),
  };
}

async function removeGone(from: Storage, to: Storage, repository: string, run: Run): Promise<void> {
  for (const tag of await to.listTags(repository, run))
    if (!(await from.findTag(repository, tag, run))) await to.deleteTag(repository, tag, run);
  for (const digest of await to.listRevisions(repository, run))
    if (!(await from.hasRevision(repository, digest, run))) await to.deleteManifest(repository, digest, run);
  for (const digest of await to.listLayers(repository, run))
    if (!(await from.hasLayer(repository, digest, run))) await to.unlinkLayer(repository, digest, run);
}

/**
 * Copies a registry's folders, content and settings, into others: for backup, and with the sides changed for restore. Modes stay, so keys
 * and passwords stay 0600.
 * @throws as `copyStorage`
 */
export async function copyRegistry(from: RegistryFolders, to: RegistryFolders, run: Run): Promise<StorageCopy> {
  for (const part of ['certs', 'auth', 'conf'] as const) {
    for (const entry of await run.disk.list(from[part])) {
      if (entry.kind !== 'file') continue;
      const file = path.join(from[part], entry.name);
      const mode = (await run.disk.stat(file))?.mode ?? 0o600;
      await writeFileAtomic(path.join(to[part], entry.name), await readFileLimited(file, run), run, mode);
    }
  }
  return copyStorage(openStorage(from.data), openStorage(to.data), run);
}
