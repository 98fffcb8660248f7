import { Header } from 'tar';
import type { DiskFile } from '../core/disk.ts';
import { AirlockError } from '../core/errors.ts';
import { isSafePath } from './index-check.ts';
import { blockBytes, paddingOf } from './tar-header.ts';

/** A regular file in a tar that somebody else wrote. */
export interface ScannedMember {
  readonly path: string;
  readonly size: number;
  readonly mode: number;
  readonly mtime: Date | undefined;
  readonly headerOffset: number;
  readonly dataOffset: number;
}

/** An extension header holds a name, a few numbers: anything longer is an attack. */
const extensionLimit = 16 << 10;
const windowBytes = 1 << 20;

/**
 * The regular files of a tar volume, found by going from header to header; data is passed over. The volume is hostile: header checksums are
 * checked, links, devices, sparse files and global extension headers are refused, so are names that leave the root, and sizes beyond the end.
 * Folders are passed over, as real oc-mirror does.
 * @throws AirlockError BUNDLE_INVALID
 */
export async function* scanVolume(file: DiskFile, sizeBytes: number, name: string): AsyncGenerator<ScannedMember> {
  const reader = new Window(file, sizeBytes);
  const fail = (offset: number, why: string): never => {
    throw new AirlockError('BUNDLE_INVALID', `${name}: ${why} at byte ${offset}`, {
      hint: 'copy the archive again',
      details: { volume: name, offset },
    });
  };
  let extension: Extension = {};
  for (let offset = 0; offset < sizeBytes; ) {
    const block = await reader.read(offset, Math.min(blockBytes, sizeBytes - offset));
    if (block.every((byte) => byte === 0)) {
      if (offset + 2 * blockBytes > sizeBytes)
        return fail(offset, 'it ends within the two empty blocks that close a tar');
      return;
    }
    if (block.length < blockBytes) return fail(offset, 'it ends within a header');
    const start = extension.start ?? offset;
    // With a name from elsewhere: the package takes a truncated name that happens to end with a slash for a folder, and folders for empty.
    const own = readHeader(block, { path: 'named elsewhere' });
    if (!own?.cksumValid) return fail(offset, 'a header is damaged');
    const size = (isExtension(block) ? undefined : extension.size) ?? own.size ?? 0;
    const dataOffset = offset + blockBytes;
    if (!Number.isSafeInteger(size) || dataOffset + size > sizeBytes)
      return fail(offset, 'a member reaches beyond its end');
    const next = dataOffset + size + paddingOf(size);
    const type = String.fromCharCode(block[156] ?? 0);
    if (isExtension(block)) {
      if (size > extensionLimit) return fail(offset, 'an extension header is too long');
      const text = await reader.read(dataOffset, size);
      extension = {
        ...extension,
        ...readExtension(type, text, () => fail(offset, 'an extension header is wrong')),
        start,
      };
    } else {
      const path = normalPath(extension.path ?? readHeader(block)?.path ?? '');
      if (type === '0' || type === '\0') {
        if (!isSafePath(path)) return fail(offset, `a member is named "${path.slice(0, 200)}"`);
        yield { path, size, mode: (own.mode ?? 0o644) & 0o777, mtime: own.mtime, headerOffset: start, dataOffset };
      } else if (type !== '5') return fail(offset, `a member of type "${type}"`);
      extension = {};
    }
    if (next > sizeBytes) return fail(offset, 'it ends within a member');
    offset = next;
  }
  // Every writer closes a tar with them. Cut where a member ends, nothing else would show that others followed.
  return fail(sizeBytes, 'it was cut: the empty blocks that close a tar are missing');
}

/** undefined for what is no header at all: the package throws at numbers that no file has. */
function readHeader(block: Buffer, known?: { readonly path: string }): Header | undefined {
  try {
    return new Header(block, 0, known);
  } catch {
    return undefined;
  }
}

interface Extension {
  readonly path?: string;
  readonly size?: number;
  /** Where the first extension header of the member begins. */
  readonly start?: number;
}

function isExtension(block: Buffer): boolean {
  return 'xLKg'.includes(String.fromCharCode(block[156] ?? 0)) && block[156] !== 0;
}

/** PAX records of one member, or a GNU long name. */
function readExtension(type: string, bytes: Buffer, fail: () => never): Extension {
  if (type === 'L') return { path: bytes.toString('utf8').replace(/\0+$/, '') };
  if (type !== 'x') return fail();
  const records = readPaxRecords(bytes, fail);
  if (records.has('linkpath') || [...records.keys()].some((key) => key.startsWith('GNU.sparse'))) return fail();
  const [path, size] = [records.get('path'), records.get('size')];
  if (size !== undefined && !/^\d{1,15}$/.test(size)) return fail();
  return { ...(path === undefined ? {} : { path }), ...(size === undefined ? {} : { size: Number(size) }) };
}

/**
 * PAX records: `<length> <key>=<value>\n`, the length counting the whole record. Read by length and not by lines: a value with a line break in
 * it must not look like another record to us than to another tar.
 */
function readPaxRecords(bytes: Buffer, fail: () => never): Map<string, string> {
  const records = new Map<string, string>();
  for (let start = 0; start < bytes.length; ) {
    const digits = /^[1-9]\d{0,5} /.exec(bytes.toString('latin1', start, start + 8))?.[0];
    const end = start + Number(digits);
    if (digits === undefined || end > bytes.length || bytes[end - 1] !== 10) return fail();
    const text = bytes.toString('utf8', start + digits.length, end - 1);
    const equals = text.indexOf('=');
    const key = text.slice(0, equals);
    if (equals < 1 || records.has(key)) return fail();
    records.set(key, text.slice(equals + 1));
    start = end;
  }
  return records;
}

function normalPath(path: string): string {
  return path.startsWith('./') ? path.slice(2) : path;
}

/** Reads small pieces out of blocks of 1 MiB; neighbours cost no further read. */
class Window {
  readonly #file: DiskFile;
  readonly #sizeBytes: number;
  readonly #buffer = Buffer.allocUnsafeSlow(windowBytes);
  #start = 0;
  #length = 0;

  constructor(file: DiskFile, sizeBytes: number) {
    this.#file = file;
    this.#sizeBytes = sizeBytes;
  }

  async read(offset: number, length: number): Promise<Buffer> {
    if (offset < this.#start || offset + length > this.#start + this.#length) {
      const wanted = Math.min(windowBytes, this.#sizeBytes - offset);
      this.#start = offset;
      this.#length = 0;
      // Where a volume lies in parts, a read ends at the end of a part.
      while (this.#length < wanted) {
        const count = await this.#file.read(this.#buffer.subarray(this.#length, wanted), offset + this.#length);
        if (count === 0) break;
        this.#length += count;
      }
    }
    const at = offset - this.#start;
    return this.#buffer.subarray(at, Math.min(at + length, this.#length));
  }
}
