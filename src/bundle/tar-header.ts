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
  return createHeaderEncoder(fields.mtime)(fields);
}

/** What `createHeaderEncoder` gives: as `encodeHeader`, for members of one bundle. */
export type HeaderEncoder = (fields: Omit<HeaderFields, 'mtime'>) => Buffer;

/**
 * An encoder for many headers of one time. Members of a bundle differ only in name and size: what is the same is encoded once, and name,
 * size and checksum are put in. A million headers take a second instead of ten.
 */
export function createHeaderEncoder(mtime: Date): HeaderEncoder {
  let template: Template | undefined;
  return ({ path, size, mode }) => {
    if (size > octalLimit) return encodeSlowly({ path, size, mode, mtime });
    if (template?.mode !== mode) template = createTemplate(mode, mtime);
    return fillTemplate(template, path, size) ?? encodeSlowly({ path, size, mode, mtime });
  };
}

/** Any header, by the tar package. */
function encodeSlowly({ path, size, mode, mtime }: HeaderFields): Buffer {
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

/** A header without name and size. */
interface Template {
  readonly mode: number;
  readonly block: Buffer;
  /** Of all other bytes, the checksum's own counted as spaces. */
  readonly sum: number;
}

const nameBytes = 100;
const prefixBytes = 155;
const prefixOffset = 345;
const sizeOffset = 124;
const sizeBytes = 12;
const checksumOffset = 148;

function createTemplate(mode: number, mtime: Date): Template {
  const block = encodeSlowly({ path: 'x', size: 0, mode, mtime });
  block[0] = 0;
  block.fill(0, sizeOffset, sizeOffset + sizeBytes);
  block.fill(' ', checksumOffset, checksumOffset + 8);
  return { mode, block, sum: block.reduce((sum, byte) => sum + byte, 0) };
}

/** The template with name and size in it; undefined when the name needs a PAX header. */
function fillTemplate(template: Template, path: string, size: number): Buffer | undefined {
  const slash = path.length < nameBytes ? -1 : path.lastIndexOf('/', prefixBytes);
  if (path.length >= nameBytes && (slash < 1 || path.length - slash - 1 > nameBytes)) return undefined;
  const block = Buffer.from(template.block);
  // As the tar package writes it: ten digits and a space where they are enough, else eleven.
  const octal = size.toString(8);
  const digits = octal.length < sizeBytes - 1 ? `${octal.padStart(sizeBytes - 2, '0')} ` : octal;
  let sum = template.sum;
  for (let at = 0; at < digits.length; at += 1) {
    const code = digits.charCodeAt(at);
    block[sizeOffset + at] = code;
    sum += code;
  }
  for (let at = 0; at < path.length; at += 1) {
    const code = path.charCodeAt(at);
    if (code < 0x20 || code > 0x7e) return undefined;
    if (at === slash) continue;
    block[at < slash ? prefixOffset + at : at - slash - 1] = code;
    sum += code;
  }
  block.write(`${sum.toString(8).padStart(6, '0')} \0`, checksumOffset, 'latin1');
  return block;
}
