import path from 'node:path';
import { AirlockError } from '../core/errors.ts';
import { diskError, findFile, writeFileAtomic } from '../core/files.ts';
import { prettyJson } from '../core/json.ts';
import { mapLimited } from '../core/limit.ts';
import { assertRunning, type Run } from '../core/run.ts';
import {
  blobPath,
  type Digest,
  findManifestBytes,
  openStorage,
  type RepositoryContent,
  repositoryLinks,
  storageRoot as storageTree,
} from '../oci/index.ts';
import type { SelectedImage } from '../plan/index.ts';
import { type LoadedGeneration, listLoaded, readLoadedIndex } from './load-state.ts';
import { splitLive } from './prune-live.ts';
import { collectTargets } from './target-tree.ts';

export interface PruneOptions {
  readonly storageRoot: string;
  readonly stateFolder: string;
  /** How many of the newest generations stay; at least 1. */
  readonly keep: number;
  /** Images that live objects use, whatever generation brought them: by the digest of the image or of one of its instances. */
  readonly liveDigests: readonly Digest[];
}

/** What a prune would remove. */
export interface PrunePlan {
  readonly apiVersion: 'airlock/v1alpha1';
  readonly kind: 'PrunePlan';
  /** Generations that are forgotten. */
  readonly generations: readonly number[];
  /** `repository:tag`, for people. */
  readonly tags: readonly string[];
  /** Link files, below the storage root. */
  readonly links: readonly string[];
  readonly blobs: readonly { readonly digest: Digest; readonly sizeBytes: number }[];
  readonly reclaimableBytes: number;
}

const trashFolder = `${storageTree}/_airlock-pruned`;

/**
 * What can go: names, manifests and blobs that dropped generations brought and that no kept generation, no live object and nothing else in
 * the storage needs. Content that others pushed is never touched. Changes nothing.
 */
export async function planPrune(options: PruneOptions, run: Run): Promise<PrunePlan> {
  const loaded = await listLoaded(options.stateFolder, run);
  const kept = loaded.slice(-Math.max(1, options.keep));
  const dropped = loaded.slice(0, loaded.length - kept.length);
  const { live, others: droppedImages } = await splitLive(await imagesOf(dropped, run), options, run);
  const keptImages = [...(await imagesOf(kept, run)), ...live];
  const wanted = new Set<string>();
  for (const repository of await treeOf(keptImages, options, run))
    for (const link of repositoryLinks(repository)) wanted.add(link.path);
  const links: string[] = [];
  const tags: string[] = [];
  for (const repository of await treeOf(droppedImages, options, run)) {
    for (const link of repositoryLinks(repository)) {
      const text = await findFile(path.join(options.storageRoot, link.path), run, 1024);
      // A tag that was moved meanwhile, by a later generation or by somebody else, means something else now.
      if (wanted.has(link.path) || text?.toString('latin1') !== link.digest) continue;
      links.push(link.path);
      const tag = /\/_manifests\/tags\/([^/]+)\/current\/link$/.exec(link.path)?.[1];
      if (tag !== undefined) tags.push(`${repository.name}:${tag}`);
    }
  }
  const blobs = await findUnused(droppedImages, new Set(links), options, run);
  return {
    apiVersion: 'airlock/v1alpha1',
    kind: 'PrunePlan',
    generations: dropped.map(({ record }) => record.generation),
    tags: tags.sort(),
    links: links.sort(),
    blobs,
    reclaimableBytes: blobs.reduce((sum, blob) => sum + blob.sizeBytes, 0),
  };
}

/**
 * Takes the names away: link files move into a trash folder of the storage, so that `undoPrune` can put them back. The registry has to be
 * read-only or stopped meanwhile. The bytes stay until `collectPruned`.
 * @throws AirlockError PRUNE_BUSY
 */
export async function applyPrune(plan: PrunePlan, options: PruneOptions, run: Run): Promise<void> {
  const trash = path.join(options.storageRoot, trashFolder);
  await removeUnbegun(trash, run);
  if (await run.disk.stat(trash)) {
    throw new AirlockError('PRUNE_BUSY', `${trash} holds an earlier prune`, {
      hint: 'first free its blobs with airlock prune --collect, or put all back with airlock prune --undo',
    });
  }
  await writeFileAtomic(path.join(trash, 'plan.json'), prettyJson(plan), run);
  for (const link of plan.links) {
    assertRunning(run);
    await move(path.join(options.storageRoot, link), path.join(trash, link), run);
    await removeEmptyParents(options.storageRoot, link, run);
  }
}

/** Puts back what `applyPrune` took away, as long as the blobs were not collected. Returns how many link files came back. */
export async function undoPrune(options: PruneOptions, run: Run): Promise<number> {
  const trash = path.join(options.storageRoot, trashFolder);
  const plan = await readPlan(trash, run);
  if (!plan) return 0;
  let restored = 0;
  for (const link of plan.links) {
    const from = path.join(trash, link);
    const to = path.join(options.storageRoot, link);
    // A name that was given again since means what it means now.
    if (!(await run.disk.stat(from)) || (await run.disk.stat(to))) continue;
    await move(from, to, run);
    restored += 1;
  }
  await run.disk.remove(trash);
  return restored;
}

/**
 * Removes the blobs of an applied prune and forgets the generations; after that there is no way back. A blob that somebody linked to since
 * is left alone. Returns how many bytes came free.
 */
export async function collectPruned(options: PruneOptions, run: Run): Promise<number> {
  const trash = path.join(options.storageRoot, trashFolder);
  const plan = await readPlan(trash, run);
  if (!plan) return 0;
  const used = await linkedDigests(options, new Set(), run);
  let freedBytes = 0;
  for (const { digest, sizeBytes } of plan.blobs) {
    assertRunning(run);
    if (used.has(digest)) continue;
    await run.disk.remove(path.dirname(path.join(options.storageRoot, blobPath(digest))));
    freedBytes += sizeBytes;
  }
  for (const { folder, record } of await listLoaded(options.stateFolder, run))
    if (plan.generations.includes(record.generation)) await run.disk.remove(folder);
  await run.disk.remove(trash);
  return freedBytes;
}

/** What an earlier prune took away and neither put back nor collected. */
export function findPruned(options: Pick<PruneOptions, 'storageRoot'>, run: Run): Promise<PrunePlan | undefined> {
  return readPlan(path.join(options.storageRoot, trashFolder), run);
}

async function imagesOf(loaded: readonly LoadedGeneration[], run: Run): Promise<SelectedImage[]> {
  const images: SelectedImage[] = [];
  for (const one of loaded) images.push(...(await readLoadedIndex(one, run)).images);
  return images;
}

/** The tree of some images as the storage has them; an image that is not whole there has no links that a load wrote. */
async function treeOf(
  images: readonly SelectedImage[],
  options: PruneOptions,
  run: Run,
): Promise<readonly RepositoryContent[]> {
  const storage = openStorage(options.storageRoot);
  const tree = await collectTargets(images, {
    readManifest: (digest) => findManifestBytes(storage, digest, run),
    hasBlob: async () => true,
  });
  return tree.repositories;
}

/** Blobs of dropped images to which no link leads once `gone` are away. */
async function findUnused(
  images: readonly SelectedImage[],
  gone: ReadonlySet<string>,
  options: PruneOptions,
  run: Run,
): Promise<PrunePlan['blobs']> {
  const storage = openStorage(options.storageRoot);
  const used = await linkedDigests(options, gone, run);
  const candidates = new Set<Digest>();
  for (const { revisions, layers } of await treeOf(images, options, run))
    for (const digest of [...revisions, ...layers]) if (!used.has(digest)) candidates.add(digest);
  const sorted = [...candidates].sort();
  const found = await mapLimited(sorted, 16, (digest) => storage.findBlob(digest, run));
  return sorted.flatMap((digest, at) => {
    const blob = found[at];
    return blob ? [{ digest, sizeBytes: blob.sizeBytes }] : [];
  });
}

/** Every digest that a layer or revision link of the storage leads to, `gone` left out. */
async function linkedDigests(options: PruneOptions, gone: ReadonlySet<string>, run: Run): Promise<Set<Digest>> {
  const storage = openStorage(options.storageRoot);
  const used = new Set<Digest>();
  for (const name of await storage.listRepositories(run)) {
    const revisions = await storage.listRevisions(name, run);
    const layers = await storage.listLayers(name, run);
    for (const link of repositoryLinks({ name, tags: {}, revisions, layers }))
      if (!gone.has(link.path)) used.add(link.digest);
  }
  return used;
}

/** A prune that broke off before it had its plan took nothing away; without this neither undoing nor collecting could end it. */
async function removeUnbegun(trash: string, run: Run): Promise<void> {
  const names = (await run.disk.list(trash)).map((entry) => entry.name);
  if (names.every((name) => name.startsWith('.') && name.endsWith('.tmp'))) await run.disk.remove(trash);
}

async function readPlan(trash: string, run: Run): Promise<PrunePlan | undefined> {
  const text = await findFile(path.join(trash, 'plan.json'), run, 1 << 30);
  return text ? (JSON.parse(text.toString('utf8')) as PrunePlan) : undefined;
}

async function move(from: string, to: string, run: Run): Promise<void> {
  try {
    await run.disk.makeDirectory(path.dirname(to));
    await run.disk.rename(from, to);
  } catch (error) {
    throw diskError(error, to, 'write');
  }
}

/** Distribution lists a tag whose folder is there, with or without its link: empty folders go too. */
async function removeEmptyParents(root: string, link: string, run: Run): Promise<void> {
  for (let at = path.dirname(link); at !== `${storageTree}/repositories` && at !== '.'; at = path.dirname(at)) {
    if ((await run.disk.list(path.join(root, at))).length > 0) return;
    await run.disk.remove(path.join(root, at));
  }
}
