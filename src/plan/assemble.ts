import type { Descriptor, Digest, RepositoryContent } from '../oci/index.ts';
import { compareRepositories } from '../oci/index.ts';
import type { CollectedManifest, CollectedSet, SelectedFile, SelectedImage } from './facts.ts';
import type { Plan, PlannedBlob, Share } from './plan.ts';

/** What the plan needs beside the facts. */
export interface AssembleOptions {
  readonly now: Date;
  readonly toolVersion: string;
  readonly engine: Plan['engine'];
  readonly generation: number;
  readonly parent?: NonNullable<Plan['parent']>;
  /** Blobs that the far side has already: those of earlier generations, or of an exported inventory. */
  readonly carriedBlobs: ReadonlySet<string>;
  /** sha256 (bare hex) of files that the far side has already. */
  readonly carriedFiles: ReadonlySet<string>;
  readonly imageSetDigest: Digest;
  readonly siteDigest?: Digest;
  readonly flags?: NonNullable<Plan['flags']>;
  readonly volumeSizeBytes: number;
}

/** One image's manifests and blobs, instances that were not selected left out. */
interface Closure {
  readonly manifests: readonly CollectedManifest[];
  readonly blobs: readonly Descriptor[];
}

/**
 * Facts in, plan out: no IO, and the clock is an argument. The same facts and options give the same plan, whatever the order in which
 * the facts were found.
 */
export function assemblePlan(facts: CollectedSet, options: AssembleOptions): Plan {
  const images = [...facts.images].sort(compareImages);
  const blobs = collectBlobs(images, facts.manifests);
  const carried = [...blobs.values()].filter((blob) => !options.carriedBlobs.has(blob.digest)).sort(byDigest);
  const assumed = [...blobs.values()].filter((blob) => options.carriedBlobs.has(blob.digest)).sort(byDigest);
  // Configuration and working-dir files belong to this generation whatever was carried before: they are small and describe it.
  const isOld = (file: SelectedFile): boolean => isReusable(file) && options.carriedFiles.has(file.sha256);
  const files = uniqueFiles(facts.files);
  return {
    apiVersion: 'airlock/v1alpha1',
    kind: 'Plan',
    createdAt: options.now.toISOString().replace(/\.\d{3}Z$/, 'Z'),
    toolVersion: options.toolVersion,
    engine: options.engine,
    generation: options.generation,
    ...(options.parent ? { parent: options.parent } : {}),
    imageSetDigest: options.imageSetDigest,
    ...(options.siteDigest ? { siteDigest: options.siteDigest } : {}),
    ...(options.flags && Object.keys(options.flags).length > 0 ? { flags: options.flags } : {}),
    volumeSizeBytes: options.volumeSizeBytes,
    images,
    repositories: collectRepositories(images, facts.manifests),
    blobs: carried,
    assumed: assumed.map((blob) => blob.digest),
    files: files.filter((file) => !isOld(file)),
    assumedFiles: files.filter(isOld),
    releases: facts.releases,
    catalogs: facts.catalogs,
    missing: facts.missing,
    notes: facts.notes,
    totals: {
      selected: share(images.length, [...blobs.values()], files),
      assumed: share(countCovered(images, facts.manifests, options.carriedBlobs), assumed, files.filter(isOld)),
      carried: share(
        countTouched(images, facts.manifests, options.carriedBlobs),
        carried,
        files.filter((file) => !isOld(file)),
      ),
    },
  };
}

/** Whether a plan carries anything that the far side does not have: new blobs, files that matter there, or other names for known content. */
export function hasNewContent(plan: Plan): boolean {
  return plan.blobs.length > 0 || plan.files.some(isReusable);
}

function isReusable(file: SelectedFile): boolean {
  return file.role !== 'config' && file.role !== 'working-dir';
}

/** The manifests and blobs of one image. A manifest that was not collected is left out: `missing` names it. */
function closure(image: SelectedImage, manifests: CollectedSet['manifests']): Closure {
  const absent = new Set<string>(image.absent);
  const found = new Map<Digest, CollectedManifest>();
  const walk = (digest: Digest): void => {
    const manifest = manifests.get(digest);
    if (!manifest || found.has(digest) || absent.has(digest)) return;
    found.set(digest, manifest);
    for (const child of manifest.manifests) walk(child.digest);
  };
  walk(image.digest);
  return { manifests: [...found.values()], blobs: [...found.values()].flatMap((manifest) => manifest.blobs) };
}

function collectBlobs(
  images: readonly SelectedImage[],
  manifests: CollectedSet['manifests'],
): Map<Digest, PlannedBlob> {
  const blobs = new Map<Digest, PlannedBlob>();
  const sourcesOf = new Map<Digest, Set<string>>();
  const add = (blob: Omit<PlannedBlob, 'sources'>, sources: readonly string[]): void => {
    const known = sourcesOf.get(blob.digest) ?? new Set();
    for (const source of sources) known.add(source);
    sourcesOf.set(blob.digest, known);
    if (!blobs.has(blob.digest)) blobs.set(blob.digest, { ...blob, sources: [] });
  };
  for (const image of images) {
    for (const manifest of closure(image, manifests).manifests) {
      const own = { digest: manifest.digest, size: manifest.size, mediaType: manifest.mediaType, origin: image.origin };
      add({ ...own, kind: 'manifest', kept: true }, manifest.sources);
      manifest.blobs.forEach((blob, at) => {
        const kind = at === 0 ? 'config' : 'layer';
        const kept = manifest.keptBlobs?.includes(blob.digest) ?? false;
        add(
          { digest: blob.digest, size: blob.size, mediaType: blob.mediaType, kind, kept, origin: image.origin },
          manifest.sources,
        );
      });
    }
  }
  return new Map(
    [...blobs].map(([digest, blob]) => [digest, { ...blob, sources: [...(sourcesOf.get(digest) ?? [])].sort() }]),
  );
}

function collectRepositories(
  images: readonly SelectedImage[],
  manifests: CollectedSet['manifests'],
): RepositoryContent[] {
  const found = new Map<string, { tags: Record<string, Digest>; revisions: Set<Digest>; layers: Set<Digest> }>();
  for (const image of images) {
    const content = found.get(image.repository) ?? { tags: {}, revisions: new Set(), layers: new Set() };
    found.set(image.repository, content);
    content.tags[image.tag] = image.digest;
    const { manifests: revisions, blobs } = closure(image, manifests);
    for (const revision of revisions) content.revisions.add(revision.digest);
    for (const blob of blobs) content.layers.add(blob.digest);
  }
  return [...found]
    .sort(([a], [b]) => compareRepositories(a, b))
    .map(([name, content]) => ({
      name,
      tags: Object.fromEntries(Object.entries(content.tags).sort(([a], [b]) => (a < b ? -1 : 1))),
      revisions: [...content.revisions].sort(),
      layers: [...content.layers].sort(),
    }));
}

function imageBlobs(image: SelectedImage, manifests: CollectedSet['manifests']): Digest[] {
  const { manifests: own, blobs } = closure(image, manifests);
  return [...own.map((manifest) => manifest.digest), ...blobs.map((blob) => blob.digest)];
}

function countCovered(
  images: readonly SelectedImage[],
  manifests: CollectedSet['manifests'],
  carried: ReadonlySet<string>,
): number {
  return images.filter((image) => imageBlobs(image, manifests).every((digest) => carried.has(digest))).length;
}

function countTouched(
  images: readonly SelectedImage[],
  manifests: CollectedSet['manifests'],
  carried: ReadonlySet<string>,
): number {
  return images.length - countCovered(images, manifests, carried);
}

function share(images: number, blobs: readonly PlannedBlob[], files: readonly SelectedFile[]): Share {
  const blobBytes = blobs.reduce((sum, blob) => sum + blob.size, 0);
  return { images, blobs: blobs.length, bytes: files.reduce((sum, file) => sum + file.sizeBytes, blobBytes) };
}

function uniqueFiles(files: readonly SelectedFile[]): SelectedFile[] {
  return [...new Map(files.map((file) => [file.path, file])).values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Catalogs come last, as in oc-mirror: whoever fills a registry lets the later of one name win, and nothing else may take the name of a catalog. */
function compareImages(a: SelectedImage, b: SelectedImage): number {
  const keys = (image: SelectedImage): string =>
    [
      image.type === 'operatorCatalog' ? '1' : '0',
      image.repository,
      image.tag,
      image.type,
      image.origin,
      image.digest,
    ].join('\0');
  return keys(a) < keys(b) ? -1 : 1;
}

function byDigest(a: PlannedBlob, b: PlannedBlob): number {
  return a.digest < b.digest ? -1 : 1;
}
