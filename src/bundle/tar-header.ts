import { Header, Pax } from 'tar';

/** Tar's unit: headers are one block, data is padded to whole blocks. */
export const blockBytes = 512;
/** Two zero blocks end a volume. */
export const endBytes = 2 * blockBytes;
/** The largest size that eleven octal digits hold; more goes into a PAX record. */
const octalLimit = 0o77777777777;

/** What a member's header says; owner 0/0 without names, type regular file. */
export interface HeaderFields {
  readonly path: string;
  readonly size: number;
  readonly mode: number;
  readonly mtime: Date;
}

/** Bytes of zeros that follow `size` bytes of data. */
export function paddingOf(size: number): number {
  return (blockBytes - (size % blockBytes)) % blockBytes;
}

/**
 * The header blocks of a regular file: one USTAR block, with a PAX header before it when the name cannot be split into prefix and name, is
 * not ASCII, or the size is above 8 GiB. Only the records that are needed: real oc-mirror's archives look the same.
 */
export function encodeHeader(fields: HeaderFields): Buffer {
  const { path, size, mode, mtime } = fields;
  const header = new Header({ path, size, mode, mtime, uid: 0, gid: 0, uname: '', gname: '', type: 'File' });
  const block = Buffer.alloc(blockBytes);
  if (!header.encode(block)) return block;
  const pax = new Pax({
    ...(size > octalLimit ? { size } : {}),
    ...(isSplit(block, path) ? {} : { path }),
  });
  return Buffer.concat([pax.encode(), block]);
}

/** Whether the block holds the whole name by itself. */
function isSplit(block: Buffer, path: string): boolean {
  return new Header(block).path === path && Buffer.byteLength(path) === path.length;
}
