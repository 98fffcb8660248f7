import path from 'node:path';
import { mapLimited } from '../core/limit.ts';
import type { Run } from '../core/run.ts';
import { type Bundle, isHere, locateMember } from './bundle.ts';
import type { IndexedFile } from './format.ts';
import { assertSpace, type FileNeed } from './load-space.ts';
import { findNeededPieces } from './needed-pieces.ts';
import { type Placement, placeAll } from './place-data.ts';
import { measureSpans, placeSpans } from './place-spans.ts';

/** Folders on this host for what is no image. */
export interface FilePlaces {
  /** Where files with a web path go; left out: they stay in the bundle. */
  readonly webRoot?: string;
  /** Where tools go. */
  readonly toolsDir?: string;
  /** Where other files (the registry image) go, under their member names without `airlock/`. */
  readonly filesDir?: string;
}

/** A file of the bundle that is not in its place yet. */
export interface FilePlacement extends Placement {
  /** The folder of `FilePlaces` that it goes below. */
  readonly root: string;
}

/** What placing files did. */
export interface FileOutcome {
  readonly placedFiles: number;
  readonly placedBytes: number;
  /** Files whose volume, or a part of it, is not here. */
  readonly absentFiles: number;
  /** Names of the parts, or volumes, that hold bytes of them. */
  readonly neededPieces: readonly string[];
  /** Web paths that an earlier generation carried and that are not below the web root: it was loaded without one, or to another place. */
  readonly missingFiles: readonly string[];
}

/**
 * Places the files of a bundle beside a load into an external registry. Run again it does what is left.
 * @throws AirlockError SPACE_SHORT, BUNDLE_DAMAGED, DISK_FULL, FILE_UNWRITABLE, CANCELLED
 */
export async function placeFiles(bundle: Bundle, places: FilePlaces, run: Run): Promise<FileOutcome> {
  const todo = await findFiles(bundle, places, run);
  await assertSpace(await measureFiles(bundle, todo, run), run);
  const placed = await placeFound(bundle, todo, run);
  const absent = todo.filter((one) => !placed.includes(one));
  return {
    placedFiles: placed.length,
    placedBytes: placed.reduce((sum, one) => sum + one.size, 0),
    absentFiles: absent.length,
    neededPieces: await findNeededPieces(
      bundle,
      absent.map((placement) => ({ placement, staging: fileSpans(placement.root) })),
      run,
    ),
    missingFiles: await findMissingFiles(bundle, places, run),
  };
}

/** The files that are not where they belong, judged by their size. */
export async function findFiles(bundle: Bundle, places: FilePlaces, run: Run): Promise<FilePlacement[]> {
  const all = bundle.index.files.flatMap((file): FilePlacement[] => {
    const { path: name, sha256: hex, size, mode } = file;
    const source = locateMember(bundle, file);
    return fileTarget(file, places).map((at) => ({ ...at, algorithm: 'sha256', hex, name, source, size, mode }));
  });
  return findAbsent(all, run);
}

/** What is not at its target with its size. */
export async function findAbsent<P extends Placement>(placements: readonly P[], run: Run): Promise<P[]> {
  const sizes = await mapLimited(placements, 16, async ({ target }) => (await run.disk.stat(target))?.sizeBytes);
  return placements.filter((placement, at) => sizes[at] !== placement.size);
}

/** Where below a folder of `FilePlaces` pieces of its files wait that a cut divides between media. */
export function fileSpans(root: string): string {
  return path.join(root, '.airlock-spans');
}

/** Removes pieces that nobody waits for any more: their files came whole from elsewhere. */
export async function removeSpans({ webRoot, toolsDir, filesDir }: FilePlaces, run: Run): Promise<void> {
  for (const root of [webRoot, toolsDir, filesDir]) if (root !== undefined) await run.disk.remove(fileSpans(root));
}

/** What `placeFound` would write: files that are here whole, and the pieces that are not placed yet of those that are not. */
export async function measureFiles(bundle: Bundle, todo: readonly FilePlacement[], run: Run): Promise<FileNeed[]> {
  const needs: FileNeed[] = todo.filter((one) => isHere(bundle, one));
  for (const [root, below] of byRoot(todo.filter((one) => !isHere(bundle, one))))
    needs.push(...(await measureSpans(below, bundle, fileSpans(root), run)));
  return needs;
}

/** Files by the folder that they go below. */
export function byRoot(files: readonly FilePlacement[]): (readonly [string, readonly FilePlacement[]])[] {
  return [...new Set(files.map(({ root }) => root))].map((root) => [root, files.filter((one) => one.root === root)]);
}

/** Places those whose bytes are here, whole or, of a bundle in parts, in the pieces that are. Returns what has its name now. */
export async function placeFound(
  bundle: Bundle,
  todo: readonly FilePlacement[],
  run: Run,
): Promise<readonly FilePlacement[]> {
  const placed: FilePlacement[] = [];
  for (const [root, below] of byRoot(todo)) {
    const whole = below.filter((one) => isHere(bundle, one));
    // Each folder may be a file system of its own, and a name is given by a rename, which cannot leave one.
    await placeAll(whole, path.join(root, '.airlock-load'), run);
    placed.push(...whole);
    if (!bundle.parts) continue;
    const divided = below.filter((one) => !whole.includes(one));
    const joined = await placeSpans(divided, bundle, fileSpans(root), run);
    placed.push(...divided.filter((one) => joined.has(one)));
  }
  return placed;
}

/** Web paths of earlier generations that are not below the web root. */
export async function findMissingFiles(bundle: Bundle, { webRoot }: FilePlaces, run: Run): Promise<string[]> {
  if (webRoot === undefined) return [];
  const missing: string[] = [];
  for (const { webPath, size } of bundle.index.assumedFiles) {
    if (webPath === undefined) continue;
    if ((await run.disk.stat(path.join(webRoot, webPath)))?.sizeBytes !== size) missing.push(webPath);
  }
  return missing;
}

/** Where a file of the bundle goes on this host; nowhere: it stays in the bundle. */
function fileTarget(
  { path: member, webPath, role }: IndexedFile,
  { webRoot, toolsDir, filesDir }: FilePlaces,
): { readonly root: string; readonly target: string }[] {
  const below = (root: string | undefined, name: string) =>
    root === undefined ? [] : [{ root, target: path.join(root, name) }];
  if (webPath !== undefined) return below(webRoot, webPath);
  if (role === 'tool') return below(toolsDir, path.basename(member));
  return role === 'registry-image' ? below(filesDir, member.replace(/^airlock\//, '')) : [];
}
