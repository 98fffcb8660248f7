import { createHash } from 'node:crypto';
import { constants, fstatSync } from 'node:fs';
import fs, { type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { AirlockError, errorText, findErrno } from '../core/errors.ts';
import { findFile, writeFileAtomic } from '../core/files.ts';
import { prettyJson } from '../core/json.ts';
import { mapLimited } from '../core/limit.ts';
import { assertRunning, type Run } from '../core/run.ts';
import { type BorrowedFile, identityOf, OpenFiles } from './open-files.ts';
import type { WebFile } from './site.ts';

/** What is known of a file: not looked at yet, right, or why it is not served. */
export type FileVerdict =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'good' }
  | { readonly kind: 'bad'; readonly code: 'WEB_FILE_MISSING' | 'WEB_FILE_DAMAGED'; readonly reason: string };

/** An open file whose content was right when it was opened. */
export interface VerifiedFile {
  readonly handle: FileHandle;
  readonly modifiedAt: Date;
  /** Whether the file is still the one that was checked; looked at on this thread when `atOnce`. */
  isUnchanged(this: void, atOnce: boolean): boolean | Promise<boolean>;
  /** To be called once, when the request is answered. */
  release(): Promise<void>;
}

interface Known {
  readonly identity: string;
  /** Digest of the content; '' when the size alone was wrong. */
  readonly sha256: string;
}

const chunkBytes = 1 << 20;

/**
 * Opens files only after their SHA-256 was found right, once per state of the file: device, inode, size, mtime and ctime name a state. Results
 * are kept in `cacheFile`, so that a restart does not read hundreds of gigabytes again.
 */
export class VerifiedFiles {
  readonly #known = new Map<string, Known>();
  readonly #verdicts = new Map<string, FileVerdict>();
  readonly #running = new Map<string, Promise<string>>();
  readonly #open = new OpenFiles();
  readonly #root: string | undefined;
  readonly #cacheFile: string | undefined;
  readonly #run: Run;

  /** `root`: real files have to lie below it, also behind symbolic links. */
  constructor(options: { readonly root: string | undefined; readonly cacheFile: string | undefined }, run: Run) {
    this.#root = options.root;
    this.#cacheFile = options.cacheFile;
    this.#run = run;
  }

  /** Closes files that were kept open for the next request. */
  close(): Promise<void> {
    return this.#open.close();
  }

  /** Reads the cache; a missing or unreadable one means that every file is read once more. */
  async readCache(): Promise<void> {
    const text = this.#cacheFile && (await findFile(this.#cacheFile, this.#run).catch(() => undefined));
    if (!text) return;
    for (const [file, known] of Object.entries(parseCache(text.toString()))) this.#known.set(file, known);
  }

  /** The last verdict, without looking. */
  verdict(entry: WebFile): FileVerdict {
    return this.#verdicts.get(entry.path) ?? { kind: 'unknown' };
  }

  /** Checks all files, one after the other so that serving is not starved, and writes the cache. Never throws for a bad file. */
  async verifyAll(entries: readonly WebFile[]): Promise<void> {
    const before = [...this.#known.values()];
    await mapLimited(entries, 1, async (entry) => {
      assertRunning(this.#run);
      const open = await this.open(entry).catch((error: unknown) => {
        if (!(error instanceof AirlockError)) throw error;
      });
      await open?.release();
    });
    const after = [...this.#known.values()];
    if (after.length !== before.length || after.some((known, index) => known !== before[index]))
      await this.#writeCache(entries);
  }

  /** @throws AirlockError WEB_FILE_MISSING, WEB_FILE_DAMAGED */
  async open(entry: WebFile): Promise<VerifiedFile> {
    try {
      const opened = await this.#openChecked(entry);
      this.#verdicts.set(entry.path, { kind: 'good' });
      return opened;
    } catch (error) {
      if (error instanceof AirlockError && (error.code === 'WEB_FILE_MISSING' || error.code === 'WEB_FILE_DAMAGED'))
        this.#verdicts.set(entry.path, { kind: 'bad', code: error.code, reason: error.message });
      throw error;
    }
  }

  async #openChecked(entry: WebFile): Promise<VerifiedFile> {
    const kept = await this.#open.borrow(entry.file);
    if (
      kept &&
      this.#known.get(entry.file)?.identity === kept.identity &&
      this.#known.get(entry.file)?.sha256 === entry.sha256
    )
      return lend(kept);
    await kept?.release();
    const handle = await this.#openInside(entry);
    try {
      const stat = await handle.stat({ bigint: true });
      if (!stat.isFile() || stat.size !== BigInt(entry.sizeBytes)) {
        throw damaged(
          entry,
          `has ${stat.isFile() ? `${stat.size} bytes` : 'another kind'}, not ${entry.sizeBytes} bytes`,
        );
      }
      const identity = identityOf(stat);
      const sha256 = await this.#digest(entry, handle, identity);
      if (sha256 !== entry.sha256) throw damaged(entry, `has sha256 ${sha256}, not ${entry.sha256}`);
      return lend(this.#open.keep(entry.file, handle, stat));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async #openInside(entry: WebFile): Promise<FileHandle> {
    try {
      if (this.#root !== undefined) {
        const [root, real] = await Promise.all([fs.realpath(this.#root), fs.realpath(entry.file)]);
        if (!real.startsWith(root.endsWith(path.sep) ? root : root + path.sep))
          throw damaged(entry, 'lies outside of the web root');
      }
      // NONBLOCK: a pipe in place of the file must not hang the server. NOFOLLOW: the file itself is never a link.
      return await fs.open(entry.file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      const errno = findErrno(error);
      if (errno === 'ELOOP') throw damaged(entry, 'is a symbolic link');
      if (errno === undefined) throw error;
      throw new AirlockError('WEB_FILE_MISSING', `${entry.path} cannot be opened (${errno})`, { cause: error });
    }
  }

  async #digest(entry: WebFile, handle: FileHandle, identity: string): Promise<string> {
    const known = this.#known.get(entry.file);
    if (known?.identity === identity) return known.sha256;
    const running = this.#running.get(identity) ?? hash(handle, this.#run);
    this.#running.set(identity, running);
    try {
      const sha256 = await running;
      this.#known.set(entry.file, { identity, sha256 });
      return sha256;
    } catch (error) {
      const errno = findErrno(error);
      throw errno === undefined ? error : damaged(entry, `cannot be read (${errno})`);
    } finally {
      this.#running.delete(identity);
    }
  }

  async #writeCache(entries: readonly WebFile[]): Promise<void> {
    if (this.#cacheFile === undefined) return;
    const wanted = entries.flatMap(({ file }): [string, Known][] => {
      const known = this.#known.get(file);
      return known ? [[file, known]] : [];
    });
    try {
      await writeFileAtomic(this.#cacheFile, prettyJson(Object.fromEntries(wanted)), this.#run, 0o600);
    } catch (error) {
      // Serving goes on: the price is that the next start reads every file again.
      const message = `web server: checked digests cannot be kept: ${errorText(error)}`;
      this.#run.report({ stage: 'serve', state: 'log', level: 'warning', message });
    }
  }
}

function lend(file: BorrowedFile): VerifiedFile {
  const { handle, identity, modifiedAt, release } = file;
  return {
    handle,
    modifiedAt,
    isUnchanged: (atOnce) =>
      atOnce
        ? identityOf(fstatSync(handle.fd, { bigint: true })) === identity
        : handle.stat({ bigint: true }).then((stat) => identityOf(stat) === identity),
    release,
  };
}

async function hash(handle: FileHandle, run: Run): Promise<string> {
  const sha256 = createHash('sha256');
  const buffer = Buffer.allocUnsafe(chunkBytes);
  for (let position = 0; ; ) {
    assertRunning(run);
    const { bytesRead } = await handle.read(buffer, 0, chunkBytes, position);
    if (bytesRead === 0) return sha256.digest('hex');
    sha256.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}

function damaged(entry: WebFile, what: string): AirlockError {
  return new AirlockError('WEB_FILE_DAMAGED', `${entry.path} ${what}`, {
    hint: 'load the bundle again: it puts the right file back',
  });
}

function parseCache(text: string): Record<string, Known> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return {};
    return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, Known] => isKnown(entry[1])));
  } catch {
    return {};
  }
}

function isKnown(value: unknown): value is Known {
  return (
    typeof value === 'object' &&
    value !== null &&
    'identity' in value &&
    typeof value.identity === 'string' &&
    'sha256' in value &&
    typeof value.sha256 === 'string'
  );
}
