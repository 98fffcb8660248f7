import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { AirlockError, errorText, findErrno } from './errors.ts';
import type { Run } from './run.ts';

const chunkBytes = 64 << 10;

/**
 * Writes a whole small file: temporary name in the same folder, flushed, renamed. Missing folders are made.
 * `mode` is what the file has afterwards, whatever the umask; secrets take 0o600.
 * @throws AirlockError FILE_UNWRITABLE, DISK_FULL
 */
export async function writeFileAtomic(
  file: string,
  content: string | Uint8Array,
  run: Run,
  mode = 0o644,
): Promise<void> {
  // Unique within the process too: the same content may be kept twice at once.
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${randomUUID()}.tmp`);
  try {
    await run.disk.makeDirectory(path.dirname(file));
    await run.disk.remove(temporary);
    const handle = await run.disk.open(temporary, 'create', mode);
    try {
      await handle.write(typeof content === 'string' ? Buffer.from(content) : content, 0);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await run.disk.rename(temporary, file);
    await run.disk.syncDirectory(path.dirname(file));
  } catch (error) {
    await run.disk.remove(temporary).catch(() => {});
    throw diskError(error, file, 'write');
  }
}

/**
 * Removes what broken writes left in a folder under temporary names: of one file, or of all. Only for who alone writes there.
 */
export async function removeTemporaries(folder: string, run: Run, file = ''): Promise<void> {
  for (const { name } of await run.disk.list(folder))
    if (name.startsWith(`.${file}`) && name.endsWith('.tmp')) await run.disk.remove(path.join(folder, name));
}

/**
 * Reads a whole small file, refusing one above `limitBytes` (default 64 MiB).
 * @throws AirlockError FILE_NOT_FOUND, FILE_UNREADABLE
 */
export async function readFileLimited(file: string, run: Run, limitBytes = 64 << 20): Promise<Buffer> {
  const content = await findFile(file, run, limitBytes);
  if (content) return content;
  throw new AirlockError('FILE_NOT_FOUND', `${file} does not exist`);
}

/** As `readFileLimited`, but undefined when there is no such file. */
export async function findFile(file: string, run: Run, limitBytes = 64 << 20): Promise<Buffer | undefined> {
  try {
    const handle = await run.disk.open(file, 'read');
    try {
      const chunks: Buffer[] = [];
      for (let position = 0; ; ) {
        // Read by chunks and not by stat size: /dev/stdin and process substitution have no size.
        const chunk = Buffer.allocUnsafe(chunkBytes);
        const count = await handle.read(chunk, position);
        if (count === 0) return Buffer.concat(chunks);
        chunks.push(chunk.subarray(0, count));
        position += count;
        if (position > limitBytes)
          throw new AirlockError('FILE_UNREADABLE', `${file} is larger than ${limitBytes} bytes`);
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (findErrno(error) === 'ENOENT' || findErrno(error) === 'ENOTDIR') return undefined;
    throw diskError(error, file, 'read');
  }
}

const otherUser = 'run it as a user who may, for example root';
const accessHints: Readonly<Record<string, Readonly<Record<'read' | 'write', string>>>> = {
  EACCES: { read: otherUser, write: `${otherUser}, or choose another folder` },
  EPERM: { read: otherUser, write: `${otherUser}, or choose another folder` },
  EIO: {
    read: 'the disk or medium gives it no more: put a good copy there',
    write: 'the disk is failing: look at it before you go on',
  },
  EROFS: { read: 'look at the disk', write: 'the file system is read-only: choose another folder' },
};

/** An AirlockError for a system error on `file`; other errors come back unchanged, also those that say already which file it was. */
export function diskError(error: unknown, file: string, action: 'read' | 'write'): unknown {
  // Of nested calls the innermost knows the file; its cause would be found here once more, on the wrong file and the wrong side.
  if (error instanceof AirlockError) return error;
  const errno = findErrno(error);
  if (errno === undefined) return error;
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    return new AirlockError('DISK_FULL', `no space left while writing ${file}`, {
      hint: 'free space or choose another folder, then run the same command again: it continues where it stopped',
      cause: error,
    });
  }
  const hint = accessHints[errno]?.[action];
  return new AirlockError(
    action === 'read' ? 'FILE_UNREADABLE' : 'FILE_UNWRITABLE',
    `cannot ${action} ${file}: ${errorText(error)}`,
    { cause: error, ...(hint === undefined ? {} : { hint }) },
  );
}
