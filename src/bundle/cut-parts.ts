import path from 'node:path';
import { AirlockError, isAirlockError } from '../core/errors.ts';
import { findFile, removeTemporaries, writeFileAtomic } from '../core/files.ts';
import { assertRunning, type Run } from '../core/run.ts';
import type { Bundle } from './bundle.ts';
import { copyStretch, hashStretch, type StretchProgress } from './copy-stretch.ts';
import { type CutList, cutListName, emptySum, openCutList } from './cut-list.ts';
import { type Cut, layoutParts, listOf, type PartList, partListName, readPartList, reportParts } from './parts.ts';
import { sideNames } from './seal.ts';

export interface CutOptions {
  readonly folder: string;
  readonly partSizeBytes: number;
  /** Makes just the named parts, with the same bytes as the first time; left out: all. */
  readonly only?: readonly string[] | undefined;
  /** Another folder whose part list knows the sums of the other parts. */
  readonly knownFolder?: string | undefined;
}

/** What a cut did. */
export interface CutOutcome {
  readonly list: PartList;
  /** Names of the parts that were written now. */
  readonly made: readonly string[];
  /** Names of those that were asked for and lay there, right, already. */
  readonly kept: readonly string[];
}

/**
 * Cuts the volumes of a bundle into parts in `folder`, with the part list. The volumes stay. After an interruption it goes on: a part that was
 * finished stays where its bytes still have the sum that was noted for it.
 * @throws AirlockError DISK_FULL, FILE_UNWRITABLE, MEMBER_UNKNOWN for a part that the bundle does not have, BUNDLE_DAMAGED for a volume that is not there whole,
 * USAGE when `only` would go between the parts of another cut
 */
export async function cutParts(bundle: Bundle, options: CutOptions, run: Run): Promise<CutOutcome> {
  const { folder, partSizeBytes, only } = options;
  const cuts = layoutParts(bundle, partSizeBytes);
  const unknown = only?.find((name) => !cuts.some((cut) => cut.name === name));
  if (unknown !== undefined) throw new AirlockError('MEMBER_UNKNOWN', `the bundle has no part ${unknown} of that size`);
  const { indexDigest, index } = bundle;
  const empty = cuts.map((cut) => ({ ...cut, sha256: emptySum }));
  const list = listOf(index.generation, indexDigest, partSizeBytes, empty);
  const isSame = (other: PartList | undefined): boolean =>
    other?.indexDigest === indexDigest && other.partSizeBytes === partSizeBytes;
  const there = await findList(folder, partListName, run);
  // One that an interrupted cut left tells as well whose parts lie here.
  for (const one of [there, await findList(folder, cutListName, run)])
    if (one && !isSame(one)) await makeRoom(folder, one, only !== undefined, run);
  if (only === undefined) await removeOtherParts(folder, cuts, run);
  const elsewhere =
    options.knownFolder === undefined ? undefined : await findList(options.knownFolder, partListName, run);
  const before = [there, elsewhere].find(isSame);
  const known = new Map((before?.parts ?? []).map(({ name, sha256 }) => [name, sha256]));
  // Half-written ones of a run that was killed would be carried along.
  for (const name of [...sides, cutListName]) await removeTemporaries(folder, run, name);
  await writeSideFiles(bundle, folder, run);
  const cutList = await openCutList(folder, list, known, run);
  try {
    const done = await cutEach(
      bundle,
      { folder, cuts, known, cutList, isAsked: (name) => only?.includes(name) ?? true },
      run,
    );
    return { ...done, list: await cutList.finish() };
  } finally {
    await cutList.close();
  }
}

interface CutJob {
  readonly folder: string;
  readonly cuts: readonly Cut[];
  /** Sums of a list that was finished. */
  readonly known: ReadonlyMap<string, string>;
  readonly cutList: CutList;
  readonly isAsked: (name: string) => boolean;
}

async function cutEach(bundle: Bundle, job: CutJob, run: Run): Promise<Omit<CutOutcome, 'list'>> {
  const { folder, known, cutList, isAsked } = job;
  const cuts = job.cuts.filter(({ name }) => isAsked(name) || !cutList.sums.has(name));
  const progressOf = reportParts('build', cuts, run);
  const made: string[] = [];
  const kept: string[] = [];
  for (const cut of cuts) {
    assertRunning(run);
    const progress = progressOf(cut);
    const target = path.join(folder, cut.name);
    if (!isAsked(cut.name)) await cutList.record(cut.name, await hashStretch(sourceOf(bundle, cut), progress, run));
    else if (await isWhole(target, cut, cutList.sums.get(cut.name), progress, run)) kept.push(cut.name);
    else {
      const accept = (sha256: string): void => assertSame(bundle, cut, sha256, known.get(cut.name), folder);
      const sha256 = await copyStretch(sourceOf(bundle, cut), target, { progress, accept }, run);
      await cutList.record(cut.name, sha256);
      made.push(cut.name);
    }
    run.report({ stage: 'build', subject: cut.name, state: 'finished', totalBytes: cut.size });
  }
  return { made, kept };
}

/** Whether a part lies there with the sum that was noted for it. */
async function isWhole(
  file: string,
  cut: Cut,
  sha256: string | undefined,
  progress: StretchProgress,
  run: Run,
): Promise<boolean> {
  if (sha256 === undefined || (await run.disk.stat(file))?.sizeBytes !== cut.size) return false;
  try {
    return (await hashStretch({ path: file, offset: 0 }, progress, run)) === sha256;
  } catch (error) {
    // One that cannot be read is made again.
    if (isAirlockError(error, 'FILE_UNREADABLE')) return false;
    throw error;
  }
}

/** Where the bytes of a cut lie. @throws AirlockError BUNDLE_DAMAGED */
function sourceOf(bundle: Bundle, { volume: name, offset, size }: Cut): { path: string; offset: number; size: number } {
  const volume = bundle.volumes.find((one) => one.name === name);
  if (volume && volume.foundBytes === volume.sizeBytes) return { path: volume.path, offset, size };
  const is = volume?.foundBytes === undefined ? 'is not there any more' : 'has the wrong size';
  throw new AirlockError('BUNDLE_DAMAGED', `${path.join(bundle.folder, name)} ${is}: parts of it cannot be made`, {
    hint: 'put the volume back there; where nobody has it, build the set anew with --full and carry that',
  });
}

/** A volume that changed since would give a part that fits no other. */
function assertSame(bundle: Bundle, cut: Cut, sha256: string, known: string | undefined, folder: string): void {
  if (known === undefined || known === sha256) return;
  throw new AirlockError(
    'BUNDLE_DAMAGED',
    `${path.join(bundle.folder, cut.volume)} gives ${cut.name} other bytes than the first time (bytes ${cut.offset} to ${cut.offset + cut.size})`,
    {
      hint: `look at it with airlock verify ${bundle.folder}; where that is whole, remove ${path.join(folder, partListName)}`,
    },
  );
}

/** The part list of a folder; one that is damaged is made again. */
async function findList(folder: string, name: string, run: Run): Promise<PartList | undefined> {
  return readPartList(folder, run, name).catch((error: unknown) => {
    if (isAirlockError(error, 'BUNDLE_INVALID')) return undefined;
    throw error;
  });
}

/** Parts of another cut cannot lie beside these: the names are the same. */
async function makeRoom(folder: string, there: PartList, isSome: boolean, run: Run): Promise<void> {
  const what = `parts of generation ${there.generation} (${there.partSizeBytes} bytes each)`;
  if (isSome) {
    throw new AirlockError('USAGE', `${folder} holds ${what}, among which these cannot lie`, {
      hint: 'name another folder with --parts-dir',
    });
  }
  run.report({ stage: 'build', state: 'log', level: 'info', message: `${folder} holds ${what}: they are replaced` });
  // The list first: nobody is to believe it while its parts go.
  for (const name of [partListName, cutListName]) await run.disk.remove(path.join(folder, name));
  for (const { name } of there.parts) await run.disk.remove(path.join(folder, name));
}

/** Parts of an earlier cut that this one does not overwrite: `cat` with a star would take them too. And what was begun and is begun again. */
async function removeOtherParts(folder: string, cuts: readonly Cut[], run: Run): Promise<void> {
  const names = new Set(cuts.map((cut) => cut.name));
  for (const { name } of await run.disk.list(folder))
    if (/^mirror_[0-9]{6}\.tar\.part-[0-9]{4,}(?:\.partial)?$/.test(name) && !names.has(name))
      await run.disk.remove(path.join(folder, name));
}

const sides = [sideNames.index, sideNames.signature, sideNames.checksums];

async function writeSideFiles(bundle: Bundle, folder: string, run: Run): Promise<void> {
  for (const name of sides) {
    const side = await findFile(path.join(bundle.folder, name), run, 1 << 30);
    const target = path.join(folder, name);
    const there = await findFile(target, run, 1 << 30);
    if (side && path.resolve(folder) !== path.resolve(bundle.folder) && !there?.equals(side))
      await writeFileAtomic(target, side, run);
  }
}
