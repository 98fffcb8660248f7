import type { DiskFile } from '../core/disk.ts';
import { AirlockError } from '../core/errors.ts';
import { diskError } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import {
  type ContentStore,
  type Digest,
  digestAlgorithm,
  digestOf,
  manifestLimitBytes,
  type RepositoryContent,
  type Source,
  sliceOfFile,
  storageSource,
} from '../oci/index.ts';
import type { SelectedImage } from '../plan/index.ts';
import { type Bundle, isHere, locateMember, readStretch } from './bundle.ts';
import type { KeptFile } from './incoming.ts';
import { collectTargets, type IncompleteImage } from './target-tree.ts';

export interface BundleStoreOptions {
  /** Where manifests come from that an earlier generation carried: the target registry. Left out: they count as missing. */
  readonly readAssumed?: (repository: string, digest: Digest) => Promise<Buffer | undefined>;
  /** Take assumed blobs as there, because the target holds them. Default false. */
  readonly trustAssumed?: boolean;
  /** Blobs that came with earlier media and lie as files. */
  readonly kept?: ReadonlyMap<Digest, KeptFile>;
  /** Whether the target holds a blob that is neither at hand nor assumed. Default: no. */
  readonly isThere?: (digest: Digest) => boolean;
  /** Images that are to be seen. Default: all. */
  readonly isWanted?: (image: SelectedImage) => boolean;
}

/** A bundle, or a chain of them, seen as the registry that it becomes: read in place from its volumes, under the names of the target. */
export interface BundleStore extends ContentStore {
  readonly repositories: readonly RepositoryContent[];
  /** Images that are left out because something of them is not in the bundles. */
  readonly incomplete: readonly IncompleteImage[];
  close(): Promise<void>;
}

/** Where a blob lies: in a volume, or as a file. */
interface PlacedBlob extends KeptFile {
  readonly offset: number;
}

/**
 * Opens bundles, oldest first, as a read-only store: `registry serve --bundle`, and the source of `load … docker://`. Of a name that several
 * generations have the newest counts. Content is not checked here; whoever fetches it checks digests.
 * @throws AirlockError FILE_UNREADABLE, BUNDLE_DAMAGED
 */
export async function openBundleStore(
  bundles: readonly Bundle[],
  options: BundleStoreOptions,
  run: Run,
): Promise<BundleStore> {
  const blobs = new Map<Digest, PlacedBlob>();
  for (const [digest, file] of options.kept ?? []) blobs.set(digest, { ...file, offset: 0 });
  const assumed = new Set<Digest>();
  for (const bundle of bundles) {
    const present = new Set(bundle.volumes.filter((one) => one.foundBytes !== undefined).map((one) => one.volume));
    for (const blob of bundle.index.blobs) {
      if (!present.has(blob.volume)) continue;
      const source = locateMember(bundle, blob);
      const { path, offset } = source;
      if (isHere(bundle, { source, size: blob.size })) blobs.set(blob.digest, { path, offset, sizeBytes: blob.size });
    }
    for (const digest of bundle.index.assumed) assumed.add(digest);
  }
  // Later generations last: their tags win.
  const images = bundles.flatMap((bundle) => bundle.index.images).filter(options.isWanted ?? (() => true));
  const repositoryOf = new Map(images.map((image) => [image.digest, image.targets[0]?.repository ?? image.repository]));
  const tree = await collectTargets(images, {
    readManifest: async (digest) => {
      const bytes = await readBlob(digest, blobs.get(digest), run);
      return bytes ?? options.readAssumed?.(repositoryOf.get(digest) ?? '', digest);
    },
    hasBlob: async (digest) =>
      blobs.has(digest) || (options.trustAssumed === true && assumed.has(digest)) || options.isThere?.(digest) === true,
  });
  return new Store(blobs, tree.repositories, tree.incomplete);
}

/** A store of bundles as a source to copy from. */
export function openBundleSource(store: BundleStore): Source {
  return storageSource(store);
}

async function readBlob(digest: Digest, placed: PlacedBlob | undefined, run: Run): Promise<Buffer | undefined> {
  if (!placed || placed.sizeBytes > manifestLimitBytes) return undefined;
  const bytes = await readStretch(placed.path, placed.offset, placed.sizeBytes, run);
  return digestOf(bytes, digestAlgorithm(digest)) === digest ? bytes : undefined;
}

/** What one repository holds, for look-ups. */
interface Entry {
  readonly tags: ReadonlyMap<string, Digest>;
  readonly revisions: ReadonlySet<Digest>;
  readonly layers: ReadonlySet<Digest>;
}

class Store implements BundleStore {
  readonly repositories: readonly RepositoryContent[];
  readonly incomplete: readonly IncompleteImage[];
  readonly #blobs: ReadonlyMap<Digest, PlacedBlob>;
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #files = new Map<string, Promise<DiskFile>>();

  constructor(
    blobs: ReadonlyMap<Digest, PlacedBlob>,
    repositories: readonly RepositoryContent[],
    incomplete: readonly IncompleteImage[],
  ) {
    this.#blobs = blobs;
    this.repositories = repositories;
    this.incomplete = incomplete;
    this.#entries = new Map(
      repositories.map(({ name, tags, revisions, layers }) => {
        return [name, { tags: new Map(Object.entries(tags)), revisions: new Set(revisions), layers: new Set(layers) }];
      }),
    );
  }

  async findBlob(digest: Digest): Promise<{ readonly sizeBytes: number } | undefined> {
    const placed = this.#blobs.get(digest);
    return placed && { sizeBytes: placed.sizeBytes };
  }

  async openBlob(digest: Digest, run: Run): ReturnType<ContentStore['openBlob']> {
    const placed = this.#blobs.get(digest);
    if (!placed) throw new AirlockError('BLOB_UNKNOWN', `the bundle does not hold blob ${digest}`);
    const file = await this.#open(placed.path, run);
    // The volume stays open for the next blob.
    return { ...sliceOfFile(file, placed.offset, placed.sizeBytes), close: async () => {} };
  }

  async hasRepository(repository: string): Promise<boolean> {
    return this.#entries.has(repository);
  }

  async listRepositories(): Promise<string[]> {
    return [...this.#entries.keys()];
  }

  async listTags(repository: string): Promise<string[]> {
    return [...(this.#entries.get(repository)?.tags.keys() ?? [])].sort();
  }

  async findTag(repository: string, tag: string): Promise<Digest | undefined> {
    return this.#entries.get(repository)?.tags.get(tag);
  }

  async hasRevision(repository: string, digest: Digest): Promise<boolean> {
    return this.#entries.get(repository)?.revisions.has(digest) ?? false;
  }

  async listRevisions(repository: string): Promise<Digest[]> {
    return [...(this.#entries.get(repository)?.revisions ?? [])];
  }

  async hasLayer(repository: string, digest: Digest): Promise<boolean> {
    return this.#entries.get(repository)?.layers.has(digest) ?? false;
  }

  async close(): Promise<void> {
    for (const file of this.#files.values()) await (await file.catch(() => undefined))?.close();
    this.#files.clear();
  }

  #open(path: string, run: Run): Promise<DiskFile> {
    const known = this.#files.get(path);
    if (known) return known;
    const opening = run.disk.open(path, 'read').catch((error: unknown) => {
      this.#files.delete(path);
      throw diskError(error, path, 'read');
    });
    this.#files.set(path, opening);
    return opening;
  }
}
