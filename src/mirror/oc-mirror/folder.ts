import path from 'node:path';
import { AirlockError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../core/files.ts';
import type { Run } from '../../core/run.ts';
import { historyName, places, reservedWords } from './dialect.ts';

/** What a folder is prepared with. */
export interface FolderOptions {
  /** Where the binary will write. Everything in it goes away: it would delete earlier archives itself. */
  readonly folder: string;
  /** Blobs that the far side has: the next archive leaves them out. */
  readonly carriedBlobs: ReadonlySet<string>;
  /** Where `keepCatalogs` put the catalogs of the last run. */
  readonly catalogsFolder: string;
}

/**
 * Makes a fresh folder for a run. Rebuilt catalogs of the last run are put back, since the binary gives a catalog a new digest whenever it
 * does not find them (reference §7.6).
 * @throws AirlockError OC_MIRROR_FOLDER_REFUSED, FILE_UNWRITABLE
 */
export async function prepareFolder(options: FolderOptions, run: Run): Promise<void> {
  const { folder, carriedBlobs, catalogsFolder } = options;
  assertFolder(folder);
  await keepCatalogs(folder, catalogsFolder, undefined, run);
  await run.disk.remove(folder);
  await run.disk.makeDirectory(path.join(folder, places.workingDir));
  if (await run.disk.stat(catalogsFolder))
    await run.disk.rename(catalogsFolder, path.join(folder, places.catalogs)).catch(() => {});
  if (carriedBlobs.size === 0) return;
  const text = [...carriedBlobs].map((digest) => `${digest}\n`).join('');
  await writeFileAtomic(path.join(folder, places.history, historyName(run.now())), text, run);
}

/** @throws AirlockError OC_MIRROR_FOLDER_REFUSED */
export function assertFolder(folder: string): void {
  const word = reservedWords.find((one) => folder.includes(one));
  if (word === undefined) return;
  throw new AirlockError(
    'OC_MIRROR_FOLDER_REFUSED',
    `oc-mirror does not write to ${folder}: its path contains "${word}"`,
    {
      hint: 'choose a DIR whose path has no such word, or use --engine builtin',
    },
  );
}

/**
 * Keeps the catalogs of a run for the next one, those of `digests` (bare hex) only where they are given. Where a rename cannot reach they are
 * rebuilt the next time.
 */
export async function keepCatalogs(
  folder: string,
  catalogsFolder: string,
  digests: ReadonlySet<string> | undefined,
  run: Run,
): Promise<void> {
  const own = path.join(folder, places.catalogs);
  if (!(await run.disk.stat(own))) return;
  for (const name of await run.disk.list(own))
    for (const digest of await run.disk.list(path.join(own, name.name)))
      if (digests && !digests.has(digest.name)) await run.disk.remove(path.join(own, name.name, digest.name));
  await run.disk.remove(catalogsFolder);
  await run.disk.makeDirectory(path.dirname(catalogsFolder));
  await run.disk.rename(own, catalogsFolder).catch(() => {});
}
