import type { Run } from '../core/run.ts';
import { type Bundle, isHere } from './bundle.ts';
import type { FileNeed } from './load-space.ts';
import { type LoadedGeneration, listLoaded, loadedNumber } from './load-state.ts';
import { assertBase, findTodo, isLoaded, type LoadOptions, measureTodo, storageSpans } from './load-todo.ts';
import type { Placement } from './place-data.ts';
import {
  byRoot,
  type FilePlacement,
  type FilePlaces,
  fileSpans,
  findFiles,
  findMissingFiles,
  measureFiles,
} from './place-files.ts';
import { findJoined } from './place-spans.ts';

/** What a load of one bundle into storage would do. */
export interface LoadForecast {
  /** As `LoadOutcome`: `partial` where volumes or parts are not here. */
  readonly kind: 'to-load' | 'nothing-new' | 'partial';
  /** The number under which it would be remembered. */
  readonly generation: number;
  readonly blobs: number;
  readonly blobBytes: number;
  /** Blobs that are there already, or that an earlier bundle of the chain brings. */
  readonly presentBlobs: number;
  readonly files: number;
  readonly fileBytes: number;
  /** Blobs and files of which not every byte is in a volume or part at hand. */
  readonly absent: number;
  readonly missingVolumes: readonly string[];
  /** Web paths that an earlier generation carried and that are not below the web root. */
  readonly missingFiles: readonly string[];
}

/** The forecast of a chain, and all that it would write. */
export interface ChainForecast {
  readonly generations: readonly LoadForecast[];
  readonly needs: readonly FileNeed[];
}

/**
 * What `loadIntoStorage` would do with bundles, oldest first: reads names and sizes at the target, and neither content nor locks.
 * @throws AirlockError BASE_MISSING
 */
export async function forecastChain(chain: readonly LoadOptions[], run: Run): Promise<ChainForecast> {
  const generations: LoadForecast[] = [];
  const needs: FileNeed[] = [];
  const later = createLater(run);
  let loaded: readonly LoadedGeneration[] | undefined;
  for (const options of chain) {
    loaded ??= await listLoaded(options.stateFolder, run);
    const { forecast, come, needs: own } = await forecastOne(options, loaded, later.run);
    generations.push(forecast);
    needs.push(...own);
    // What comes later builds on this one.
    if (forecast.kind === 'partial') break;
    later.add(come);
    loaded = [...loaded, rememberedAs(options, forecast.generation)];
  }
  return { generations, needs };
}

/**
 * The files that a load into a registry would place on this host beside it, of bundles oldest first.
 * `absent` counts those of which not every byte is at hand.
 */
export async function forecastFiles(
  bundles: readonly Bundle[],
  places: FilePlaces,
  run: Run,
): Promise<{
  readonly placements: readonly Placement[];
  readonly needs: readonly FileNeed[];
  readonly absent: number;
  readonly missingFiles: readonly string[];
}> {
  const placements: Placement[] = [];
  const needs: FileNeed[] = [];
  const missing = new Set<string>();
  const later = createLater(run);
  let absent = 0;
  for (const bundle of bundles) {
    const todo = await findFiles(bundle, places, later.run);
    for (const webPath of await findMissingFiles(bundle, places, later.run)) missing.add(webPath);
    const here = await findPlaceableFiles(bundle, todo, run);
    placements.push(...here);
    needs.push(...(await measureFiles(bundle, todo, run)));
    later.add(here);
    absent += todo.length - here.length;
  }
  return { placements, needs, absent, missingFiles: [...missing] };
}

/** The disk as it will be once what was added has been placed, for whoever asks which files are there in which size. */
function createLater(run: Run): { readonly run: Run; add(come: readonly Placement[]): void } {
  const sizes = new Map<string, number>();
  const later = { kind: 'file', mode: 0o644, modifiedAt: run.now(), device: 0 } as const;
  const stat: Run['disk']['stat'] = async (file) => {
    const sizeBytes = sizes.get(file);
    return sizeBytes === undefined ? run.disk.stat(file) : { ...later, sizeBytes };
  };
  return {
    run: { ...run, disk: { ...run.disk, stat } },
    add(come) {
      for (const { target, size } of come) sizes.set(target, size);
    },
  };
}

async function forecastOne(
  options: LoadOptions,
  loaded: readonly LoadedGeneration[],
  run: Run,
): Promise<{ readonly forecast: LoadForecast; readonly come: readonly Placement[]; readonly needs: FileNeed[] }> {
  const { bundle } = options;
  const { blobs, files } = await findTodo(options, run);
  const isDone = isLoaded(options, loaded) && blobs.length === 0 && files.length === 0;
  if (!isDone) await assertBase(options, loaded, run);
  const here = {
    blobs: await findPlaceable(bundle, blobs, storageSpans(options.storageRoot), run),
    files: await findPlaceableFiles(bundle, files, run),
  };
  const absent = blobs.length + files.length - here.blobs.length - here.files.length;
  const missingVolumes = bundle.volumes.filter(({ foundBytes }) => foundBytes === undefined).map(({ name }) => name);
  const forecast: LoadForecast = {
    kind: isDone ? 'nothing-new' : absent > 0 ? 'partial' : 'to-load',
    generation: loadedNumber(bundle, loaded),
    blobs: here.blobs.length,
    blobBytes: sumSizes(here.blobs),
    presentBlobs: bundle.index.blobs.length - blobs.length,
    files: here.files.length,
    fileBytes: sumSizes(here.files),
    absent,
    missingVolumes: absent > 0 ? missingVolumes : [],
    missingFiles: await findMissingFiles(bundle, options, run),
  };
  return { forecast, come: [...here.blobs, ...here.files], needs: await measureTodo(options, { blobs, files }, run) };
}

/** What is here whole, and what the pieces here complete. */
async function findPlaceable<P extends Placement>(
  bundle: Bundle,
  todo: readonly P[],
  staging: string,
  run: Run,
): Promise<P[]> {
  const whole = todo.filter((one) => isHere(bundle, one));
  if (!bundle.parts || whole.length === todo.length) return whole;
  const divided = todo.filter((one) => !isHere(bundle, one));
  return [...whole, ...(await findJoined(divided, bundle, staging, run))];
}

async function findPlaceableFiles(bundle: Bundle, todo: readonly FilePlacement[], run: Run): Promise<FilePlacement[]> {
  const found: FilePlacement[] = [];
  for (const [root, below] of byRoot(todo)) found.push(...(await findPlaceable(bundle, below, fileSpans(root), run)));
  return found;
}

/** As the record of the load will say, for the numbers of those that follow. */
function rememberedAs({ bundle, storageRoot }: LoadOptions, generation: number): LoadedGeneration {
  const { indexDigest, kind: bundleKind } = bundle;
  const fixed = { apiVersion: 'airlock/v1alpha1', kind: 'LoadRecord', loadedAt: '', target: storageRoot } as const;
  return { folder: '', record: { ...fixed, generation, indexDigest, bundleKind } };
}

function sumSizes(placements: readonly Placement[]): number {
  return placements.reduce((sum, { size }) => sum + size, 0);
}
