import { createHash } from 'node:crypto';
import path from 'node:path';
import type { DiskFile } from '../core/disk.ts';
import { AirlockError } from '../core/errors.ts';
import { diskError } from '../core/files.ts';
import { mapLimited } from '../core/limit.ts';
import { assertRunning, type Run } from '../core/run.ts';
import { SequentialReader } from './sequential-reader.ts';

/** Data of a member and the file it becomes. */
export interface Placement {
  /** For people and events: a digest or a path. */
  readonly name: string;
  /** The volume's file, and where in it. */
  readonly source: { readonly path: string; readonly offset: number };
  readonly size: number;
  readonly algorithm: 'sha256' | 'sha512';
  readonly hex: string;
  readonly target: string;
  readonly mode: number;
}

/** After so many files or bytes they are synced together and given their names. */
const groupFiles = 4096;
const groupBytes = 1 << 30;

/** Places all of them below one staging folder, several at once. */
export async function placeAll(placements: readonly Placement[], staging: string, run: Run): Promise<void> {
  const placer = await Placer.open(staging, run);
  try {
    await mapLimited(placements, 4, (one) => placer.place(one));
    await placer.finish();
  } finally {
    await placer.close();
  }
}

/**
 * Places members as files: each byte read once, hashed, written once under a temporary name in `staging` (on the same file system); what has
 * its digest is synced in groups and only then renamed. A crash loses at most one group.
 */
export class Placer {
  readonly #staging: string;
  readonly #run: Run;
  readonly #volumes = new Map<string, Promise<DiskFile>>();
  readonly #folders = new Map<string, Promise<void>>();
  /** What has to be synced one by one where a whole file system cannot. */
  readonly #touched = new Set<string>();
  readonly #texts: string[] = [];
  /** Buffers of members that were copied whole: new ones for each would be most of the memory that a load touches. */
  readonly #spare: Buffer[][] = [];
  #group: { readonly temporary: string; readonly target: string }[] = [];
  #groupBytes = 0;
  #counter = 0;

  private constructor(staging: string, run: Run) {
    this.#staging = staging;
    this.#run = run;
  }

  /** Starts with an empty staging folder: what a killed run left there is nothing that anybody needs. */
  static async open(staging: string, run: Run): Promise<Placer> {
    const placer = new Placer(staging, run);
    await run.disk.remove(staging);
    await run.disk.makeDirectory(staging);
    for (let at = staging; !placer.#folders.has(at); at = path.dirname(at)) {
      placer.#folders.set(at, Promise.resolve());
      placer.#touched.add(path.dirname(at));
    }
    return placer;
  }

  /** @throws AirlockError BUNDLE_DAMAGED when the member does not have its digest */
  async place(placement: Placement): Promise<void> {
    const { name, size, mode, target } = placement;
    this.#run.report({ stage: 'load', subject: name, state: 'started', totalBytes: size });
    const temporary = await this.#write(mode, (file) => this.#copy(placement, file));
    this.#group.push({ temporary, target });
    this.#groupBytes += size;
    this.#run.report({ stage: 'load', subject: name, state: 'finished', doneBytes: size, totalBytes: size });
    if (this.#group.length >= groupFiles || this.#groupBytes >= groupBytes) await this.flush();
  }

  /** Syncs and names what is waiting. */
  async flush(): Promise<void> {
    const group = this.#group;
    this.#group = [];
    this.#groupBytes = 0;
    if (group.length === 0) return;
    await this.#sync(group.map((one) => one.temporary));
    await mapLimited(group, 8, ({ temporary, target }) => this.#rename(temporary, target));
  }

  /** Places a tiny text, such as a link, at once; it is synced at the end. */
  async placeText(target: string, text: string): Promise<void> {
    const temporary = await this.#write(0o644, (file) => file.write(Buffer.from(text), 0));
    await this.#rename(temporary, target);
    this.#texts.push(target);
  }

  /** Makes everything survive a power loss, closes all volumes and removes the staging folder. */
  async finish(): Promise<void> {
    await this.flush();
    await this.#run.disk.remove(this.#staging);
    if (!(await this.#syncAll(path.dirname(this.#staging)))) {
      await this.#syncFiles(this.#texts);
      await mapLimited([...this.#touched], 8, async (folder) => {
        if (await this.#run.disk.stat(folder)) await this.#run.disk.syncDirectory(folder);
      });
    }
    await this.close();
  }

  /** Closes the volumes; what has no name yet is brought again by the next run. */
  async close(): Promise<void> {
    for (const volume of this.#volumes.values()) await (await volume.catch(() => undefined))?.close();
    this.#volumes.clear();
  }

  async #write(mode: number, fill: (file: DiskFile) => Promise<void>): Promise<string> {
    this.#counter += 1;
    const temporary = path.join(this.#staging, `${this.#counter}.part`);
    try {
      const file = await this.#run.disk.open(temporary, 'create', mode);
      await fill(file).finally(() => file.close());
      return temporary;
    } catch (error) {
      throw diskError(error, temporary, 'write');
    }
  }

  async #rename(temporary: string, target: string): Promise<void> {
    try {
      await this.#makeFolder(path.dirname(target));
      await this.#run.disk.rename(temporary, target);
      this.#touched.add(path.dirname(target));
    } catch (error) {
      throw diskError(error, target, 'write');
    }
  }

  async #sync(files: readonly string[]): Promise<void> {
    if (!(await this.#syncAll(this.#staging))) await this.#syncFiles(files);
  }

  /** False where files and folders have to be synced one by one. */
  async #syncAll(folder: string): Promise<boolean> {
    try {
      return (await this.#run.disk.syncFileSystem?.(folder)) === true;
    } catch (error) {
      throw diskError(error, folder, 'write');
    }
  }

  async #syncFiles(files: readonly string[]): Promise<void> {
    await mapLimited(files, 8, async (target) => {
      try {
        const file = await this.#run.disk.open(target, 'write');
        await file.sync().finally(() => file.close());
      } catch (error) {
        throw diskError(error, target, 'write');
      }
    });
  }

  /** As `makeDirectory`, once per folder and from the top: tried from below, most calls of a large load would fail for want of a parent. */
  #makeFolder(folder: string): Promise<void> {
    const made = this.#folders.get(folder) ?? this.#makeBelow(folder);
    this.#folders.set(folder, made);
    return made;
  }

  async #makeBelow(folder: string): Promise<void> {
    await this.#makeFolder(path.dirname(folder));
    await this.#run.disk.makeDirectory(folder);
    this.#touched.add(path.dirname(folder));
  }

  async #copy(placement: Placement, file: DiskFile): Promise<void> {
    const { name, source, size, algorithm, hex } = placement;
    const volume = await this.#volume(source.path);
    const buffers = this.#spare.pop() ?? [];
    const reader = new SequentialReader(volume, source.offset, source.offset + size, buffers);
    const hash = createHash(algorithm);
    for (let done = 0; done < size; ) {
      assertRunning(this.#run);
      const piece = await reader.take(1 << 20);
      if (piece.length === 0) throw damaged(placement, `${source.path} ends within it`);
      const writing = file.write(piece, done);
      hash.update(piece);
      await writing;
      done += piece.length;
      this.#run.report({ stage: 'load', subject: name, state: 'active', doneBytes: done, totalBytes: size });
    }
    this.#spare.push(buffers);
    if (hash.digest('hex') !== hex) throw damaged(placement, `its bytes do not have their digest`);
  }

  #volume(file: string): Promise<DiskFile> {
    const open = this.#volumes.get(file) ?? openSource(file, this.#run);
    this.#volumes.set(file, open);
    return open;
  }
}

/** A volume whose reads fail with its own name: what is being written is another file, on another disk. */
export async function openSource(file: string, run: Run): Promise<DiskFile> {
  const reading = <T>(task: Promise<T>): Promise<T> =>
    task.catch((error: unknown) => Promise.reject(diskError(error, file, 'read')));
  const handle = await reading(run.disk.open(file, 'read'));
  return {
    read: (buffer, position) => reading(handle.read(buffer, position)),
    write: (buffer, position) => handle.write(buffer, position),
    sync: () => handle.sync(),
    truncate: (size) => handle.truncate(size),
    sizeBytes: () => handle.sizeBytes(),
    close: () => handle.close(),
  };
}

function damaged({ name, source, size }: Placement, why: string): AirlockError {
  return new AirlockError(
    'BUNDLE_DAMAGED',
    `${name} in ${path.basename(source.path)} (byte ${source.offset}) is damaged: ${why}`,
    {
      hint: 'run `airlock verify` to see all damage, and copy the volume again; what was loaded so far stays',
      details: { volume: path.basename(source.path), offset: source.offset, bytes: size, member: name },
    },
  );
}
