import { createHash } from 'node:crypto';
import path from 'node:path';
import type { DiskFile } from '../core/disk.ts';
import { AirlockError } from '../core/errors.ts';
import { diskError, findFile, writeFileAtomic } from '../core/files.ts';
import { prettyJson } from '../core/json.ts';
import { assertRunning, type Run } from '../core/run.ts';
import { type Digest, digestOf, isDigest } from '../oci/index.ts';
import { type Bundle, findVolumes } from './bundle.ts';
import { openBundle } from './open.ts';
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

/** `parts.json` beside the parts; lies on every medium, like index and signature. */
export interface PartList {
  readonly apiVersion: 'airlock/v1alpha1';
  readonly kind: 'PartList';
  readonly generation: number;
  readonly indexDigest: Digest;
  readonly partSizeBytes: number;
  readonly parts: readonly Part[];
}

/** What of a part list is not as it should be: the need list that `build --parts` takes. */
export interface NeededPart extends Part {
  readonly reason: 'missing' | 'size' | 'digest';
}

/** Name of the part list in a folder. */
export const partListName = 'parts.json';

/** The cuts of a bundle: exact, anywhere in a volume. Digests are left empty. */
export function layoutParts(
  bundle: { readonly volumes: readonly { readonly name: string; readonly sizeBytes: number }[] },
  partSizeBytes: number,
): Omit<Part, 'sha256'>[] {
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

/**
 * Cuts the volumes of a bundle into parts in `folder`, with the part list. `only` makes just the named parts again, with the same bytes as
 * the first time. The volumes stay.
 * @throws AirlockError DISK_FULL, FILE_UNWRITABLE, MEMBER_UNKNOWN for a part that the bundle does not have
 */
export async function cutParts(
  bundle: Bundle,
  folder: string,
  partSizeBytes: number,
  only: readonly string[] | undefined,
  run: Run,
): Promise<PartList> {
  const cuts = layoutParts(bundle, partSizeBytes);
  const unknown = only?.find((name) => !cuts.some((cut) => cut.name === name));
  if (unknown !== undefined) throw new AirlockError('MEMBER_UNKNOWN', `the bundle has no part ${unknown} of that size`);
  const there = await readPartList(folder, run);
  const known = there?.indexDigest === bundle.indexDigest && there.partSizeBytes === partSizeBytes ? there : undefined;
  if (only === undefined) await removeOtherParts(folder, cuts, run);
  const progress = reportParts('build', only ? cuts.filter((cut) => only.includes(cut.name)) : cuts, run);
  const parts: Part[] = [];
  for (const cut of cuts) {
    assertRunning(run);
    const before = known?.parts.find((one) => one.name === cut.name);
    const isAsked = only === undefined || only.includes(cut.name);
    if (!isAsked && before) parts.push(before);
    else {
      const target = isAsked ? path.join(folder, cut.name) : undefined;
      parts.push({ ...cut, sha256: await copyCut(bundle, cut, target, progress(cut), run) });
    }
  }
  const list = listOf(bundle.index.generation, bundle.indexDigest, partSizeBytes, parts);
  for (const name of [sideNames.index, sideNames.signature, sideNames.checksums]) {
    const side = await findFile(path.join(bundle.folder, name), run, 1 << 30);
    if (side && folder !== bundle.folder) await writeFileAtomic(path.join(folder, name), side, run);
  }
  await writeFileAtomic(path.join(folder, partListName), prettyJson(list), run);
  return list;
}

function listOf(generation: number, indexDigest: Digest, partSizeBytes: number, parts: readonly Part[]): PartList {
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

/** Parts of an earlier cut that this one does not overwrite: `cat` with a star would take them too. */
async function removeOtherParts(folder: string, cuts: readonly { readonly name: string }[], run: Run): Promise<void> {
  for (const { name } of await run.disk.list(folder))
    if (/^mirror_[0-9]{6}\.tar\.part-[0-9]{4,}$/.test(name) && !cuts.some((cut) => cut.name === name))
      await run.disk.remove(path.join(folder, name));
}

/** The part list of a folder, undefined when it has none. @throws AirlockError BUNDLE_INVALID */
export async function readPartList(folder: string, run: Run): Promise<PartList | undefined> {
  const text = await findFile(path.join(folder, partListName), run);
  if (!text) return undefined;
  try {
    const list = JSON.parse(text.toString('utf8')) as PartList;
    const isList = list.apiVersion === 'airlock/v1alpha1' && list.kind === 'PartList';
    if (isList && isDigest(list.indexDigest) && list.parts.every(isPart) && follow(list.parts)) return list;
  } catch {
    // Said below.
  }
  throw new AirlockError('BUNDLE_INVALID', `${path.join(folder, partListName)} is damaged`, { hint: 'copy it again' });
}

/** The parts that a folder (or several media, mounted side by side) does not hold whole: the need list. Every byte is read. */
export async function findNeeded(list: PartList, folders: readonly string[], run: Run): Promise<NeededPart[]> {
  const needed: NeededPart[] = [];
  const progress = reportParts('verify', list.parts, run);
  for (const part of list.parts) {
    assertRunning(run);
    const file = await findPart(part, folders, run);
    if (file === undefined) needed.push({ ...part, reason: 'missing' });
    else if ((await run.disk.stat(file))?.sizeBytes !== part.size) needed.push({ ...part, reason: 'size' });
    else if ((await hashFile(file, progress(part), run)) !== part.sha256) needed.push({ ...part, reason: 'digest' });
    run.report({ stage: 'verify', subject: part.name, state: 'finished', totalBytes: part.size });
  }
  return needed;
}

/** Takes how many bytes of a part are done; stops the run when it was interrupted. */
type PartProgress = (doneBytes: number) => void;

/** Says how much there is to move, and gives a function that makes the progress of each part. */
function reportParts(
  stage: 'build' | 'verify',
  parts: readonly Omit<Part, 'sha256'>[],
  run: Run,
): (part: Omit<Part, 'sha256'>) => PartProgress {
  const totalBytes = parts.reduce((sum, part) => sum + part.size, 0);
  run.report({ stage, state: 'total', totalBytes, totalItems: parts.length, doneBytes: 0, doneItems: 0 });
  return ({ name, size }) =>
    (doneBytes) => {
      assertRunning(run);
      run.report({ stage, subject: name, state: 'active', doneBytes, totalBytes: size });
    };
}

/**
 * A bundle whose volumes lie in parts, opened without putting them together: as far as its parts are in `folders`. Loading it places the
 * members that are whole; call it again with the next medium.
 * @throws AirlockError BUNDLE_NOT_FOUND, BUNDLE_INVALID
 */
export async function openParts(
  folders: readonly string[],
  run: Run,
): Promise<{ readonly bundle: Bundle; readonly run: Run }> {
  const [first] = folders;
  const list = first === undefined ? undefined : await readPartList(first, run);
  const [opened] = list && first !== undefined ? await openBundle(first, run) : [];
  if (!list || !opened || opened.indexDigest !== list.indexDigest || first === undefined)
    throw new AirlockError('BUNDLE_NOT_FOUND', `${first ?? 'no folder'} holds no part list with its index`);
  const found = new Map<string, string>();
  for (const part of list.parts) {
    const file = await findPart(part, folders, run);
    if (file !== undefined && (await run.disk.stat(file))?.sizeBytes === part.size) found.set(part.name, file);
  }
  const volumes = (await findVolumes(first, opened.index, opened.facts, run)).map((volume) => {
    const any = list.parts.some((part) => part.volume === volume.name && found.has(part.name));
    return { ...volume, foundBytes: any ? volume.sizeBytes : undefined };
  });
  const partsOf = (file: string): readonly Part[] => list.parts.filter((part) => part.volume === path.basename(file));
  const disk = {
    ...run.disk,
    open: async (file: string, access: 'read' | 'write' | 'create', mode?: number): Promise<DiskFile> => {
      const isVolume = volumes.some((volume) => volume.path === file);
      if (access !== 'read' || !isVolume) return run.disk.open(file, access, mode);
      return new JoinedFile(partsOf(file), found, run);
    },
  };
  const covers = (file: string, offset: number, size: number): boolean =>
    partsOf(file).every(
      (part) => part.offset >= offset + size || part.offset + part.size <= offset || found.has(part.name),
    );
  const stretches = (file: string, offset: number, size: number): [number, number][] =>
    partsOf(file)
      .filter((part) => found.has(part.name) && part.offset < offset + size && part.offset + part.size > offset)
      .map((part) => [Math.max(part.offset, offset), Math.min(part.offset + part.size, offset + size)]);
  return { bundle: { ...opened, volumes, covers, stretches }, run: { ...run, disk } };
}

/** Parts of a volume read as if they were the volume; what lies in a part that is not there cannot be read. */
class JoinedFile implements DiskFile {
  readonly #parts: readonly Part[];
  readonly #found: ReadonlyMap<string, string>;
  readonly #run: Run;
  readonly #open = new Map<string, Promise<DiskFile>>();

  constructor(parts: readonly Part[], found: ReadonlyMap<string, string>, run: Run) {
    this.#parts = parts;
    this.#found = found;
    this.#run = run;
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    const part = this.#parts.find((one) => position >= one.offset && position < one.offset + one.size);
    if (!part) return 0;
    const file = this.#found.get(part.name);
    if (file === undefined) throw new AirlockError('PART_MISSING', `${part.name} is not on the media that are here`);
    const handle = this.#open.get(file) ?? this.#run.disk.open(file, 'read');
    this.#open.set(file, handle);
    const limit = Math.min(buffer.length, part.offset + part.size - position);
    return (await handle).read(buffer.subarray(0, limit), position - part.offset);
  }

  write(): Promise<void> {
    return Promise.reject(new Error('parts are read only'));
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  truncate(): Promise<void> {
    return Promise.reject(new Error('parts are read only'));
  }

  async sizeBytes(): Promise<number> {
    return this.#parts.reduce((sum, part) => sum + part.size, 0);
  }

  async close(): Promise<void> {
    for (const file of this.#open.values()) await (await file.catch(() => undefined))?.close();
  }
}

async function findPart(part: Part, folders: readonly string[], run: Run): Promise<string | undefined> {
  for (const folder of folders) {
    const file = path.join(folder, part.name);
    if ((await run.disk.stat(file))?.kind === 'file') return file;
  }
  return undefined;
}

/** Copies a cut and returns its sha256; without a target it is only hashed. */
async function copyCut(
  bundle: Bundle,
  cut: Omit<Part, 'sha256'>,
  target: string | undefined,
  progress: PartProgress,
  run: Run,
): Promise<string> {
  const source = bundle.volumes.find((volume) => volume.name === cut.volume)?.path ?? '';
  if (target === undefined) return hashFile(source, () => assertRunning(run), run, cut.offset, cut.size);
  const hash = createHash('sha256');
  try {
    await run.disk.makeDirectory(path.dirname(target));
    const from = await run.disk.open(source, 'read');
    const to = await run.disk.open(`${target}.partial`, 'write');
    try {
      const buffer = Buffer.allocUnsafe(1 << 20);
      for (let done = 0; done < cut.size; ) {
        const count = await from.read(buffer.subarray(0, Math.min(buffer.length, cut.size - done)), cut.offset + done);
        if (count === 0)
          throw new AirlockError('BUNDLE_DAMAGED', `${source} ends before byte ${cut.offset + cut.size}`);
        hash.update(buffer.subarray(0, count));
        await to.write(buffer.subarray(0, count), done);
        done += count;
        progress(done);
      }
      await to.truncate(cut.size);
      await to.sync();
    } finally {
      await from.close();
      await to.close();
    }
    await run.disk.rename(`${target}.partial`, target);
    run.report({ stage: 'build', subject: cut.name, state: 'finished', totalBytes: cut.size });
    return hash.digest('hex');
  } catch (error) {
    throw diskError(error, target, 'write');
  }
}

async function hashFile(
  file: string,
  progress: PartProgress,
  run: Run,
  offset = 0,
  size = Number.MAX_SAFE_INTEGER,
): Promise<string> {
  const handle = await run.disk.open(file, 'read');
  const hash = createHash('sha256');
  try {
    const buffer = Buffer.allocUnsafe(1 << 20);
    for (let done = 0; ; ) {
      const rest = Math.min(buffer.length, size - done);
      const count = rest === 0 ? 0 : await handle.read(buffer.subarray(0, rest), offset + done);
      if (count === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, count));
      done += count;
      progress(done);
    }
  } finally {
    await handle.close();
  }
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
