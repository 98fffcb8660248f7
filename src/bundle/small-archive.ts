import { gzipSync } from 'node:zlib';
import { createHeaderEncoder, endBytes, paddingOf } from './tar-header.ts';

/** A file of an archive that is small enough to be made in memory. */
export interface SmallFile {
  /** Relative, `/`-separated. */
  readonly path: string;
  readonly content: Buffer;
}

/** A gzipped tar of small files, in the order given, all of one time and readable by their owner only. */
export function packSmallFiles(files: readonly SmallFile[], mtime: Date): Buffer {
  const header = createHeaderEncoder(mtime);
  const blocks = files.flatMap(({ path, content }) => [
    header({ path, size: content.length, mode: 0o600 }),
    content,
    Buffer.alloc(paddingOf(content.length)),
  ]);
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(endBytes)]));
}
