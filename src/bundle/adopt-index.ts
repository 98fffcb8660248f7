import { digestHex, digestOf } from '../oci/index.ts';
import type { Plan } from '../plan/index.ts';
import type { ArchiveSums } from './adopt-hash.ts';
import type { Bundle } from './bundle.ts';
import { type BundleIndex, bundleNames, type IndexedBlob, type IndexedFile } from './format.ts';
import { type LayoutOptions, layoutVolumes, placeContents, planBytes } from './layout.ts';
import { compareFiles } from './members.ts';

/** The number of the volume that Airlock puts before an adopted archive: real oc-mirror counts from 1. */
export const frontVolume = 0;

/** It is never cut: who wants smaller media cuts parts. */
const frontSizeBytes = Number.MAX_SAFE_INTEGER;

/**
 * The index of an adopted archive: its own volumes as they lie, and before them one with the Airlock members (index, configuration, plan,
 * tool, RHCOS files). The repositories are those of the plan: the archive's link tree also names what its cache held before.
 */
export function adoptedIndex(plan: Plan, archive: Bundle, sums: ArchiveSums, options: LayoutOptions): BundleIndex {
  const base = layoutVolumes(frontPlan(plan), options);
  const own = planBytes(plan);
  const files = base.files
    .filter((file) => !file.path.startsWith('isc_'))
    .map((file) =>
      file.path === bundleNames.plan ? { ...file, size: own.length, sha256: digestHex(digestOf(own)) } : file,
    );
  const rule = { volumeSizeBytes: frontSizeBytes, createdAt: plan.createdAt, firstVolume: frontVolume };
  const front = placeContents({ repositories: [], blobs: [], files }, rule);
  const blobs = adoptedBlobs(plan, archive);
  const carried = new Set(blobs.map((blob) => blob.digest));
  return {
    ...base,
    engine: 'oc-mirror',
    planDigest: digestOf(own),
    volumeSizeBytes: frontSizeBytes,
    assumed: plan.assumed.filter((digest) => !carried.has(digest)),
    volumes: [...front.volumes, ...adoptedVolumes(archive, sums)],
    images: plan.images,
    repositories: plan.repositories,
    blobs,
    files: [...front.files, ...adoptedFiles(archive, sums)].sort(compareFiles),
    releases: plan.releases,
    catalogs: plan.catalogs,
  };
}

/** The part of an adopted index that its first volume follows from, byte by byte. */
export function frontIndex(index: BundleIndex): BundleIndex {
  return {
    ...index,
    repositories: [],
    blobs: [],
    files: index.files.filter((file) => file.volume === frontVolume),
    volumes: index.volumes.slice(0, 1),
  };
}

/** What goes into the front volume: content and working-dir lie in the archive. */
function frontPlan(plan: Plan): Plan {
  const files = plan.files.filter((file) => !file.path.startsWith('working-dir/'));
  return { ...plan, files, images: [], repositories: [], blobs: [], assumed: [], releases: [], catalogs: [] };
}

function adoptedBlobs(plan: Plan, archive: Bundle): IndexedBlob[] {
  const known = new Map(plan.blobs.map((blob) => [blob.digest, blob]));
  return archive.index.blobs.map((found) => {
    const { kind, mediaType, origin } = known.get(found.digest) ?? found;
    return { ...found, kind, mediaType, origin };
  });
}

function adoptedFiles(archive: Bundle, sums: ArchiveSums): IndexedFile[] {
  return archive.index.files.map((file) => ({ ...file, sha256: sums.files.get(file.path) ?? '' }));
}

function adoptedVolumes(archive: Bundle, sums: ArchiveSums): BundleIndex['volumes'] {
  return archive.volumes.map(({ name, sizeBytes }) => {
    return { name, size: sizeBytes, sha256: sums.volumes.get(name) ?? '' };
  });
}
