import type { Run } from '../../core/run.ts';
import type { Digest } from '../../oci/index.ts';
import type { KeptBlobs } from '../../plan/index.ts';
import { openKeptLayer } from '../layer/open-layer.ts';
import { covers, whiteoutPath } from '../layer/read-files.ts';
import { readTar } from '../layer/tar-reader.ts';
import { type CatalogDocument, createDocumentParser } from './documents.ts';

/** The catalog files of an image: which layer holds each, whiteouts and overwriting minded. */
export interface CatalogFiles {
  /** Layer → member names. */
  readonly byLayer: ReadonlyMap<Digest, ReadonlySet<string>>;
  readonly count: number;
}

/** Finds the files below `root` (`configs`) in kept layers, given from the lowest up. Their content is not read. */
export async function findCatalogFiles(
  layers: readonly Digest[],
  root: string,
  kept: KeptBlobs,
  run: Run,
): Promise<CatalogFiles> {
  const owner = new Map<string, Digest>();
  for (const layer of layers) {
    const here: string[] = [];
    const hidden: string[] = [];
    await readTar(await openKeptLayer(layer, kept, run), (member) => {
      const whiteout = whiteoutPath(member.name);
      if (whiteout !== undefined) hidden.push(whiteout);
      else if (member.kind === 'file' && covers(root, member.name)) here.push(member.name);
      return undefined;
    });
    // A whiteout hides what lower layers have, never what its own layer brings.
    for (const path of hidden) for (const name of owner.keys()) if (covers(path, name)) owner.delete(name);
    for (const name of here) owner.set(name, layer);
  }
  const byLayer = new Map<Digest, Set<string>>();
  for (const [name, layer] of owner) {
    if (isIgnored(name)) continue;
    byLayer.set(layer, (byLayer.get(layer) ?? new Set()).add(name));
  }
  return { byLayer, count: [...byLayer.values()].reduce((sum, names) => sum + names.size, 0) };
}

/**
 * Streams every document of a catalog, one at a time: memory stays flat however large the catalog is.
 * @throws AirlockError CATALOG_UNREADABLE, LAYER_INVALID
 */
export async function readCatalog(
  files: CatalogFiles,
  kept: KeptBlobs,
  take: (document: CatalogDocument) => void | Promise<void>,
  run: Run,
): Promise<void> {
  for (const [layer, names] of files.byLayer) {
    // Documents are taken after each chunk, so that an asynchronous taker holds the stream back.
    const waiting: CatalogDocument[] = [];
    let finish: (() => void) | undefined;
    const drain = async (): Promise<void> => {
      for (const document of waiting.splice(0)) await take(document);
    };
    await readTar(await openKeptLayer(layer, kept, run), (member) => {
      finish?.();
      finish = undefined;
      if (!names.has(member.name)) return undefined;
      const parser = createDocumentParser(member.name, (document) => waiting.push(document));
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

/** What operator-registry does not read as catalog content. */
function isIgnored(name: string): boolean {
  return name.endsWith('/.indexignore') || name === '.indexignore';
}
