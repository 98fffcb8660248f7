import { gzipSync } from 'node:zlib';
import type { Descriptor } from './descriptor.ts';
import { type Digest, digestOf } from './digest.ts';
import { mediaTypes } from './media-types.ts';

/** A file or folder of a layer. Folders end in `/` in neither name nor tar unless given so. */
export interface LayerEntry {
  /** Relative path as it stands in the tar, at most 255 bytes. */
  readonly path: string;
  /** Left out: a folder. */
  readonly content?: Uint8Array | string;
  /** Default 0o644, for folders 0o755. */
  readonly mode?: number;
}

/** A layer held in memory with everything that a manifest and a config need to name it. */
export interface Layer {
  readonly descriptor: Descriptor;
  /** Digest of the uncompressed tar, for `rootfs.diff_ids`. */
  readonly diffId: Digest;
  readonly bytes: Buffer;
}

const block = 512;

/**
 * A layer of small files, the same bytes for the same entries: USTAR, time 0, owner 0:0, entries in the order given. Gzip level 0 by
 * default: "stored" blocks do not depend on the version of zlib, so digests stay the same from one Node to the next.
 * @see OCI image-spec v1.1, "Image Layer Filesystem Changeset"
 */
export function renderLayer(
  entries: readonly LayerEntry[],
  options: { readonly level?: number; readonly mediaType?: string } = {},
): Layer {
  const tar = renderTar(entries);
  const bytes = gzipSync(tar, { level: options.level ?? 0 });
  const descriptor = {
    mediaType: options.mediaType ?? mediaTypes.ociLayerGzip,
    digest: digestOf(bytes),
    size: bytes.length,
  };
  return { descriptor, diffId: digestOf(tar), bytes };
}

function renderTar(entries: readonly LayerEntry[]): Buffer {
  const parts = entries.flatMap((entry) => {
    const content = entry.content === undefined ? Buffer.alloc(0) : Buffer.from(entry.content);
    return [renderHeader(entry, content.length), content, Buffer.alloc((block - (content.length % block)) % block)];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * block)]);
}

// POSIX ustar header: name 0, mode 100, uid 108, gid 116, size 124, mtime 136, checksum 148, type 156, magic 257, version 263, prefix 345.
function renderHeader(entry: LayerEntry, size: number): Buffer {
  const header = Buffer.alloc(block);
  const { name, prefix } = splitName(entry.path);
  const isFolder = entry.content === undefined;
  header.write(name, 0, 100, 'utf8');
  header.write(octal(entry.mode ?? (isFolder ? 0o755 : 0o644), 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(octal(size, 12), 124);
  header.write(octal(0, 12), 136);
  header.write(' '.repeat(8), 148);
  header.write(isFolder ? '5' : '0', 156);
  header.write('ustar\u000000', 257);
  header.write(prefix, 345, 155, 'utf8');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148);
  return header;
}

function splitName(path: string): { name: string; prefix: string } {
  if (Buffer.byteLength(path) <= 100) return { name: path, prefix: '' };
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (Buffer.byteLength(prefix) <= 155 && Buffer.byteLength(name) <= 100 && name !== '') return { name, prefix };
  }
  throw new Error(`layer entry name is too long for ustar: ${path}`);
}

function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, '0')}\u0000`;
}
