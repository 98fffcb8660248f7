import path from 'node:path';
import { AirlockError, findErrno, isAirlockError } from '../core/errors.ts';
import { findFile } from '../core/files.ts';
import { prettyJson } from '../core/json.ts';
import { assertRunning, type Run } from '../core/run.ts';
import { type Digest, digestOf, isDigest } from '../oci/index.ts';
import { hashStretch, type StretchProgress } from './copy-stretch.ts';
import { sideNames } from './seal.ts';

/** One media-sized cut of a volume: `cat` of a volume's parts in order gives the volume. */
export interface Part {
  /** `mirror_000001.tar.part-0001`. */
  readonly name: string;
  readonly volume: string;
  readonly offset: number;
  readonly size: number;
  readonly sha256: string;
}

/** Where a part lies in its volume. */
export type Cut = Omit<Part, 'sha256'>;

/** `parts.json` beside the parts; lies on every medium, like index and signature. */
export interface PartList {
  readonly apiVersion: 'airlock/v1alpha1';
  readonly kind: 'PartList';
  readonly generation: number;
  readonly indexDigest: Digest;
  readonly partSizeBytes: number;
  readonly parts: readonly Part[];
}

/** What is wrong with a part or a volume. */
export type PartFault = 'missing' | 'size' | 'digest' | 'unreadable';

/** What of a part list is not as it should be: the need list that `build --parts` takes. */
export interface NeededPart extends Part {
  readonly reason: PartFault;
}

/** Name of the part list in a folder. */
export const partListName = 'parts.json';

/** The cuts of a bundle: exact, anywhere in a volume. Digests are left empty. */
export function layoutParts(
  bundle: { readonly volumes: readonly { readonly name: string; readonly sizeBytes: number }[] },
  partSizeBytes: number,
): Cut[] {
  if (!Number.isSafeInteger(partSizeBytes) || partSizeBytes < 1)
    throw new AirlockError('USAGE', 'a part has to hold at least one byte');
  return bundle.volumes.flatMap(({ name, sizeBytes }) => {
    const count = Math.ceil(sizeBytes / partSizeBytes);
    return Array.from({ length: count }, (_, at) => {
      const offset = at * partSizeBytes;
      const size = Math.min(partSizeBytes, sizeBytes - offset);
      return { name: `${name}.part-${String(at + 1).padStart(4, '0')}`, volume: name, offset, size };
    });
  });
}

/** A part list. */
export function listOf(
  generation: number,
  indexDigest: Digest,
  partSizeBytes: number,
  parts: readonly Part[],
): PartList {
  return { apiVersion: 'airlock/v1alpha1', kind: 'PartList', generation, indexDigest, partSizeBytes, parts };
}

/** Sizes of what cutting a bundle will leave in the folder of its parts, by name. `sealed` are the files of the generation's folder. */
export function forecastParts(
  generation: number,
  volumes: readonly { readonly name: string; readonly sizeBytes: number }[],
  sealed: ReadonlyMap<string, number>,
  partSizeBytes: number,
): Map<string, number> {
  const parts = layoutParts({ volumes }, partSizeBytes).map((cut) => ({ ...cut, sha256: '0'.repeat(64) }));
  const list = listOf(generation, digestOf(''), partSizeBytes, parts);
  const side = [sideNames.index, sideNames.signature, sideNames.checksums];
  return new Map([
    ...parts.map(({ name, size }): [string, number] => [name, size]),
    ...side.map((name): [string, number] => [name, sealed.get(name) ?? 0]),
    [partListName, Buffer.byteLength(prettyJson(list))],
  ]);
}

/** The part list of a folder, undefined when it has none. @throws AirlockError BUNDLE_INVALID */
export async function readPartList(folder: string, run: Run, name = partListName): Promise<PartList | undefined> {
  const text = await findFile(path.join(folder, name), run);
  if (!text) return undefined;
  try {
    const list = JSON.parse(text.toString('utf8')) as PartList;
    const isList = list.apiVersion === 'airlock/v1alpha1' && list.kind === 'PartList';
    if (isList && isDigest(list.indexDigest) && list.parts.every(isPart) && follow(list.parts)) return list;
  } catch {
    // Said below.
  }
  throw new AirlockError('BUNDLE_INVALID', `${path.join(folder, name)} is damaged`, { hint: 'copy it again' });
}

/** The parts that a folder (or several media, mounted side by side) does not hold whole: the need list. Every byte is read. */
export async function findNeeded(list: PartList, folders: readonly string[], run: Run): Promise<NeededPart[]> {
  const needed: NeededPart[] = [];
  const progressOf = reportParts('verify', list.parts, run);
  for (const part of list.parts) {
    assertRunning(run);
    const reason = await judgePart(part, await findPart(part, folders, run), progressOf(part), run);
    if (reason) needed.push({ ...part, reason });
    run.report({ stage: 'verify', subject: part.name, state: 'finished', totalBytes: part.size });
  }
  return needed;
}

async function judgePart(
  part: Part,
  file: string | undefined,
  progress: StretchProgress,
  run: Run,
): Promise<PartFault | undefined> {
  if (file === undefined) return 'missing';
  if ((await run.disk.stat(file))?.sizeBytes !== part.size) return 'size';
  try {
    return (await hashStretch({ path: file, offset: 0 }, progress, run)) === part.sha256 ? undefined : 'digest';
  } catch (error) {
    // A scratched or worn medium: the other parts are looked at all the same. Where somebody else may read it, nothing has to be made again.
    const isForbidden = ['EACCES', 'EPERM'].includes(findErrno(error) ?? '');
    if (isAirlockError(error, 'FILE_UNREADABLE') && !isForbidden) return 'unreadable';
    throw error;
  }
}

/** Says how much there is to move, and gives a function that makes the progress of each part. */
export function reportParts(
  stage: 'build' | 'verify',
  parts: readonly Cut[],
  run: Run,
): (part: Cut) => StretchProgress {
  const totalBytes = parts.reduce((sum, part) => sum + part.size, 0);
  run.report({ stage, state: 'total', totalBytes, totalItems: parts.length, doneBytes: 0, doneItems: 0 });
  return ({ name, size }) =>
    (doneBytes) =>
      run.report({ stage, subject: name, state: 'active', doneBytes, totalBytes: size });
}

/** Where a part lies: in the first of the folders that has it in its size, else in the first that has it at all. */
export async function findPart(part: Part, folders: readonly string[], run: Run): Promise<string | undefined> {
  let other: string | undefined;
  for (const folder of folders) {
    const file = path.join(folder, part.name);
    const stat = await run.disk.stat(file);
    if (stat?.kind !== 'file') continue;
    if (stat.sizeBytes === part.size) return file;
    other ??= file;
  }
  return other;
}

/** Whether the parts of each volume follow one another without gap or overlap. */
function follow(parts: readonly Part[]): boolean {
  const ends = new Map<string, number>();
  return parts.every(({ volume, offset, size }) => {
    const fits = offset === (ends.get(volume) ?? 0) && size > 0;
    ends.set(volume, offset + size);
    return fits;
  });
}

function isPart(part: Part): boolean {
  const named =
    /^mirror_[0-9]{6}\.tar\.part-[0-9]{4,}$/.test(part.name) && part.name.startsWith(`${part.volume}.part-`);
  return (
    named && Number.isSafeInteger(part.offset) && Number.isSafeInteger(part.size) && /^[0-9a-f]{64}$/.test(part.sha256)
  );
}
