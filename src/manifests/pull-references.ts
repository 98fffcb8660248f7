import { type Digest, formatReference, parseReference } from '../oci/index.ts';
import type { SelectedImage } from '../plan/index.ts';
import { type MirrorTarget, targetReference } from './target.ts';

/** What a cluster asks for, and what it has to get. */
export interface PullReference {
  /** With the original registry where mirror sets lead to the mirror; with the mirror's own name for catalogs and images without one. */
  readonly reference: string;
  readonly digest: Digest;
  /** Instances of an index that are not at the mirror on purpose. */
  readonly absent: readonly Digest[];
}

/**
 * The references by which clusters pull the images: originals by digest where the origin has one, else by tag (releases both ways), and the
 * mirror's own name for catalogs, the graph image and `oci://` content. Sorted, each once.
 * @throws AirlockError NESTED_PATHS_INVALID
 */
export function pullReferences(images: readonly SelectedImage[], target: MirrorTarget): PullReference[] {
  const found = new Map<string, PullReference>();
  for (const image of images) {
    // Names that only the bundle needs are not at the target.
    if (image.targets.length === 0) continue;
    for (const reference of referencesOf(image, target))
      found.set(reference, { reference, digest: image.digest, absent: image.absent });
  }
  return [...found.values()].sort((a, b) => (a.reference < b.reference ? -1 : 1));
}

function referencesOf(image: SelectedImage, target: MirrorTarget): string[] {
  const direct = image.targets.map(({ repository, tag }) => `${targetReference(repository, target)}:${tag}`);
  if (image.type === 'operatorCatalog' || image.type === 'cincinnatiGraph' || /^(?!docker:)\w+:\/\//.test(image.origin))
    return direct;
  const { registry, repository, tag, digest } = parseReference(image.origin);
  const byDigest = formatReference({ registry, repository, digest: image.digest });
  if (digest) return [byDigest];
  // targetTag renames the tag, and mirror sets cannot say so: the old tag is not to be found.
  const kept = tag !== undefined && image.targets.some((name) => name.tag === tag);
  return [
    ...(kept ? [formatReference({ registry, repository, tag })] : direct),
    ...(image.type === 'ocpRelease' ? [byDigest] : []),
  ];
}
