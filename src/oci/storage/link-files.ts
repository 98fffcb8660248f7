import path from 'node:path';
import { findErrno } from '../../core/errors.ts';
import { diskError } from '../../core/files.ts';
import type { Run } from '../../core/run.ts';
import { type Digest, isDigest } from '../digest.ts';
import type { FilePlacer } from './place.ts';

/** The digest in a link file; undefined when the file is not there or holds anything else (a torn write of another program). */
export async function readLink(file: string, run: Run): Promise<Digest | undefined> {
  // On the path of every request: one read of a small buffer, which is longer than any link.
  const buffer = Buffer.alloc(192);
  try {
    const handle = await run.disk.open(file, 'read');
    try {
      const text = buffer.toString('latin1', 0, await handle.read(buffer, 0)).trim();
      return isDigest(text) ? text : undefined;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (findErrno(error) === 'ENOENT' || findErrno(error) === 'ENOTDIR') return undefined;
    throw diskError(error, file, 'read');
  }
}

/**
 * Writes a link file, the bare digest, through `temporary` (on the same file system); one that already says the same is left alone.
 * Returns whether it wrote. The temporary file does not lie beside the link: a crash must leave no stranger in distribution's tree.
 */
export async function writeLink(
  file: string,
  digest: Digest,
  options: { readonly temporary: string; readonly placer: FilePlacer },
  run: Run,
): Promise<boolean> {
  if ((await readLink(file, run)) === digest) return false;
  const { disk } = run;
  try {
    await disk.makeDirectory(path.dirname(options.temporary));
    const handle = await disk.open(options.temporary, 'create');
    try {
      await handle.write(Buffer.from(digest), 0);
      if (options.placer.durable) await handle.sync();
    } finally {
      await handle.close();
    }
    await options.placer.place(options.temporary, file, run);
    return true;
  } catch (error) {
    await disk.remove(options.temporary).catch(() => {});
    throw diskError(error, file, 'write');
  }
}
