import type { Run } from '../../core/run.ts';
import {
  childManifests,
  type Digest,
  digestHex,
  type Manifest,
  manifestBlobs,
  parseManifest,
} from '../../oci/index.ts';
import type { CollectedSet, ImageType, SelectedImage } from '../../plan/index.ts';
import { addMissing, addNote } from '../collect/collector.ts';
import { additionalStorageName, imageStorageName, isCosignTag, parseImageName } from '../naming.ts';
import { nameCatalogs } from './catalogs.ts';
import { type ArchiveContent, createDescription, type Description, isCopied, type NamedImage } from './description.ts';
import { nameReleases } from './releases.ts';

/**
 * The same facts that the built-in engine finds out, read back from what the binary left: images with their origins and names, releases,
 * catalogs, boot images. The archive's link tree also names what earlier runs cached; only what this run copied counts.
 * @see reference oc-mirror v2, §5.2, §5.3 (names), §13.1 (reading an archive)
 */
export async function describeArchive(content: ArchiveContent, run: Run): Promise<CollectedSet> {
  const description = createDescription(content);
  const { collector } = description;
  await nameReleases(description, run);
  const operatorImages = await nameCatalogs(description, run);
  nameAdditional(description);
  nameOthers(description, operatorImages);
  nameLeftovers(description, run);
  for (const image of [...description.names.values()]) await addNamed(description, image);
  const { images, manifests, releases, catalogs, files, missing, notes } = collector;
  // A boot image that several releases share is missing once.
  const distinct = new Map(missing.map((one) => [`${one.type} ${one.origin} ${one.cause}`, one]));
  return { images, manifests, releases, catalogs, files, missing: [...distinct.values()], notes };
}

function nameAdditional(description: Description): void {
  const { content, add } = description;
  for (const entry of content.imageSet.mirror.additionalImages) {
    const origin = entry.name.replace(/^docker:\/\//, '');
    if (!isCopied(content, origin)) continue;
    const name = additionalStorageName(parseImageName(entry.name), entry);
    add({ type: 'generic', origin, ...name, targets: [name], reason: 'additional image' });
  }
}

/** Operator and helm images keep their own path and tag. */
function nameOthers(description: Description, operatorImages: ReadonlyMap<string, ImageType>): void {
  const { content, placed, add } = description;
  const { helm, operators } = content.imageSet.mirror;
  const isHelm = helm.repositories.length + helm.local.length > 0;
  const rest: ImageType = isHelm ? 'helmImage' : operators.length > 0 ? 'operatorRelatedImage' : 'generic';
  // Where the output was not understood, the catalogs still tell the origins of theirs.
  for (const origin of content.copied.size > 0 ? content.copied : operatorImages.keys()) {
    if (placed.has(origin) || origin.startsWith('oci:')) continue;
    const name = imageStorageName(parseImageName(origin));
    const isGraph = name.repository === 'openshift/graph-image';
    const type = isGraph ? 'cincinnatiGraph' : (operatorImages.get(origin) ?? rest);
    const reason = isGraph ? 'update graph' : type === 'helmImage' ? 'helm chart' : 'operator';
    add({ type, origin, ...name, targets: [name], reason }, origin);
  }
}

/**
 * What was copied has to be loaded, also when its name was not understood: then every other name whose content is whole goes along, without
 * an origin that mirror sets could be made of.
 */
function nameLeftovers(description: Description, run: Run): void {
  const { content, placed, names, collector } = description;
  const lost = [...content.copied].filter((origin) => !placed.has(origin));
  if (lost.length === 0 && content.copied.size > 0) return;
  for (const origin of lost)
    addNote(
      collector,
      {
        code: 'OC_MIRROR_NAME_UNKNOWN',
        subject: origin,
        message: 'it was copied, but its name in the archive is not known: mirror sets may lack it',
      },
      run,
    );
  for (const { name: repository, tags } of content.repositories) {
    for (const tag of Object.keys(tags)) {
      if (isCosignTag(tag) || names.has(`${repository}:${tag}`)) continue;
      const name = { repository, tag };
      const origin = `${repository}:${tag}`;
      names.set(origin, { type: 'generic', origin, ...name, targets: [name], reason: 'oc-mirror archive' });
    }
  }
}

async function addNamed(description: Description, named: NamedImage): Promise<void> {
  const { content, collector, findDigest } = description;
  const digest = findDigest(named.repository, named.tag);
  if (digest === undefined) return;
  const tree = content.repositories.find((one) => one.name === named.repository);
  const absent: Digest[] = [];
  const root = await gather(description, digest, new Set(tree?.revisions ?? []), absent);
  if (!root) {
    // A leftover may be of an earlier set, whose content went elsewhere.
    if (named.reason !== 'oc-mirror archive')
      addMissing(
        collector,
        { type: named.type, origin: named.origin, digest },
        'OC_MIRROR_ARCHIVE_INCOMPLETE',
        'neither the archive nor the cache holds its manifest',
      );
    return;
  }
  const signed = await addSignatures(description, named, [
    digest,
    ...childManifests(root).map((child) => child.digest),
  ]);
  collector.images.push({
    ...named,
    source: '',
    digest,
    mediaType: root.mediaType,
    absent,
    signature: content.options.removeSignatures ? 'not-checked' : signed ? 'signed' : 'unsigned',
  });
}

/** Reads a manifest and what is below it. undefined: it is nowhere. */
async function gather(
  description: Description,
  digest: Digest,
  revisions: ReadonlySet<Digest>,
  absent: Digest[],
): Promise<Manifest | undefined> {
  const { content, collector } = description;
  const bytes = await content.readBlob(digest);
  if (!bytes) return undefined;
  const manifest = parseManifest(bytes);
  const children = childManifests(manifest);
  if (!collector.manifests.has(digest)) {
    collector.manifests.set(digest, {
      digest,
      mediaType: manifest.mediaType,
      size: bytes.length,
      manifests: children,
      blobs: manifestBlobs(manifest),
      sources: [],
      keptBlobs: [],
    });
  }
  for (const child of children) {
    // Instances that `platforms` left out are named by the index and not in the repository.
    if (!revisions.has(child.digest)) absent.push(child.digest);
    else await gather(description, child.digest, revisions, absent);
  }
  return manifest;
}

/** The cosign tags of an image and its instances go where it goes, under its origin. Whether there was one. */
async function addSignatures(
  description: Description,
  named: NamedImage,
  digests: readonly Digest[],
): Promise<boolean> {
  const { content, collector, findDigest } = description;
  if (content.options.removeSignatures) return false;
  let found = false;
  for (const owner of digests) {
    const tag = `sha256-${digestHex(owner)}.sig`;
    const digest = findDigest(named.repository, tag);
    if (digest === undefined) continue;
    const manifest = await gather(description, digest, new Set(), []);
    if (!manifest) continue;
    found = true;
    const image: SelectedImage = {
      ...named,
      tag,
      source: '',
      targets: named.targets.map(({ repository }) => ({ repository, tag })),
      digest,
      mediaType: manifest.mediaType,
      absent: [],
      signature: 'not-checked',
      reason: `signature of ${named.origin}`,
    };
    collector.images.push(image);
  }
  return found;
}
