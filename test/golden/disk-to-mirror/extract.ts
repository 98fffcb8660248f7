import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** One regular file of a tar, as Go's archive/tar gives it. */
export interface TarEntry {
  readonly name: string;
  readonly mode: number;
  readonly bytes: Buffer;
}

/** What an extraction of real oc-mirror did with a folder of archives. */
export interface Extraction {
  readonly workingDir: string;
  readonly cache: string;
  readonly archives: readonly string[];
  /** Entries that it passed over. */
  readonly skipped: readonly string[];
  readonly entries: readonly TarEntry[];
}

/**
 * What `oc-mirror --from file://DIR` does first (reference §4.6), written from the reference and not from our own reader: every file whose name
 * holds `mirror_NNNNNN.tar`, in name order, each regular entry to working-dir, to the cache, or nowhere.
 */
export function extractArchives(
  from: string,
  into: { readonly workingDir: string; readonly cache: string },
): Extraction {
  const archives = readdirSync(from)
    .filter((name) => /mirror_[0-9]{6}\.tar/.test(name))
    .sort();
  if (archives.length === 0) throw new Error(`no tar archives matching "mirror_[0-9]{6}\\.tar" found in "${from}"`);
  const skipped: string[] = [];
  const entries = archives.flatMap((name) => readTar(readFileSync(path.join(from, name))));
  for (const entry of entries) {
    const root = entry.name.includes('working-dir')
      ? path.dirname(into.workingDir)
      : entry.name.includes('docker/registry/v2')
        ? into.cache
        : undefined;
    if (root === undefined) skipped.push(entry.name);
    else place(root, entry);
  }
  return { ...into, archives, skipped, entries };
}

function place(root: string, entry: TarEntry): void {
  const file = path.join(root, entry.name);
  if (!file.startsWith(`${root}/`)) throw new Error(`content filepath is tainted: ${entry.name}`);
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 });
  writeFileSync(file, entry.bytes, { mode: entry.mode });
}

/** Header fields by POSIX ustar: name 0+100, mode 100+8, size 124+12, checksum 148+8, type 156, magic 257+8, prefix 345+155. */
export function readTar(tar: Buffer): TarEntry[] {
  if (tar.length === 0) throw new Error('empty archive file');
  const entries: TarEntry[] = [];
  let extended = new Map<string, string>();
  for (let at = 0; ; ) {
    const header = tar.subarray(at, at + 512);
    if (header.length < 512) throw new Error('unexpected EOF');
    if (header.every((byte) => byte === 0)) {
      const end = tar.subarray(at);
      // oc-mirror ends with two blocks and nothing more; Go's reader would take anything.
      if (end.length !== 1024 || !end.every((byte) => byte === 0))
        throw new Error(`the end of the tar is odd: ${end.length} bytes`);
      return entries;
    }
    assertHeader(header);
    const type = String.fromCharCode(header[156] ?? 0);
    const size = Number(extended.get('size') ?? Number.parseInt(text(header, 124, 12), 8));
    const bytes = tar.subarray(at + 512, at + 512 + size);
    if (bytes.length < size) throw new Error('unexpected EOF');
    at += 512 + Math.ceil(size / 512) * 512;
    if (type === 'x') {
      extended = readRecords(bytes);
      continue;
    }
    if (type !== '0') throw new Error(`entry type ${JSON.stringify(type)}`);
    const prefix = text(header, 345, 155);
    const name = extended.get('path') ?? (prefix ? `${prefix}/${text(header, 0, 100)}` : text(header, 0, 100));
    entries.push({ name, mode: Number.parseInt(text(header, 100, 8), 8), bytes });
    extended = new Map();
  }
}

function assertHeader(header: Buffer): void {
  const magic = header.toString('latin1', 257, 265);
  if (magic !== 'ustar\x0000') throw new Error(`magic ${JSON.stringify(magic)}`);
  const sum = header.reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  if (sum !== Number.parseInt(text(header, 148, 8), 8)) throw new Error('invalid tar header');
}

function text(header: Buffer, at: number, length: number): string {
  return (header.toString('latin1', at, at + length).split('\0')[0] ?? '').trim();
}

/** PAX records: `<length> <key>=<value>\n`, the length in decimal and of the whole record. */
function readRecords(bytes: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const length = Number.parseInt(bytes.toString('latin1', at, at + 20), 10);
    const record = bytes.toString('utf8', at, at + length);
    const match = /^\d+ ([^=]+)=([\s\S]*)\n$/.exec(record);
    if (!match || !(length > 0)) throw new Error(`PAX record ${JSON.stringify(record)}`);
    records.set(match[1] ?? '', match[2] ?? '');
    at += length;
  }
  return records;
}
