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
const groupFiles = 128;
const groupBytes = 128 << 20;

/**
 * Places members as files: each byte read once, hashed, written once under a temporary name in `staging` (on the same file system); what has
 * its digest is synced in groups and only then renamed. A crash loses at most one group.
 */
export class Placer {
  readonly #staging: string;
  readonly #run: Run;
  readonly #volumes = new Map<string, Promise<DiskFile>>();
  readonly #folders = new Set<string>();
  readonly #touched = new Set<string>();
  #group: { readonly file: DiskFile; readonly temporary: string; readonly target: string }[] = [];
  #groupBytes = 0;
  #counter = 0;

  constructor(staging: string, run: Run) {
    this.#staging = staging;
    this.#run = run;
  }

  /** @throws AirlockError BUNDLE_DAMAGED when the member does not have its digest */
  async place(placement: Placement): Promise<void> {
    const { name, size } = placement;
    this.#run.report({ stage: 'load', subject: name, state: 'started', totalBytes: size });
    await this.makeFolder(this.#staging);
    this.#counter += 1;
    const temporary = path.join(this.#staging, `${this.#counter}.part`);
    try {
      await this.#run.disk.remove(temporary);
      const file = await this.#run.disk.open(temporary, 'create', placement.mode);
      await this.#copy(placement, file).catch(async (error: unknown) => {
        await file.close();
        throw error;
      });
      this.#group.push({ file, temporary, target: placement.target });
    } catch (error) {
      throw diskError(error, temporary, 'write');
    }
    this.#groupBytes += size;
    this.#run.report({ stage: 'load', subject: name, state: 'finished', doneBytes: size, totalBytes: size });
    if (this.#group.length >= groupFiles || this.#groupBytes >= groupBytes) await this.flush();
  }

  /** Syncs and names what is waiting. */
  async flush(): Promise<void> {
    const group = this.#group;
    this.#group = [];
    this.#groupBytes = 0;
    const settled = await mapLimited(group, 8, async ({ file, temporary, target }): Promise<unknown> => {
      try {
        await file.sync().finally(() => file.close());
        await this.makeFolder(path.dirname(target));
        await this.#run.disk.rename(temporary, target);
        this.#touched.add(path.dirname(target));
        return undefined;
      } catch (error) {
        return diskError(error, target, 'write');
      }
    });
    // Thrown only now, when all are closed.
    for (const error of settled) if (error !== undefined) throw error;
  }

  /** As `makeDirectory`, asking the disk once per folder. */
  async makeFolder(folder: string): Promise<void> {
    if (this.#folders.has(folder)) return;
    await this.#run.disk.makeDirectory(folder);
    for (let at = folder; !this.#folders.has(at) && at !== path.dirname(at); at = path.dirname(at)) {
      this.#folders.add(at);
      // Its parent got a new entry, perhaps; where it was there already the sync costs nothing.
      if (at === folder) this.#touched.add(path.dirname(at));
    }
  }

  /** Places a tiny text, such as a link; synced with its group. */
  async placeText(target: string, text: string): Promise<void> {
    this.#counter += 1;
    const temporary = path.join(this.#staging, `${this.#counter}.part`);
    try {
      await this.makeFolder(this.#staging);
      await this.makeFolder(path.dirname(target));
      const file = await this.#run.disk.open(temporary, 'write');
      try {
        await file.write(Buffer.from(text), 0);
        await file.truncate(text.length);
      } catch (error) {
        await file.close();
        throw error;
      }
      // Only now: another worker may flush the group at any time.
      this.#group.push({ file, temporary, target });
    } catch (error) {
      throw diskError(error, target, 'write');
    }
    if (this.#group.length >= groupFiles) await this.flush();
  }

  /** Makes all names survive a power loss, closes everything and removes the staging folder. */
  async finish(): Promise<void> {
    await this.flush();
    await mapLimited([...this.#touched], 8, async (folder) => {
      if (await this.#run.disk.stat(folder)) await this.#run.disk.syncDirectory(folder);
    });
    this.#touched.clear();
    await this.close();
    await this.#run.disk.remove(this.#staging);
  }

  /** Closes everything; what is not named yet is brought again by the next run. */
  async close(): Promise<void> {
    for (const { file } of this.#group) await file.close().catch(() => {});
    this.#group = [];
    for (const volume of this.#volumes.values()) await (await volume.catch(() => undefined))?.close();
    this.#volumes.clear();
  }

  async #copy(placement: Placement, file: DiskFile): Promise<void> {
    const { name, source, size, algorithm, hex } = placement;
    const volume = await this.#volume(source.path);
    const reader = new SequentialReader(volume, source.offset, source.offset + size);
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
    if (hash.digest('hex') !== hex) throw damaged(placement, `its bytes do not have their digest`);
  }

  #volume(file: string): Promise<DiskFile> {
    const open = this.#volumes.get(file) ?? this.#run.disk.open(file, 'read');
    this.#volumes.set(file, open);
    return open;
  }
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
