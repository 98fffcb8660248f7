import path from 'node:path';
import {
  acquireLock,
  type Bundle,
  copyStretch,
  cutParts,
  findUnfinishedCut,
  generationText,
  openBundle,
  type PartList,
  readPartList,
  readSums,
} from '../bundle/index.ts';
import { AirlockError, isAirlockError } from '../core/errors.ts';
import { readFileLimited, writeFileAtomic } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { holdsParts, type NeedList, readNeedList } from './media.ts';

/** Parts that were made. */
export interface PartsResult {
  readonly folder: string;
  readonly generation: number;
  /** Left out: whole volumes were copied. */
  readonly partSizeBytes?: number;
  /** Names of what was written now. */
  readonly made: readonly string[];
  /** How many parts there are in all. */
  readonly parts: number;
}

/** Where parts of a generation go when no folder is named. */
export function usualPartsFolder(generationFolder: string): string {
  return path.join(generationFolder, 'parts');
}

export interface CutRequest {
  readonly generationFolder: string;
  /** Left out: `parts` in the generation's folder. */
  readonly partsFolder?: string | undefined;
  readonly partSizeBytes: number;
  /** Its lock is held meanwhile. */
  readonly workspace: string;
}

/**
 * Cuts a sealed bundle into parts for media; does nothing where they all are already, and goes on with a cut that was interrupted.
 * @throws AirlockError DISK_FULL, FILE_UNWRITABLE, BUNDLE_DAMAGED, USAGE, WORKSPACE_LOCKED
 */
export async function cutBundle(request: CutRequest, run: Run): Promise<PartsResult> {
  const { generationFolder, partSizeBytes } = request;
  const folder = request.partsFolder ?? usualPartsFolder(generationFolder);
  const lock = await acquireLock(request.workspace, 'airlock build', run);
  try {
    const bundle = await openOne(generationFolder, run);
    const there = await findOwnList(bundle, folder, partSizeBytes, run);
    if (there && (await holdsParts(folder, there, run))) return describe(bundle, folder, there, []);
    const cut = await cutParts(bundle, { folder, partSizeBytes }, run);
    return describe(bundle, folder, cut.list, cut.made);
  } finally {
    await lock.release();
  }
}

/**
 * Whether the cut that is asked for was interrupted, and can go on: it does before anything new is built. It was not where all parts were made
 * once, and only some of them were being made again; it cannot where a volume is gone.
 */
export async function isCutInterrupted(request: Omit<CutRequest, 'workspace'>, run: Run): Promise<boolean> {
  const { generationFolder, partSizeBytes } = request;
  const folder = request.partsFolder ?? usualPartsFolder(generationFolder);
  // First: mostly there is none, and the bundle may have been taken away.
  const begun = await findUnfinishedCut(folder, run);
  if (begun?.partSizeBytes !== partSizeBytes) return false;
  const bundle = await openOne(generationFolder, run);
  const isWhole = bundle.volumes.every(({ sizeBytes, foundBytes }) => foundBytes === sizeBytes);
  if (begun.indexDigest !== bundle.indexDigest || !isWhole) return false;
  return (await findOwnList(bundle, folder, partSizeBytes, run)) === undefined;
}

/** The folder of the newest sealed generation below DIR. */
export async function findNewest(folder: string, run: Run): Promise<string | undefined> {
  const last = (await listGenerations(folder, run)).at(-1);
  return last === undefined ? undefined : path.join(folder, last);
}

async function listGenerations(folder: string, run: Run): Promise<string[]> {
  return (await run.disk.list(folder)).map((entry) => entry.name).filter((name) => /^gen-[0-9]{6}$/.test(name));
}

/** What `build --parts LIST` makes again. */
export interface NeededRequest {
  /** DIR, or the generation's folder. */
  readonly folder: string;
  readonly needListFile: string;
  /** Where the parts go; left out: `parts` in the generation's folder. */
  readonly partsFolder?: string | undefined;
  /** Left out: `.airlock` beside the generation's folder, where there is one. */
  readonly workspace?: string | undefined;
}

/** What was made again, for whoever needs it. */
export interface NeededResult extends PartsResult {
  /** Names of what was asked for and lay there, right, already. */
  readonly kept: readonly string[];
}

/**
 * Makes just the parts (or copies just the volumes) of a need list again, byte for byte as the first time.
 * @throws AirlockError NEED_LIST_INVALID, BUNDLE_NOT_FOUND, BUNDLE_INVALID when the bundle here is another one, BUNDLE_DAMAGED, WORKSPACE_LOCKED
 */
export async function makeNeeded(request: NeededRequest, run: Run): Promise<NeededResult> {
  const list = await readNeedList(request.needListFile, run);
  const bundle = await findNeededBundle(request.folder, list, run);
  const workspace = request.workspace ?? path.join(path.dirname(bundle.folder), '.airlock');
  // A generation that was copied elsewhere, perhaps onto a medium that cannot be written, has none.
  if (!(await run.disk.stat(workspace))) return makeParts(request, list, bundle, run);
  const lock = await acquireLock(workspace, 'airlock build --parts', run);
  try {
    return await makeParts(request, list, bundle, run);
  } finally {
    await lock.release();
  }
}

async function makeParts(request: NeededRequest, list: NeedList, bundle: Bundle, run: Run): Promise<NeededResult> {
  const usual = usualPartsFolder(bundle.folder);
  const folder = request.partsFolder ?? usual;
  const only = list.needs.map((need) => need.name);
  if (list.partSizeBytes !== undefined) {
    const options = { folder, partSizeBytes: list.partSizeBytes, only, knownFolder: usual };
    const cut = await cutParts(bundle, options, run);
    return { ...describe(bundle, folder, cut.list, cut.made), kept: cut.kept };
  }
  const sums = await readSums(bundle.folder, run);
  for (const name of only) await copyVolume(bundle, name, { target: path.join(folder, name), sums }, run);
  for (const name of ['index.json', 'index.sig', 'index.sha256']) {
    const bytes = await readFileLimited(path.join(bundle.folder, name), run, 1 << 30);
    await writeFileAtomic(path.join(folder, name), bytes, run);
  }
  return { folder, generation: list.generation, made: only, kept: [], parts: bundle.volumes.length };
}

/** The bundle that a need list is of: in the folder of its generation below DIR, or in DIR itself. */
async function findNeededBundle(
  folder: string,
  { generation, indexDigest }: { readonly generation: number; readonly indexDigest: string },
  run: Run,
): Promise<Bundle> {
  const own = `gen-${generationText(generation)}`;
  const below = await listGenerations(folder, run);
  if (below.length > 0 && !below.includes(own)) {
    throw new AirlockError('BUNDLE_NOT_FOUND', `generation ${generation} is not in ${folder} any more`, {
      hint: `there: ${below.join(', ')}; put it back, or name the folder where it is; where nobody has it, build the set anew with --full and carry that`,
    });
  }
  const generationFolder = below.includes(own) ? path.join(folder, own) : folder;
  const bundle = await openOne(generationFolder, run);
  if (bundle.indexDigest === indexDigest) return bundle;
  throw new AirlockError(
    'BUNDLE_INVALID',
    `the need list is of another bundle than generation ${bundle.index.generation} in ${generationFolder}`,
    {
      hint: `it needs generation ${generation} with index ${indexDigest}; where nobody has that, build the set anew with --full and carry it`,
    },
  );
}

async function openOne(folder: string, run: Run): Promise<Bundle> {
  const [bundle, second] = await openBundle(folder, run);
  if (bundle && !second) return bundle;
  throw new AirlockError('USAGE', `${folder} holds several generations`, { hint: 'name the folder of one of them' });
}

/** The list of a cut that was finished, when it is of this bundle and size; one that is damaged is as none. */
async function findOwnList(
  bundle: Bundle,
  folder: string,
  partSizeBytes: number,
  run: Run,
): Promise<PartList | undefined> {
  try {
    const list = await readPartList(folder, run);
    return list?.indexDigest === bundle.indexDigest && list.partSizeBytes === partSizeBytes ? list : undefined;
  } catch (error) {
    if (isAirlockError(error, 'BUNDLE_INVALID')) return undefined;
    throw error;
  }
}

function describe(bundle: Bundle, folder: string, list: PartList, made: readonly string[]): PartsResult {
  const { partSizeBytes, parts } = list;
  return { folder, generation: bundle.index.generation, partSizeBytes, made, parts: parts.length };
}

async function copyVolume(
  bundle: Bundle,
  name: string,
  { target, sums }: { readonly target: string; readonly sums: ReadonlyMap<string, string> },
  run: Run,
): Promise<void> {
  const volume = bundle.volumes.find((one) => one.name === name);
  if (!volume) throw new AirlockError('NEED_LIST_INVALID', `the bundle has no volume ${name}`);
  if (path.resolve(volume.path) === path.resolve(target)) return;
  const damaged = (what: string): AirlockError =>
    new AirlockError('BUNDLE_DAMAGED', `${volume.path} ${what}: it cannot be copied again`, {
      hint: 'put a good one back there; where nobody has one, build the set anew with --full and carry that',
    });
  if (volume.foundBytes === undefined) throw damaged('is not there any more');
  const progress = (doneBytes: number): void =>
    run.report({ stage: 'build', subject: name, state: 'active', doneBytes, totalBytes: volume.sizeBytes });
  const accept = (sha256: string): void => {
    if ((sums.get(name) ?? sha256) !== sha256) throw damaged('does not have its sum of sha256sum.txt');
  };
  await copyStretch({ path: volume.path, offset: 0, size: volume.sizeBytes }, target, { progress, accept }, run);
  run.report({ stage: 'build', subject: name, state: 'finished', totalBytes: volume.sizeBytes });
}
