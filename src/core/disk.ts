import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';

/** An open file. Positions and sizes are bytes. */
export interface DiskFile {
  /** Reads up to `buffer.length` bytes; returns how many, 0 at the end. */
  read(buffer: Uint8Array, positionBytes: number): Promise<number>;
  /** Writes all of `buffer`. */
  write(buffer: Uint8Array, positionBytes: number): Promise<void>;
  /** Makes what was written survive a power loss (fdatasync). */
  sync(): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  sizeBytes(): Promise<number>;
  close(): Promise<void>;
  /** The descriptor, for calls by which the kernel reads the file itself; negative once it is closed, left out for what is not one file. */
  readonly fd?: number;
}

export interface DiskEntry {
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'other';
}

export interface DiskStat {
  readonly kind: 'file' | 'directory' | 'other';
  readonly sizeBytes: number;
  readonly mode: number;
  readonly modifiedAt: Date;
  /** Device number: a rename between two devices is a copy. */
  readonly device: number;
}

export interface DiskSpace {
  readonly freeBytes: number;
  readonly blockBytes: number;
  readonly freeInodes: number;
}

/**
 * The small disk interface through which bundle, journal and storage read and write (design §9), so that tests can inject EIO, ENOSPC
 * and the loss of unsynced writes. Errors are Node's own system errors.
 */
export interface Disk {
  /** `read` needs the file; `write` creates or keeps it; `create` fails with EEXIST. `mode` is applied at creation regardless of umask. */
  open(file: string, access: 'read' | 'write' | 'create', mode?: number): Promise<DiskFile>;
  rename(from: string, to: string): Promise<void>;
  /** Another name for the same file; fails with EXDEV or EPERM where the file system cannot. */
  link(from: string, to: string): Promise<void>;
  /** Removes a file or a folder with all below; nothing there is fine. */
  remove(target: string): Promise<void>;
  /** With parents. `mode` is applied regardless of umask to folders it makes. */
  makeDirectory(folder: string, mode?: number): Promise<void>;
  /** Sorted by name; [] when the folder does not exist. */
  list(folder: string): Promise<DiskEntry[]>;
  /** undefined when there is nothing. Links are not followed. */
  stat(target: string): Promise<DiskStat | undefined>;
  /** Makes renames and creations in the folder survive a power loss. */
  syncDirectory(folder: string): Promise<void>;
  /** Of the file system that holds the nearest existing parent. */
  space(target: string): Promise<DiskSpace>;
  /**
   * Makes everything written so far to the file system of `folder` survive a power loss, at the cost of one call whatever the number of
   * files. False when that cannot be done here: then files and folders have to be synced one by one.
   */
  syncFileSystem?(folder: string): Promise<boolean>;
}

class NodeFile implements DiskFile {
  readonly #handle: fs.FileHandle;
  constructor(handle: fs.FileHandle) {
    this.#handle = handle;
  }
  get fd(): number {
    return this.#handle.fd;
  }
  async read(buffer: Uint8Array, positionBytes: number): Promise<number> {
    return (await this.#handle.read(buffer, 0, buffer.length, positionBytes)).bytesRead;
  }
  async write(buffer: Uint8Array, positionBytes: number): Promise<void> {
    for (let done = 0; done < buffer.length; ) {
      done += (await this.#handle.write(buffer, done, buffer.length - done, positionBytes + done)).bytesWritten;
    }
  }
  sync(): Promise<void> {
    return this.#handle.datasync();
  }
  truncate(sizeBytes: number): Promise<void> {
    return this.#handle.truncate(sizeBytes);
  }
  async sizeBytes(): Promise<number> {
    return (await this.#handle.stat()).size;
  }
  close(): Promise<void> {
    return this.#handle.close();
  }
}

const accessFlags = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR | constants.O_CREAT,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
} as const;

/** Makes a folder in one that is there; that it is there already is fine, whoever made it. */
async function makeOne(folder: string, mode: number): Promise<void> {
  try {
    await fs.mkdir(folder, { mode });
    await fs.chmod(folder, mode);
  } catch (error) {
    // A file system that is read only says so before it looks.
    const isThere = hasCode(error, 'EEXIST') || (!hasCode(error, 'ENOENT') && (await nodeDisk.stat(folder)));
    if (!isThere) throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** The real disk. */
export const nodeDisk: Disk = {
  async open(file, access, mode = 0o644) {
    const existed = access === 'write' && (await nodeDisk.stat(file)) !== undefined;
    const handle = await fs.open(file, accessFlags[access], mode);
    // open() subtracts the umask; a registry container running as another user must be able to read under umask 0077.
    if (access === 'create' || (access === 'write' && !existed)) await handle.chmod(mode);
    return new NodeFile(handle);
  },
  rename: (from, to) => fs.rename(from, to),
  link: (from, to) => fs.link(from, to),
  remove: (target) => fs.rm(target, { recursive: true, force: true }),
  async makeDirectory(folder, mode = 0o755) {
    // Tried first: the parent is there nearly always, and a load makes thousands of folders.
    try {
      await makeOne(folder, mode);
    } catch (error) {
      const parent = path.dirname(folder);
      if (!hasCode(error, 'ENOENT') || parent === folder) throw error;
      await nodeDisk.makeDirectory(parent, mode);
      await makeOne(folder, mode);
    }
  },
  async list(folder) {
    try {
      const entries = await fs.readdir(folder, { withFileTypes: true });
      return entries
        .map((entry) => ({
          name: entry.name,
          kind: entry.isFile() ? ('file' as const) : entry.isDirectory() ? ('directory' as const) : ('other' as const),
        }))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw error;
    }
  },
  async stat(target) {
    try {
      const stat = await fs.lstat(target);
      return {
        kind: stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : 'other',
        sizeBytes: stat.size,
        mode: stat.mode & 0o7777,
        modifiedAt: stat.mtime,
        device: stat.dev,
      };
    } catch (error) {
      if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
        return undefined;
      throw error;
    }
  },
  async syncDirectory(folder) {
    const handle = await fs.open(folder, constants.O_RDONLY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  async space(target) {
    let at = path.resolve(target);
    while ((await nodeDisk.stat(at)) === undefined && at !== path.dirname(at)) at = path.dirname(at);
    const stat = await fs.statfs(at);
    return { freeBytes: stat.bavail * stat.bsize, blockBytes: stat.bsize, freeInodes: stat.ffree };
  },
  syncFileSystem(folder) {
    // Node has no syncfs(2); coreutils' `sync -f` is it. Elsewhere (BusyBox, no `sync` at all) it fails at once and changes nothing.
    return new Promise((resolve) => {
      execFile('sync', ['-f', '--', folder], (error) => resolve(error === null));
    });
  },
};
