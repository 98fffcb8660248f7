import { AirlockError, errorText } from '../core/errors.ts';
import { assertRunning, type Run } from '../core/run.ts';
import {
  childManifests,
  type Digest,
  digestAlgorithm,
  digestOf,
  findManifestBytes,
  type Manifest,
  manifestBlobs,
  parseManifest,
  type Storage,
} from '../oci/index.ts';

export interface CollectionOptions {
  /**
   * Manifests that no tag leads to go too, unless they are a child or a referrer of one that stays, or in `keep`. Default false: then only
   * what no manifest names goes.
   */
  readonly untagged?: boolean;
  /** Manifests that stay whether tagged or not, in whatever repository: what clusters still run. */
  readonly keep?: ReadonlySet<Digest>;
  /** Blobs and links written in this time stay: a push puts blobs before the manifest that names them. Default one hour. */
  readonly graceMs?: number;
}

/** A link from a repository to a manifest or a blob. */
export interface RepositoryLink {
  readonly repository: string;
  readonly digest: Digest;
}

/** What a collection would remove; `freedBytes` counts blobs, whose bytes are each there once. */
export interface CollectionPlan {
  readonly manifests: readonly RepositoryLink[];
  readonly layers: readonly RepositoryLink[];
  readonly blobs: readonly { readonly digest: Digest; readonly sizeBytes: number }[];
  readonly freedBytes: number;
  readonly keptBytes: number;
}

/**
 * Marks what the repositories of a storage need, and lists the rest. Changes nothing. Right for children of indexes, blobs shared between
 * repositories, and referrers. The registry has to be read-only or stopped until the plan was carried out.
 * @throws AirlockError STORAGE_DAMAGED when a manifest cannot be read: what it needs is not known then
 */
export async function planCollection(storage: Storage, options: CollectionOptions, run: Run): Promise<CollectionPlan> {
  const marked = new Set<Digest>();
  const manifests: RepositoryLink[] = [];
  const layers: RepositoryLink[] = [];
  const before = run.now().getTime() - (options.graceMs ?? 3_600_000);
  for (const repository of await storage.listRepositories(run)) {
    const live = await markRepository(storage, repository, options, run);
    for (const digest of live.manifests) marked.add(digest);
    for (const digest of live.blobs) marked.add(digest);
    for (const digest of live.dropped) manifests.push({ repository, digest });
    for (const digest of await storage.listLayers(repository, run)) {
      if (live.blobs.has(digest)) continue;
      const written = await storage.layerLinkedAt(repository, digest, run);
      if (written && written.getTime() > before) marked.add(digest);
      else layers.push({ repository, digest });
    }
  }
  const blobs: { digest: Digest; sizeBytes: number }[] = [];
  let keptBytes = 0;
  for await (const { digest, sizeBytes, writtenAt } of storage.walkBlobs(run)) {
    if (marked.has(digest) || writtenAt.getTime() > before) keptBytes += sizeBytes;
    else blobs.push({ digest, sizeBytes });
  }
  const freedBytes = blobs.reduce((sum, blob) => sum + blob.sizeBytes, 0);
  return { manifests, layers, blobs, freedBytes, keptBytes };
}

/**
 * Carries a plan out, as far as it still holds: a person may have looked at it for an hour, and what was pushed, tagged or mounted
 * meanwhile stays. Links go first, bytes last, so that one that is broken off is finished by planning and collecting again. Returns what
 * was removed.
 * @throws AirlockError STORAGE_DAMAGED, FILE_UNWRITABLE, CANCELLED
 */
export async function collectGarbage(
  storage: Storage,
  agreed: CollectionPlan,
  options: CollectionOptions,
  run: Run,
): Promise<CollectionPlan> {
  const plan = intersect(agreed, await planCollection(storage, options, run));
  for (const { repository, digest } of plan.manifests) {
    assertRunning(run);
    await storage.deleteManifest(repository, digest, run);
  }
  for (const { repository, digest } of plan.layers) {
    assertRunning(run);
    await storage.unlinkLayer(repository, digest, run);
  }
  for (const { digest, sizeBytes } of plan.blobs) {
    assertRunning(run);
    await storage.removeBlob(digest, run);
    run.report({ stage: 'prune', subject: digest, state: 'finished', doneBytes: sizeBytes, totalBytes: sizeBytes });
  }
  return plan;
}

function intersect(agreed: CollectionPlan, now: CollectionPlan): CollectionPlan {
  const linkKey = ({ repository, digest }: RepositoryLink): string => `${repository}@${digest}`;
  const [manifests, layers] = [new Set(agreed.manifests.map(linkKey)), new Set(agreed.layers.map(linkKey))];
  const blobs = new Set(agreed.blobs.map(({ digest }) => digest));
  const kept = now.blobs.filter(({ digest }) => blobs.has(digest));
  const freedBytes = kept.reduce((sum, blob) => sum + blob.sizeBytes, 0);
  return {
    manifests: now.manifests.filter((link) => manifests.has(linkKey(link))),
    layers: now.layers.filter((link) => layers.has(linkKey(link))),
    blobs: kept,
    freedBytes,
    keptBytes: now.keptBytes + now.freedBytes - freedBytes,
  };
}

interface LiveContent {
  readonly manifests: ReadonlySet<Digest>;
  /** Configs and layers of those manifests. */
  readonly blobs: ReadonlySet<Digest>;
  readonly dropped: readonly Digest[];
}

async function markRepository(
  storage: Storage,
  repository: string,
  options: CollectionOptions,
  run: Run,
): Promise<LiveContent> {
  const revisions = new Map<Digest, Manifest | undefined>();
  for (const digest of await storage.listRevisions(repository, run)) {
    assertRunning(run);
    revisions.set(digest, await readManifest(storage, repository, digest, run));
  }
  const live = new Set<Digest>();
  const blobs = new Set<Digest>();
  const mark = (digest: Digest): void => {
    if (live.has(digest) || !revisions.has(digest)) return;
    live.add(digest);
    const manifest = revisions.get(digest);
    if (!manifest) return;
    for (const child of childManifests(manifest)) mark(child.digest);
    for (const blob of manifestBlobs(manifest)) blobs.add(blob.digest);
  };
  for (const root of await roots(storage, repository, [...revisions.keys()], options, run)) mark(root);
  // A referrer lives as long as its subject; one of them may itself be a subject.
  for (let before = -1; before !== live.size; ) {
    before = live.size;
    for (const [digest, manifest] of revisions)
      if (manifest?.subject && live.has(manifest.subject.digest)) mark(digest);
  }
  return { manifests: live, blobs, dropped: [...revisions.keys()].filter((digest) => !live.has(digest)) };
}

async function roots(
  storage: Storage,
  repository: string,
  revisions: readonly Digest[],
  options: CollectionOptions,
  run: Run,
): Promise<readonly Digest[]> {
  if (!options.untagged) return revisions;
  const tagged: Digest[] = [];
  for (const tag of await storage.listTags(repository, run)) {
    const digest = await storage.findTag(repository, tag, run);
    if (digest) tagged.push(digest);
  }
  return [...tagged, ...revisions.filter((digest) => options.keep?.has(digest))];
}

/** The manifest; undefined when its bytes are gone, since nothing is served by it any more. */
async function readManifest(
  storage: Storage,
  repository: string,
  digest: Digest,
  run: Run,
): Promise<Manifest | undefined> {
  const bytes = await findManifestBytes(storage, digest, run);
  if (!bytes) return undefined;
  const damaged = (why: string, cause?: unknown): AirlockError =>
    new AirlockError('STORAGE_DAMAGED', `manifest ${digest} of ${repository} cannot be read: ${why}`, {
      hint: 'load it again, or delete it, before collecting garbage: what it needs is not known',
      cause,
    });
  if (digestOf(bytes, digestAlgorithm(digest)) !== digest) throw damaged('its bytes have another digest');
  try {
    return parseManifest(bytes);
  } catch (error) {
    throw damaged(errorText(error), error);
  }
}
