import path from 'node:path';
import { AirlockError } from '../core/errors.ts';
import { mapLimited } from '../core/limit.ts';
import type { Run } from '../core/run.ts';
import { blobPath, type Digest, digestAlgorithm, digestHex, storageRoot as storageTree } from '../oci/index.ts';
import { type Bundle, isHere, locateMember } from './bundle.ts';
import type { FileNeed } from './load-space.ts';
import { type LoadedGeneration, readLoadedIndex } from './load-state.ts';
import type { Placement } from './place-data.ts';
import { type FilePlacement, type FilePlaces, findAbsent, findFiles, measureFiles } from './place-files.ts';
import { measureSpans } from './place-spans.ts';

/** What is loaded, and where to. */
export interface LoadOptions extends FilePlaces {
  readonly bundle: Bundle;
  /** The folder that holds `docker/registry/v2`. */
  readonly storageRoot: string;
  /** Where load records and copies of index and configuration are kept. */
  readonly stateFolder: string;
}

/** What is not where it belongs yet. */
export interface Todo {
  readonly blobs: readonly Placement[];
  readonly files: readonly FilePlacement[];
}

/** Blobs and files of a bundle that are not there yet. */
export async function findTodo({ bundle, ...options }: LoadOptions, run: Run): Promise<Todo> {
  const blobs = bundle.index.blobs.map((blob): Placement => {
    const target = path.join(options.storageRoot, blobPath(blob.digest));
    const hash = { algorithm: digestAlgorithm(blob.digest), hex: digestHex(blob.digest) };
    return { ...hash, name: blob.digest, source: locateMember(bundle, blob), size: blob.size, target, mode: 0o644 };
  });
  return { blobs: await findAbsent(blobs, run), files: await findFiles(bundle, options, run) };
}

/** What a load would write of that now: what is here whole, and the pieces that are not placed yet of the rest. */
export async function measureTodo({ bundle, storageRoot }: LoadOptions, todo: Todo, run: Run): Promise<FileNeed[]> {
  const whole = todo.blobs.filter((one) => isHere(bundle, one));
  const divided = whole.length === todo.blobs.length ? [] : todo.blobs.filter((one) => !isHere(bundle, one));
  return [
    ...whole,
    ...(await measureSpans(divided, bundle, storageSpans(storageRoot), run)),
    ...(await measureFiles(bundle, todo.files, run)),
  ];
}

/** Where pieces of blobs wait that a cut divides between media. */
export function storageSpans(storageRoot: string): string {
  return path.join(storageRoot, storageTree, '_airlock-spans');
}

/** Whether a bundle was loaded to these very places before. */
export function isLoaded({ bundle, ...options }: LoadOptions, loaded: readonly LoadedGeneration[]): boolean {
  return loaded.some(({ record }) => record.indexDigest === bundle.indexDigest && isSameTarget(record, options));
}

function isSameTarget(record: LoadedGeneration['record'], options: Omit<LoadOptions, 'bundle'>): boolean {
  return (
    record.target === options.storageRoot &&
    record.webRoot === options.webRoot &&
    record.toolsDir === options.toolsDir &&
    record.filesDir === options.filesDir
  );
}

/**
 * What an earlier generation carried has to be in the storage: its records say which generations were loaded, the storage what is there.
 * @throws AirlockError BASE_MISSING
 */
export async function assertBase(
  { bundle, storageRoot }: LoadOptions,
  loaded: readonly LoadedGeneration[],
  run: Run,
): Promise<void> {
  const { assumed, generation, parent } = bundle.index;
  const blobFile = (digest: Digest): string => path.join(storageRoot, blobPath(digest));
  const there = await mapLimited(
    assumed,
    16,
    async (digest) => (await run.disk.stat(blobFile(digest)))?.kind === 'file',
  );
  const missing = assumed.filter((_, at) => !there[at]);
  if (missing.length === 0) return;
  const lost = await findLost(missing, loaded, run);
  const have = loaded.map(({ record }) => record.generation);
  const holds =
    have.length === 0
      ? 'no generation was loaded here'
      : `loaded here: ${have.map((one) => `generation ${one}`).join(', ')}`;
  const what = bundle.kind === 'foreign' ? 'this archive of oc-mirror' : `generation ${generation}`;
  const needs = parent ? `generation ${parent.generation} (index ${parent.indexDigest})` : 'an earlier archive';
  const gone = lost.length === 0 ? '' : `; what generation ${lost.join(', ')} brought was lost since`;
  const again = parent
    ? `load generation ${parent.generation} first, or build with --full`
    : 'load the earlier archives first, oldest first';
  throw new AirlockError(
    'BASE_MISSING',
    `${what} needs ${needs} before it: ${missing.length} of the ${assumed.length} blobs that it builds on are not in ${storageRoot}; ${holds}${gone}`,
    {
      hint: lost.length === 0 ? again : `load generation ${lost.join(', ')} again, or build with --full`,
      details: { generation, parent, missing, loaded: have, lost },
    },
  );
}

/** Generations that were loaded here and brought what is missing now. */
async function findLost(missing: readonly Digest[], loaded: readonly LoadedGeneration[], run: Run): Promise<number[]> {
  const wanted = new Set(missing);
  const lost: number[] = [];
  for (const one of loaded)
    if ((await readLoadedIndex(one, run)).blobs.some((blob) => wanted.has(blob.digest)))
      lost.push(one.record.generation);
  return lost;
}
