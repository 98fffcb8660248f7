import type { Run } from '../core/run.ts';
import { type Digest, digestHex, type Manifest, parseManifest } from '../oci/index.ts';
import type { ImageType, SelectedImage, TargetName } from '../plan/index.ts';
import type { Bundle } from './bundle.ts';
import type { IndexedBlob } from './format.ts';

/** What the link tree of a foreign archive says of one repository. */
export interface FoundRepository {
  readonly tags: Map<string, { readonly digest: Digest; readonly mtime: Date | undefined }>;
  readonly revisions: Set<Digest>;
  readonly layers: Set<Digest>;
}

/** What the manifests of a foreign archive say about its images and blobs. */
export interface ForeignImages {
  readonly images: readonly SelectedImage[];
  readonly kinds: ReadonlyMap<Digest, IndexedBlob['kind']>;
  readonly mediaTypes: ReadonlyMap<Digest, string>;
  readonly origins: ReadonlyMap<Digest, string>;
}

/**
 * The images of a foreign archive: one per tag. A tag of 32 hex digits is a catalog that oc-mirror rebuilt: it goes to the target under the
 * name of its original (which `working-dir/operator-catalogs/<name>/<digest of the original>/filtered-catalogs/<tag>/` tells), and the
 * original itself stays behind, as oc-mirror does it.
 */
export async function listForeignImages(
  bundle: Bundle,
  repositories: ReadonlyMap<string, FoundRepository>,
  readManifest: (digest: Digest) => Promise<Buffer | undefined>,
  run: Run,
): Promise<ForeignImages> {
  const facts = {
    kinds: new Map<Digest, IndexedBlob['kind']>(),
    mediaTypes: new Map<Digest, string>(),
    origins: new Map<Digest, string>(),
  };
  const rebuilt = findRebuilt(bundle);
  const images: SelectedImage[] = [];
  for (const [repository, content] of repositories) {
    const names = targetNames(repository, content, rebuilt);
    for (const [tag, { digest }] of content.tags) {
      if (run.signal.aborted) throw run.signal.reason;
      const origin = `${repository}:${tag}`;
      const manifest = await describe(digest, origin, readManifest, facts);
      const absent =
        manifest?.kind === 'index' ? manifest.manifests.filter((child) => !content.revisions.has(child.digest)) : [];
      images.push({
        type: typeOf(repository, tag, rebuilt, digest),
        origin,
        source: '',
        repository,
        tag,
        targets: names.get(tag) ?? [],
        digest,
        mediaType: manifest?.mediaType ?? '',
        absent: absent.map((child) => child.digest),
        signature: content.tags.has(`sha256-${digestHex(digest)}.sig`) ? 'signed' : 'not-checked',
        reason: 'oc-mirror archive',
      });
    }
  }
  return { ...facts, images };
}

interface Facts {
  readonly kinds: Map<Digest, IndexedBlob['kind']>;
  readonly mediaTypes: Map<Digest, string>;
  readonly origins: Map<Digest, string>;
}

/** Reads a manifest and its children, and notes what they say about their blobs. */
async function describe(
  digest: Digest,
  origin: string,
  readManifest: (digest: Digest) => Promise<Buffer | undefined>,
  facts: Facts,
): Promise<Manifest | undefined> {
  const bytes = await readManifest(digest);
  if (!bytes) return undefined;
  let manifest: Manifest;
  try {
    manifest = parseManifest(bytes);
  } catch {
    return undefined;
  }
  const first = !facts.origins.has(digest);
  if (first) {
    facts.mediaTypes.set(digest, manifest.mediaType);
    facts.origins.set(digest, origin);
  }
  if (manifest.kind === 'image') {
    note(facts, manifest.config.digest, 'config', manifest.config.mediaType, origin);
    for (const layer of manifest.layers) note(facts, layer.digest, 'layer', layer.mediaType, origin);
  } else if (first) {
    // Once per index: an index that names itself or another in a circle must not run for ever.
    for (const child of manifest.manifests) await describe(child.digest, origin, readManifest, facts);
  }
  return manifest;
}

function note(facts: Facts, digest: Digest, kind: IndexedBlob['kind'], mediaType: string, origin: string): void {
  if (facts.origins.has(digest)) return;
  facts.kinds.set(digest, kind);
  facts.mediaTypes.set(digest, mediaType);
  facts.origins.set(digest, origin);
}

/** Filter hash → hex digest of the original catalog. */
function findRebuilt(bundle: Bundle): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const file of bundle.index.files) {
    const match =
      /^working-dir\/operator-catalogs\/[^/]+\/([0-9a-f]{64})\/filtered-catalogs\/([0-9a-f]{32})\/digest$/.exec(
        file.path,
      );
    if (match?.[1] && match[2]) found.set(match[2], (found.get(match[2]) ?? new Set()).add(match[1]));
  }
  return found;
}

/** Names at the target of each tag of a repository. */
function targetNames(
  repository: string,
  content: FoundRepository,
  rebuilt: ReadonlyMap<string, ReadonlySet<string>>,
): Map<string, TargetName[]> {
  const names = new Map<string, TargetName[]>();
  for (const tag of content.tags.keys()) names.set(tag, [{ repository, tag }]);
  const newest = new Map<string, { readonly hash: string; readonly time: number }>();
  for (const [hash, { mtime }] of content.tags) {
    const originals = rebuilt.get(hash);
    if (!originals) continue;
    names.set(hash, []);
    for (const [tag, { digest }] of content.tags) {
      if (!originals.has(digestHex(digest))) continue;
      names.set(tag, []);
      // Archives of a growing configuration hold every filter result so far; the one that was tagged last is the current one.
      const time = mtime?.getTime() ?? 0;
      if ((newest.get(tag)?.time ?? -1) <= time) newest.set(tag, { hash, time });
    }
  }
  for (const [tag, { hash }] of newest) {
    const digest = content.tags.get(hash)?.digest;
    const target = /^sha256-[0-9a-f]{64}$/.test(tag) && digest ? `sha256-${digestHex(digest)}` : tag;
    names.set(hash, [...(names.get(hash) ?? []), { repository, tag: target }]);
  }
  return names;
}

function typeOf(
  repository: string,
  tag: string,
  rebuilt: ReadonlyMap<string, ReadonlySet<string>>,
  digest: Digest,
): ImageType {
  if (repository === 'openshift/release-images') return 'ocpRelease';
  if (repository === 'openshift/release') return 'ocpReleaseContent';
  if (repository === 'openshift/graph-image') return 'cincinnatiGraph';
  const original = [...rebuilt.values()].some((hexes) => hexes.has(digestHex(digest)));
  return rebuilt.has(tag) || original ? 'operatorCatalog' : 'generic';
}
