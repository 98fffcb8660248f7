import path from 'node:path';
import { type Bundle, cutParts, generationText, openBundle, type PartList, readPartList } from '../bundle/index.ts';
import { AirlockError } from '../core/errors.ts';
import { diskError, readFileLimited, writeFileAtomic } from '../core/files.ts';
import { assertRunning, type Run } from '../core/run.ts';
import { holdsParts, readNeedList } from './media.ts';

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

/**
 * Cuts a sealed bundle into parts for media; does nothing where they all are already.
 * @throws AirlockError DISK_FULL, FILE_UNWRITABLE, BUNDLE_DAMAGED, USAGE
 */
export async function cutBundle(
  generationFolder: string,
  folder: string,
  partSizeBytes: number,
  run: Run,
): Promise<PartsResult> {
  const bundle = await openOne(generationFolder, run);
  const there = await readPartList(folder, run);
  const fits = there?.indexDigest === bundle.indexDigest && there.partSizeBytes === partSizeBytes;
  const list = fits && (await holdsParts(folder, there, run)) ? there : undefined;
  if (list) return describe(bundle, folder, list, []);
  const cut = await cutParts(bundle, folder, partSizeBytes, undefined, run);
  return describe(
    bundle,
    folder,
    cut,
    cut.parts.map((part) => part.name),
  );
}

/** The folder of the newest sealed generation below DIR. @throws AirlockError BUNDLE_NOT_FOUND */
export async function findNewest(folder: string, run: Run): Promise<string> {
  const names = (await run.disk.list(folder)).map((entry) => entry.name).filter((name) => /^gen-[0-9]{6}$/.test(name));
  const last = names.at(-1);
  if (last !== undefined) return path.join(folder, last);
  throw new AirlockError('BUNDLE_NOT_FOUND', `${folder} holds no bundle any more`, {
    hint: 'build it again with --full',
  });
}

/** What `build --parts LIST` makes again. */
export interface NeededRequest {
  /** DIR, or the generation's folder. */
  readonly folder: string;
  readonly needListFile: string;
  /** Where the parts go; left out: `parts` in the generation's folder. */
  readonly partsFolder?: string | undefined;
}

/**
 * Makes just the parts (or copies just the volumes) of a need list again, byte for byte as the first time.
 * @throws AirlockError NEED_LIST_INVALID, BUNDLE_NOT_FOUND, BUNDLE_INVALID when the bundle here is another one
 */
export async function makeNeeded(request: NeededRequest, run: Run): Promise<PartsResult> {
  const list = await readNeedList(request.needListFile, run);
  const own = path.join(request.folder, `gen-${generationText(list.generation)}`);
  const generationFolder = (await run.disk.stat(own)) ? own : request.folder;
  const bundle = await openOne(generationFolder, run);
  if (bundle.indexDigest !== list.indexDigest) {
    throw new AirlockError(
      'BUNDLE_INVALID',
      `the need list is of another bundle than generation ${bundle.index.generation} in ${generationFolder}`,
      { hint: `it needs generation ${list.generation} with index ${list.indexDigest}` },
    );
  }
  const folder = request.partsFolder ?? usualPartsFolder(generationFolder);
  const made = list.needs.map((need) => need.name);
  if (list.partSizeBytes !== undefined)
    return describe(bundle, folder, await cutParts(bundle, folder, list.partSizeBytes, made, run), made);
  for (const name of made) await copyVolume(bundle, name, path.join(folder, name), run);
  for (const name of ['index.json', 'index.sig', 'index.sha256']) {
    const bytes = await readFileLimited(path.join(generationFolder, name), run, 1 << 30);
    await writeFileAtomic(path.join(folder, name), bytes, run);
  }
  return { folder, generation: list.generation, made, parts: bundle.volumes.length };
}

async function openOne(folder: string, run: Run): Promise<Bundle> {
  const [bundle, second] = await openBundle(folder, run);
  if (bundle && !second) return bundle;
  throw new AirlockError('USAGE', `${folder} holds several generations`, { hint: 'name the folder of one of them' });
}

function describe(bundle: Bundle, folder: string, list: PartList, made: readonly string[]): PartsResult {
  const { partSizeBytes, parts } = list;
  return { folder, generation: bundle.index.generation, partSizeBytes, made, parts: parts.length };
}

async function copyVolume(bundle: Bundle, name: string, target: string, run: Run): Promise<void> {
  const volume = bundle.volumes.find((one) => one.name === name);
  if (!volume) throw new AirlockError('NEED_LIST_INVALID', `the bundle has no volume ${name}`);
  if (path.resolve(volume.path) === path.resolve(target)) return;
  const partial = `${target}.partial`;
  try {
    await run.disk.makeDirectory(path.dirname(target));
    await run.disk.remove(partial);
    const from = await run.disk.open(volume.path, 'read');
    const to = await run.disk.open(partial, 'create');
    try {
      const buffer = Buffer.allocUnsafe(1 << 20);
      for (let done = 0; ; ) {
        assertRunning(run);
        const count = await from.read(buffer, done);
        if (count === 0) break;
        await to.write(buffer.subarray(0, count), done);
        done += count;
        run.report({ stage: 'build', subject: name, state: 'active', doneBytes: done, totalBytes: volume.sizeBytes });
      }
      await to.sync();
    } finally {
      await Promise.all([from.close(), to.close()]);
    }
    await run.disk.rename(partial, target);
    run.report({ stage: 'build', subject: name, state: 'finished', totalBytes: volume.sizeBytes });
  } catch (error) {
    throw diskError(error, target, 'write');
  }
}
