import path from 'node:path';
import { diskError, findFile } from '../core/files.ts';
import { mapLimited } from '../core/limit.ts';
import { assertRunning, type Run } from '../core/run.ts';
import {
  blobPath,
  type Digest,
  digestAlgorithm,
  digestOf,
  manifestLimitBytes,
  repositoryLinks,
  repositoryPath,
  storageRoot as storageTree,
} from '../oci/index.ts';
import { type Bundle, isHere } from './bundle.ts';
import { dropIncoming } from './incoming.ts';
import { assertSpace } from './load-space.ts';
import { configurationPlacements, incomingFolder, listLoaded, loadedNumber, writeLoaded } from './load-state.ts';
import { assertBase, findTodo, isLoaded, type LoadOptions, measureTodo, storageSpans, type Todo } from './load-todo.ts';
import { blameParts, findNeededPieces } from './needed-pieces.ts';
import { type Placement, Placer } from './place-data.ts';
import { fileSpans, findMissingFiles, placeFound, removeSpans } from './place-files.ts';
import { placeSpans } from './place-spans.ts';
import { collectTargets, type IncompleteImage } from './target-tree.ts';

/** What a load did. */
export interface LoadOutcome {
  /**
   * `loaded`: all is there now. `nothing-new`: all was there before. `partial`: volumes are missing; images that are whole can be pulled, the
   * rest comes when it is loaded again with more volumes.
   */
  readonly kind: 'loaded' | 'nothing-new' | 'partial';
  readonly generation: number;
  readonly placedBlobs: number;
  readonly placedBytes: number;
  /** Blobs that were there already. */
  readonly presentBlobs: number;
  readonly placedFiles: number;
  readonly writtenLinks: number;
  readonly incompleteImages: readonly IncompleteImage[];
  /** Names of volumes that were not there. */
  readonly missingVolumes: readonly string[];
  /** Names of the parts, or volumes, that hold bytes which are still to come. */
  readonly neededPieces: readonly string[];
  /** Web paths that an earlier generation carried and that are not below the web root: it was loaded without one, or to another place. */
  readonly missingFiles: readonly string[];
}

/**
 * Loads a bundle into registry storage on this host: order checked first, then blobs (hashed while they are copied, named only when right),
 * then files, and last the link files of images whose blobs are all there, under their names at the target. Run again it continues; when all
 * is there it does nothing. The caller holds the lock of the state folder (`acquireLock`).
 * @throws AirlockError SPACE_SHORT, BASE_MISSING, BUNDLE_DAMAGED, DISK_FULL, FILE_UNWRITABLE, CANCELLED
 */
export async function loadIntoStorage(options: LoadOptions, run: Run): Promise<LoadOutcome> {
  try {
    return await load(options, run);
  } catch (error) {
    throw diskError(await blameParts(error, options.bundle, run), options.storageRoot, 'write');
  }
}

async function load(options: LoadOptions, run: Run): Promise<LoadOutcome> {
  const { bundle, storageRoot, stateFolder } = options;
  const loaded = await listLoaded(stateFolder, run);
  const generation = loadedNumber(bundle, loaded);
  const todo = await findTodo(options, run);
  const missingVolumes = bundle.volumes
    .filter((volume) => volume.foundBytes === undefined)
    .map((volume) => volume.name);
  const missingFiles = await findMissingFiles(bundle, options, run);
  const presentBlobs = bundle.index.blobs.length - todo.blobs.length;
  const base = {
    generation,
    presentBlobs,
    missingVolumes: [],
    neededPieces: [],
    incompleteImages: [],
    missingFiles,
  } as const;
  if (isLoaded(options, loaded) && todo.blobs.length === 0 && todo.files.length === 0) {
    // A run that was killed after its record may have left it.
    await dropIncoming(bundle, stateFolder, run);
    return { ...base, kind: 'nothing-new', placedBlobs: 0, placedBytes: 0, placedFiles: 0, writtenLinks: 0 };
  }
  await assertBase(options, loaded, run);
  const blobsHere = todo.blobs.filter((one) => isHere(bundle, one));
  reportTotal(bundle, todo, run);
  const placer = await Placer.open(path.join(storageRoot, storageTree, '_airlock-load'), run);
  let writtenLinks = 0;
  let incompleteImages: readonly IncompleteImage[] = [];
  let placed: readonly Placement[] = [];
  try {
    await assertSpace(await measureTodo(options, todo, run), run);
    await mapLimited(blobsHere, 4, (placement) => placer.place(placement));
    await placer.flush();
    const joined = await placeDivided(options, todo.blobs, run);
    placed = [...blobsHere, ...joined, ...(await placeFound(bundle, todo.files, run))];
    ({ writtenLinks, incompleteImages } = await writeLinks(options, placer, run));
    await placer.finish();
  } finally {
    await placer.close();
  }
  const absent = todo.blobs.length + todo.files.length - placed.length;
  // A volume that is not here is no loss when all that it held was brought before, from another medium.
  const kind = absent > 0 || incompleteImages.length > 0 ? 'partial' : 'loaded';
  if (kind === 'loaded') await remember(options, run);
  const done = new Set(placed);
  const blobs = todo.blobs.filter((one) => done.has(one));
  const rest = (one: Placement): boolean => !done.has(one);
  const waiting = [
    ...todo.blobs.filter(rest).map((placement) => ({ placement, staging: storageSpans(storageRoot) })),
    ...todo.files.filter(rest).map((placement) => ({ placement, staging: fileSpans(placement.root) })),
  ];
  return {
    ...base,
    kind,
    placedBlobs: blobs.length,
    placedBytes: placed.reduce((sum, one) => sum + one.size, 0),
    placedFiles: placed.length - blobs.length,
    writtenLinks,
    incompleteImages,
    missingVolumes: kind === 'loaded' ? [] : missingVolumes,
    neededPieces: await findNeededPieces(bundle, waiting, run),
  };
}

/** Of a bundle that comes medium by medium: blobs of which a part of the bytes is here, and the configuration, which the end of the load needs. */
async function placeDivided(
  { bundle, storageRoot, stateFolder }: LoadOptions,
  todo: readonly Placement[],
  run: Run,
): Promise<readonly Placement[]> {
  if (!bundle.parts && bundle.volumes.every((volume) => volume.foundBytes !== undefined)) return [];
  const divided = todo.filter((one) => !isHere(bundle, one));
  const waiting: Placement[] = [];
  for (const one of configurationPlacements(stateFolder, bundle))
    if ((await run.disk.stat(one.target))?.sizeBytes !== one.size) waiting.push(one);
  await placeSpans(waiting, bundle, path.join(incomingFolder(stateFolder, bundle), 'spans'), run);
  const whole = await placeSpans(divided, bundle, storageSpans(storageRoot), run);
  return [...whole];
}

async function writeLinks(
  { bundle, storageRoot }: LoadOptions,
  placer: Placer,
  run: Run,
): Promise<{ readonly writtenLinks: number; readonly incompleteImages: readonly IncompleteImage[] }> {
  const where = (digest: Digest): string => path.join(storageRoot, blobPath(digest));
  const tree = await collectTargets(bundle.index.images, {
    readManifest: async (digest) => {
      const bytes = await findFile(where(digest), run, manifestLimitBytes);
      return bytes && digestOf(bytes, digestAlgorithm(digest)) === digest ? bytes : undefined;
    },
    hasBlob: async (digest) => (await run.disk.stat(where(digest)))?.kind === 'file',
  });
  let writtenLinks = 0;
  for (const repository of tree.repositories) {
    const links = [...repositoryLinks(repository)];
    const known = (await run.disk.stat(path.join(storageRoot, repositoryPath(repository.name)))) !== undefined;
    // A tag's history before the tag, and both after the revisions: a reader in between finds nothing, never something broken.
    const written = await mapLimited(links, 8, (link) =>
      writeLinkFile(path.join(storageRoot, link.path), link.digest, known, placer, run),
    );
    writtenLinks += written.filter(Boolean).length;
  }
  return { writtenLinks, incompleteImages: tree.incomplete };
}

/** Writes a link unless it says the same already. Renamed into place, so that no reader ever sees a part of it. */
async function writeLinkFile(file: string, digest: Digest, known: boolean, placer: Placer, run: Run): Promise<boolean> {
  assertRunning(run);
  if (known && (await findFile(file, run, 1024))?.toString('latin1') === digest) return false;
  await placer.placeText(file, digest);
  return true;
}

async function remember(options: LoadOptions, run: Run): Promise<void> {
  const { bundle, stateFolder, storageRoot, webRoot, toolsDir, filesDir } = options;
  await removeSpans(options, run);
  await run.disk.remove(storageSpans(storageRoot));
  const places = {
    target: storageRoot,
    ...(webRoot === undefined ? {} : { webRoot }),
    ...(toolsDir === undefined ? {} : { toolsDir }),
    ...(filesDir === undefined ? {} : { filesDir }),
  };
  await writeLoaded(stateFolder, bundle, places, run);
  await dropIncoming(bundle, stateFolder, run);
}

function reportTotal(bundle: Bundle, todo: Todo, run: Run): void {
  const sum = (sizes: readonly { readonly size: number }[]): number => sizes.reduce((all, one) => all + one.size, 0);
  const files = todo.files.length;
  const totalBytes = sum(bundle.index.blobs) + sum(todo.files);
  run.report({
    stage: 'load',
    state: 'total',
    totalBytes,
    totalItems: bundle.index.blobs.length + files,
    doneBytes: totalBytes - sum(todo.blobs) - sum(todo.files),
    doneItems: bundle.index.blobs.length - todo.blobs.length,
  });
}
