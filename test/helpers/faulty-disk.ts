import { rename } from 'node:fs/promises';
import path from 'node:path';
import { type Disk, type DiskFile, nodeDisk } from '../../src/core/disk.ts';

/** What goes wrong, and when. Operations that change something are counted from 1. */
export interface Fault {
  /**
   * `EIO`, `ENOSPC`: the operation fails, later ones go on. `power`: from there on nothing works any more; `crash()` then leaves what a disk
   * holds after a power loss.
   */
  readonly kind: 'EIO' | 'ENOSPC' | 'power';
  readonly at: number;
}

/** A disk that fails on purpose. */
export interface FaultyDisk extends Disk {
  /** Changing operations so far. */
  readonly operations: () => number;
  /**
   * After `power`: bytes that were written but not synced are gone, though their files have their size; names that were given but whose
   * folder was not synced are gone too when `losesNames`.
   */
  crash(losesNames: boolean): Promise<void>;
}

/** Bytes written to one file and not synced. They reach the real disk with `sync`, so that a crash is to forget them. */
interface Unsynced {
  writes: { readonly position: number; readonly bytes: Buffer }[];
}

/** The real disk with a fault in it; without one it only counts. */
export function createFaultyDisk(
  fault?: Fault,
  options: { readonly withoutSyncFileSystem?: boolean } = {},
): FaultyDisk {
  let operations = 0;
  const unsynced = new Map<string, Unsynced>();
  let names: { readonly from: string; readonly to: string }[] = [];
  const step = (file?: string): void => {
    operations += 1;
    if (fault && (fault.kind === 'power' ? operations >= fault.at : operations === fault.at))
      throw systemError(fault.kind, file);
  };
  const buffered = fault?.kind === 'power';

  const wrap = (file: string, handle: DiskFile): DiskFile => {
    // Unsynced bytes follow the file through renames, as its inode would.
    const state = { writes: unsynced.get(file)?.writes ?? [] };
    if (buffered) unsynced.set(file, state);
    return {
      async read(buffer, position) {
        const count = await handle.read(buffer, position);
        for (const { position: start, bytes } of state.writes) {
          const from = Math.max(start, position);
          const to = Math.min(start + bytes.length, position + count);
          if (from < to) buffer.set(bytes.subarray(from - start, to - start), from - position);
        }
        return count;
      },
      async write(buffer, position) {
        step();
        if (!buffered) return handle.write(buffer, position);
        const end = position + buffer.length;
        if ((await handle.sizeBytes()) < end) await handle.truncate(end);
        state.writes.push({ position, bytes: Buffer.from(buffer) });
      },
      async sync() {
        step();
        for (const { position, bytes } of state.writes.splice(0)) await handle.write(bytes, position);
      },
      async truncate(sizeBytes) {
        step();
        await handle.truncate(sizeBytes);
      },
      sizeBytes: () => handle.sizeBytes(),
      close: () => handle.close(),
    };
  };

  return {
    ...nodeDisk,
    operations: () => operations,
    async open(file, access, mode) {
      if (access !== 'read') step(file);
      return wrap(file, await nodeDisk.open(file, access, mode));
    },
    async rename(from, to) {
      step(from);
      await nodeDisk.rename(from, to);
      names.push({ from, to });
      for (const [file, state] of [...unsynced]) {
        if (file !== from && !file.startsWith(`${from}/`)) continue;
        unsynced.delete(file);
        unsynced.set(to + file.slice(from.length), state);
      }
    },
    async link(from, to) {
      step(from);
      await nodeDisk.link(from, to);
    },
    async remove(target) {
      step(target);
      await nodeDisk.remove(target);
    },
    async makeDirectory(folder, mode) {
      step(folder);
      await nodeDisk.makeDirectory(folder, mode);
    },
    async syncDirectory(folder) {
      step(folder);
      names = names.filter((name) => path.dirname(name.to) !== folder);
    },
    // Everything at once, as syncfs does it; a fault there means that nothing of it can be believed.
    async syncFileSystem() {
      if (options.withoutSyncFileSystem) return false;
      step();
      for (const [file, state] of unsynced) {
        if (state.writes.length === 0) continue;
        const handle = await nodeDisk.open(file, 'write');
        for (const { position, bytes } of state.writes.splice(0)) await handle.write(bytes, position);
        await handle.close();
      }
      names = [];
      return true;
    },
    async crash(losesNames) {
      unsynced.clear();
      if (!losesNames) return;
      for (const { from, to } of names.reverse()) await rename(to, from).catch(() => {});
    },
  };
}

/** As Node's own: what is done to an open file does not say which one it was. */
function systemError(kind: Fault['kind'], file: string | undefined): Error {
  const code = kind === 'power' ? 'EIO' : kind;
  const path = file === undefined ? {} : { path: file };
  return Object.assign(new Error(`${code}: injected`), { code, errno: -1, syscall: 'injected', ...path });
}
