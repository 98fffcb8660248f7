import type { BigIntStats } from 'node:fs';
import fs, { type FileHandle } from 'node:fs/promises';

/** A file that stays open for the next request too. */
interface OpenFile {
  readonly handle: FileHandle;
  readonly identity: string;
  readonly modifiedAt: Date;
  users: number;
  /** Not to be found any more: closed by its last user. */
  retired: boolean;
  timer: NodeJS.Timeout | undefined;
}

/** An open file that one request uses. */
export interface BorrowedFile {
  readonly handle: FileHandle;
  readonly identity: string;
  readonly modifiedAt: Date;
  release(): Promise<void>;
}

/** Long enough for the next range of a download, short enough that a removed file gives its space back soon. */
const idleMs = 3000;

/** Names a state of a file: another content has another one. */
export function identityOf(stat: BigIntStats): string {
  return [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(':');
}

/** Keeps files open between the requests for them: a download in ranges would otherwise open its file for each. */
export class OpenFiles {
  readonly #files = new Map<string, OpenFile>();

  /** The file that is open under this name, as long as the name still leads to it, unchanged. */
  async borrow(name: string): Promise<BorrowedFile | undefined> {
    const file = this.#files.get(name);
    if (!file) return undefined;
    this.#use(file);
    const stat = await fs.lstat(name, { bigint: true }).catch(() => undefined);
    if (stat && identityOf(stat) === file.identity) return this.#lend(name, file);
    this.#retire(name, file);
    await this.#release(name, file);
    return undefined;
  }

  /** Takes an open file over, for this request and the next ones. */
  keep(name: string, handle: FileHandle, stat: BigIntStats): BorrowedFile {
    const before = this.#files.get(name);
    const file = {
      handle,
      identity: identityOf(stat),
      modifiedAt: stat.mtime,
      users: 1,
      retired: false,
      timer: undefined,
    };
    if (before) {
      this.#retire(name, before);
      if (before.users === 0) void before.handle.close();
    }
    this.#files.set(name, file);
    return this.#lend(name, file);
  }

  /** Closes what nobody uses; what is used is closed by its last user. */
  async close(): Promise<void> {
    for (const [name, file] of this.#files) {
      this.#retire(name, file);
      if (file.users === 0) await file.handle.close();
    }
  }

  #use(file: OpenFile): void {
    clearTimeout(file.timer);
    file.users += 1;
  }

  #lend(name: string, file: OpenFile): BorrowedFile {
    const { handle, identity, modifiedAt } = file;
    return { handle, identity, modifiedAt, release: () => this.#release(name, file) };
  }

  #retire(name: string, file: OpenFile): void {
    clearTimeout(file.timer);
    file.retired = true;
    if (this.#files.get(name) === file) this.#files.delete(name);
  }

  async #release(name: string, file: OpenFile): Promise<void> {
    file.users -= 1;
    if (file.users > 0) return;
    if (file.retired) return file.handle.close();
    file.timer = setTimeout(() => {
      this.#retire(name, file);
      void file.handle.close();
    }, idleMs).unref();
  }
}
