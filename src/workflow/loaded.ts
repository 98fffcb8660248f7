import path from 'node:path';
import {
  type Bundle,
  type BundleIndex,
  findKeptPlan,
  isHere,
  listLoaded,
  locateMember,
  readCarriedFile,
  readLoadedIndex,
} from '../bundle/index.ts';
import { findFile } from '../core/files.ts';
import { mapLimited } from '../core/limit.ts';
import type { Run } from '../core/run.ts';
import type { ReleaseSignature } from '../manifests/index.ts';
import type { LoadedSet } from '../mirror/index.ts';
import { digestFromHex } from '../oci/index.ts';
import { type Plan, parsePlan, type SelectedCatalog, type SelectedImage, type SelectedRelease } from '../plan/index.ts';

/** A file that the web server of the site serves. */
export interface LoadedWebFile {
  readonly webPath: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** Everything that was loaded at a site, over all generations. */
export interface LoadedContent {
  readonly generations: readonly {
    readonly generation: number;
    readonly createdAt: string;
    readonly loadedAt: string;
    readonly indexDigest: string;
    readonly target: string;
  }[];
  /** The newest record of each name and origin. */
  readonly images: readonly SelectedImage[];
  readonly releases: readonly SelectedRelease[];
  /** Of the newest generation. */
  readonly catalogs: readonly SelectedCatalog[];
  /** Of every generation: what an earlier one brought is still there. */
  readonly everyCatalog: readonly SelectedCatalog[];
  readonly webFiles: readonly LoadedWebFile[];
  readonly signatures: readonly ReleaseSignature[];
  /** When the newest bundle was planned; the epoch before the first. */
  readonly contentDate: Date;
}

/** Reads the load records of a state folder; empty content where nothing was loaded. */
export async function readLoadedContent(stateFolder: string, run: Run): Promise<LoadedContent> {
  const loaded = await listLoaded(stateFolder, run);
  const indexes: BundleIndex[] = [];
  const signatures: ReleaseSignature[] = [];
  for (const one of loaded) {
    indexes.push(await readLoadedIndex(one, run));
    signatures.push(...(await readPlannedSignatures(path.join(one.folder, 'plan.json'), run)));
  }
  return {
    generations: loaded.map(({ record }, at) => ({
      generation: record.generation,
      createdAt: indexes[at]?.createdAt ?? record.loadedAt,
      loadedAt: record.loadedAt,
      indexDigest: record.indexDigest,
      target: record.target,
    })),
    ...mergeIndexes(indexes, signatures),
  };
}

/**
 * The content of opened bundles in the same shape, for cluster resources where there is no site. Release signatures that are on another medium are
 * taken from the plan that the state folder keeps.
 */
export async function readBundleContent(
  bundles: readonly Bundle[],
  stateFolder: string | undefined,
  run: Run,
): Promise<LoadedContent> {
  const indexes = bundles.map((bundle) => bundle.index);
  const signatures: ReleaseSignature[] = [];
  for (const bundle of bundles) signatures.push(...(await readSignatures(bundle, stateFolder, run)));
  return {
    generations: [],
    ...mergeIndexes(indexes, signatures),
  };
}

async function readSignatures(
  bundle: Bundle,
  stateFolder: string | undefined,
  run: Run,
): Promise<readonly ReleaseSignature[]> {
  const members = bundle.index.files.flatMap((file) => {
    const digest = signedDigest(file.path);
    return digest ? [{ digest, file }] : [];
  });
  if (members.every(({ file }) => isHere(bundle, { source: locateMember(bundle, file), size: file.size })))
    return mapLimited(members, 8, async ({ digest, file }) => {
      return { digest, base64: (await readCarriedFile(bundle, file, run)).toString('base64') };
    });
  const plan = stateFolder === undefined ? undefined : await findKeptPlan(bundle, stateFolder, run);
  return plan ? plannedSignatures(plan) : [];
}

function mergeIndexes(
  indexes: readonly BundleIndex[],
  signatures: readonly ReleaseSignature[],
): Omit<LoadedContent, 'generations'> {
  const newest = indexes.at(-1);
  const { images, releases, catalogs } = mergeSets(indexes);
  return {
    images,
    releases,
    catalogs: newest?.catalogs ?? [],
    everyCatalog: catalogs,
    webFiles: latest(indexes.flatMap(webFilesOf), (file) => file.webPath),
    signatures: latest(signatures, (signature) => signature.digest),
    contentDate: new Date(newest?.createdAt ?? 0),
  };
}

/** Sets that came one after the other: the newest record of each name and origin, and of each state of a catalog. */
export function mergeSets(sets: readonly LoadedSet[]): LoadedSet {
  const [images, releases, catalogs] = [
    sets.flatMap((set) => set.images),
    sets.flatMap((set) => set.releases),
    sets.flatMap((set) => set.catalogs),
  ];
  return {
    images: latest(images, (image) => [image.type, image.origin, image.repository, image.tag].join(' ')),
    releases: latest(releases, (release) => `${release.version} ${release.architecture}`),
    catalogs: latest(catalogs, (catalog) => [catalog.origin, catalog.digest, catalog.targetDigest].join(' ')),
  };
}

function webFilesOf(index: BundleIndex): LoadedWebFile[] {
  return [...index.files, ...index.assumedFiles].flatMap(({ webPath, size, sha256 }) =>
    webPath === undefined ? [] : [{ webPath, sizeBytes: size, sha256 }],
  );
}

/** Working files are small and stand whole in the plan that travelled along. */
async function readPlannedSignatures(file: string, run: Run): Promise<ReleaseSignature[]> {
  const bytes = await findFile(file, run, 1 << 30);
  if (!bytes) return [];
  return plannedSignatures(parsePlan(bytes.toString(), file));
}

/** The release signatures among the working files of a plan. */
export function plannedSignatures(plan: Plan): ReleaseSignature[] {
  return plan.files.flatMap((one) => {
    const digest = signedDigest(one.path);
    return digest && one.content.kind === 'inline' ? [{ digest, base64: one.content.base64 }] : [];
  });
}

// working-dir/signatures/<tag>-sha256-<hex>
function signedDigest(memberPath: string) {
  const hex = /^working-dir\/signatures\/.*-sha256-([0-9a-f]{64})$/.exec(memberPath)?.[1];
  return hex === undefined ? undefined : digestFromHex(hex);
}

function latest<T>(items: readonly T[], key: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [key(item), item])).values()];
}
