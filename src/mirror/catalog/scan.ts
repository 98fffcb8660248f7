import type { Run } from '../../core/run.ts';
import type { Digest } from '../../oci/index.ts';
import type { KeptBlobs } from '../../plan/index.ts';
import { openKeptLayer } from '../layer/open-layer.ts';
import { covers, whiteoutPath } from '../layer/read-files.ts';
import { readTar } from '../layer/tar-reader.ts';
import { type CatalogDocument, createDocumentParser } from './documents.ts';
import { createIgnoreTest, ignoreFileName } from './index-ignore.ts';

const ignoreLimitBytes = 1 << 20;

/** The catalog files of an image: which layer holds each, whiteouts and overwriting minded. */
export interface CatalogFiles {
  /** Layer → member names. */
  readonly byLayer: ReadonlyMap<Digest, ReadonlySet<string>>;
  readonly count: number;
}

interface FoundFile {
  readonly layer: Digest;
  /** Text of a `.indexignore` file. */
  readonly ignore: string | undefined;
}

/**
 * Finds the files below `root` (`configs`) in kept layers, given from the lowest up. Their content is not read, but for what `.indexignore`
 * files say.
 */
export async function findCatalogFiles(
  layers: readonly Digest[],
  root: string,
  kept: KeptBlobs,
  run: Run,
): Promise<CatalogFiles> {
  const found = new Map<string, FoundFile>();
  for (const layer of layers) {
    const { files, hidden } = await listLayer(layer, root, kept, run);
    // A whiteout hides what lower layers have, never what its own layer brings.
    for (const path of hidden) for (const name of found.keys()) if (covers(path, name)) found.delete(name);
    for (const [name, ignore] of files)
      found.set(name, { layer, ignore: ignore && Buffer.concat(ignore).toString('utf8') });
  }
  const below = root === '' ? 0 : root.length + 1;
  const ignoreFiles = [...found].flatMap(([name, { ignore }]): [string, string][] =>
    ignore === undefined ? [] : [[name.slice(below), ignore]],
  );
  const isIgnored = createIgnoreTest(new Map(ignoreFiles));
  const byLayer = new Map<Digest, Set<string>>();
  for (const [name, { layer, ignore }] of found) {
    if (ignore !== undefined || isIgnored(name.slice(below))) continue;
    byLayer.set(layer, (byLayer.get(layer) ?? new Set()).add(name));
  }
  return { byLayer, count: [...byLayer.values()].reduce((sum, names) => sum + names.size, 0) };
}

async function listLayer(
  layer: Digest,
  root: string,
  kept: KeptBlobs,
  run: Run,
): Promise<{ readonly files: Map<string, Buffer[] | undefined>; readonly hidden: string[] }> {
  const files = new Map<string, Buffer[] | undefined>();
  const hidden: string[] = [];
  await readTar(await openKeptLayer(layer, kept, run), (member) => {
    const whiteout = whiteoutPath(member.name);
    if (whiteout !== undefined) hidden.push(whiteout);
    else if (member.kind === 'folder' || !covers(root, member.name)) return undefined;
    else if (member.kind === 'other' || member.name === root) hidden.push(member.name);
    else if (isIgnoreFile(member.name) && member.sizeBytes <= ignoreLimitBytes) {
      const parts: Buffer[] = [];
      files.set(member.name, parts);
      return (chunk) => void parts.push(Buffer.from(chunk));
    } else files.set(member.name, undefined);
    return undefined;
  });
  return { files, hidden };
}

/** Those of the files that are named. */
export function onlyFiles(files: CatalogFiles, names: ReadonlySet<string>): CatalogFiles {
  const byLayer = new Map(
    [...files.byLayer].flatMap(([layer, own]) => {
      const left = [...own].filter((name) => names.has(name));
      return left.length > 0 ? [[layer, new Set(left)] as const] : [];
    }),
  );
  return { byLayer, count: [...byLayer.values()].reduce((sum, own) => sum + own.size, 0) };
}

/**
 * Streams every document of a catalog with its file's name, one at a time: memory stays flat however large the catalog is.
 * @throws AirlockError CATALOG_UNREADABLE, LAYER_INVALID
 */
export async function readCatalog(
  files: CatalogFiles,
  kept: KeptBlobs,
  take: (document: CatalogDocument, file: string) => void | Promise<void>,
  run: Run,
): Promise<void> {
  for (const [layer, names] of files.byLayer) {
    // Documents are taken after each chunk, so that an asynchronous taker holds the stream back.
    const waiting: [CatalogDocument, string][] = [];
    let finish: (() => void) | undefined;
    const drain = async (): Promise<void> => {
      for (const [document, file] of waiting.splice(0)) await take(document, file);
    };
    await readTar(await openKeptLayer(layer, kept, run), (member) => {
      finish?.();
      finish = undefined;
      if (!names.has(member.name)) return undefined;
      const parser = createDocumentParser(member.name, (document) => waiting.push([document, member.name]));
      finish = () => parser.end();
      return async (chunk) => {
        parser.write(chunk);
        await drain();
      };
    });
    finish?.();
    await drain();
  }
}

function isIgnoreFile(name: string): boolean {
  return name.slice(name.lastIndexOf('/') + 1) === ignoreFileName;
}
