import { AirlockError } from '../core/errors.ts';
import { contentTypeOf } from './content-type.ts';
import { parseRequestPath } from './request-path.ts';

/** One file to serve, as the bundle's index names it. */
export interface WebFile {
  /** Absolute URL path, not encoded: `/rhcos/<build>/<arch>/<file>`. */
  readonly path: string;
  /** Where it lies on disk. */
  readonly file: string;
  readonly sizeBytes: number;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
}

/** A small text served from memory, for example `/ca.crt`. */
export interface WebText {
  readonly path: string;
  readonly content: string;
  /** Left out: by the extension. */
  readonly contentType?: string;
}

/** A name in a folder listing: a file, a text, or a folder (its name ends in `/`, its size is that of all files below). */
export interface WebEntry {
  readonly name: string;
  readonly sizeBytes: number;
  readonly file: WebFile | undefined;
}

/** Everything that is served, looked up by exact path: what is not in these tables cannot be reached. */
export interface WebSite {
  readonly files: ReadonlyMap<string, WebFile>;
  readonly texts: ReadonlyMap<string, WebText & { readonly contentType: string }>;
  /** By folder path with its final `/`, sorted by name. */
  readonly folders: ReadonlyMap<string, readonly WebEntry[]>;
}

/**
 * Lays files and texts out as folders and adds a `sha256sum.txt` to every folder that has files below it, with paths relative to it, so that
 * `sha256sum -c` works there.
 * @throws AirlockError WEB_PATH_INVALID
 */
export function layOutSite(files: readonly WebFile[], texts: readonly WebText[]): WebSite {
  const fileTable = new Map<string, WebFile>();
  const textTable = new Map<string, WebText & { contentType: string }>();
  for (const file of files) {
    assertPath(file.path, fileTable.has(file.path));
    fileTable.set(file.path, { ...file, sha256: file.sha256.toLowerCase() });
  }
  for (const text of [...texts, ...checksumTexts([...fileTable.values()])]) {
    assertPath(text.path, fileTable.has(text.path) || textTable.has(text.path));
    textTable.set(text.path, { ...text, contentType: text.contentType ?? contentTypeOf(text.path) });
  }
  return { files: fileTable, texts: textTable, folders: listFolders(fileTable, textTable) };
}

/** The folders above a path, each with its final `/`, the root first. */
export function parentFolders(path: string): string[] {
  const segments = path.split('/').slice(1, -1);
  return ['/', ...segments.map((_, index) => `/${segments.slice(0, index + 1).join('/')}/`)];
}

function assertPath(path: string, taken: boolean): void {
  const clean = parseRequestPath(path.split('/').map(encodeURIComponent).join('/'));
  if (clean === path && !path.endsWith('/') && !taken) return;
  throw new AirlockError('WEB_PATH_INVALID', `"${path}" ${taken ? 'is served twice' : 'is not a clean absolute path'}`);
}

function checksumTexts(files: readonly WebFile[]): WebText[] {
  const lines = new Map<string, string[]>();
  for (const file of [...files].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    for (const folder of parentFolders(file.path)) {
      const list = lines.get(folder) ?? [];
      list.push(`${file.sha256}  ${file.path.slice(folder.length)}\n`);
      lines.set(folder, list);
    }
  }
  return [...lines].map(([folder, list]) => ({ path: `${folder}sha256sum.txt`, content: list.join('') }));
}

function listFolders(
  files: ReadonlyMap<string, WebFile>,
  texts: ReadonlyMap<string, WebText>,
): Map<string, WebEntry[]> {
  const folders = new Map<string, Map<string, WebEntry>>([['/', new Map()]]);
  const add = (path: string, sizeBytes: number, file: WebFile | undefined): void => {
    for (const folder of parentFolders(path)) {
      const entries = folders.get(folder) ?? new Map<string, WebEntry>();
      folders.set(folder, entries);
      const [head = '', ...rest] = path.slice(folder.length).split('/');
      const name = rest.length > 0 ? `${head}/` : head;
      const before = entries.get(name)?.sizeBytes ?? 0;
      entries.set(name, { name, sizeBytes: before + sizeBytes, file: rest.length > 0 ? undefined : file });
    }
  };
  for (const file of files.values()) add(file.path, file.sizeBytes, file);
  for (const text of texts.values()) add(text.path, Buffer.byteLength(text.content), undefined);
  return new Map([...folders].map(([folder, entries]) => [folder, [...entries.values()].sort(byName)]));
}

function byName(a: WebEntry, b: WebEntry): number {
  return a.name < b.name ? -1 : 1;
}
