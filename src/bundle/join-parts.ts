import path from 'node:path';
import type { DiskFile } from '../core/disk.ts';
import { AirlockError } from '../core/errors.ts';
import { diskError } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { type Bundle, findVolumes } from './bundle.ts';
import { openBundle } from './open.ts';
import { findPart, type Part, readPartList } from './parts.ts';

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
  // Made once: it is asked for each of a hundred thousand members.
  const partsHere = new Map(
    volumes.map((volume) => [
      volume.path,
      partsOf(volume.path).map((part) => ({ ...part, file: found.get(part.name) })),
    ]),
  );
  const parts: NonNullable<Bundle['parts']> = (file) => partsHere.get(file) ?? [];
  return { bundle: { ...opened, volumes, parts }, run: { ...run, disk } };
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
    try {
      return await (await handle).read(buffer.subarray(0, limit), position - part.offset);
    } catch (error) {
      // Whoever asked knows the volume, which nobody has, and not the part.
      throw diskError(error, file, 'read');
    }
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
