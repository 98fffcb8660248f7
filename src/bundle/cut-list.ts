import path from 'node:path';
import type { DiskFile } from '../core/disk.ts';
import { diskError, findFile, writeFileAtomic } from '../core/files.ts';
import { prettyJson } from '../core/json.ts';
import type { Run } from '../core/run.ts';
import { type PartList, partListName, readPartList } from './parts.ts';

/** Name of the part list while parts are being cut. */
export const cutListName = `${partListName}.partial`;

/**
 * The part list while parts are cut: laid out at its full size, with empty sums, each written in its place once its part is on the disk. So a
 * cut that was interrupted knows what it made, and what lies in the folder is never more than what is there at the end.
 */
export interface CutList {
  /** sha256 (bare hex) of the parts that are known, by name. Nothing says that a part still has it. */
  readonly sums: ReadonlyMap<string, string>;
  /** Notes the sum of a part. */
  record(name: string, sha256: string): Promise<void>;
  /** Gives the list its final name; every sum has to be known. */
  finish(): Promise<PartList>;
  close(): Promise<void>;
}

/** Of a part that is not known yet. */
export const emptySum = '0'.repeat(64);

/**
 * Opens the list of a cut in `folder`; one that an interrupted cut of the same parts left goes on. `known` are sums that are believed at first.
 * @throws AirlockError DISK_FULL, FILE_UNWRITABLE
 */
export async function openCutList(
  folder: string,
  list: PartList,
  known: ReadonlyMap<string, string>,
  run: Run,
): Promise<CutList> {
  const file = path.join(folder, cutListName);
  const places = placeSums(list);
  const sums = new Map(known);
  const found = await readSums(file, list, places, run);
  for (const [name, sha256] of found ?? []) sums.set(name, sha256);
  try {
    if (!found) await writeFileAtomic(file, prettyJson(withSums(list, sums)), run);
    return new FileCutList(folder, list, { places, sums, file: await run.disk.open(file, 'write') }, run);
  } catch (error) {
    throw diskError(error, file, 'write');
  }
}

/** The parts of a cut that was interrupted in `folder`; undefined when there is none, or nothing can be read of it. */
export function findUnfinishedCut(folder: string, run: Run): Promise<PartList | undefined> {
  return readPartList(folder, run, cutListName).catch(() => undefined);
}

class FileCutList implements CutList {
  readonly sums: Map<string, string>;
  readonly #folder: string;
  readonly #list: PartList;
  readonly #places: readonly number[];
  readonly #file: DiskFile;
  readonly #run: Run;

  constructor(
    folder: string,
    list: PartList,
    { places, sums, file }: { places: readonly number[]; sums: Map<string, string>; file: DiskFile },
    run: Run,
  ) {
    this.#folder = folder;
    this.#list = list;
    this.#places = places;
    this.#file = file;
    this.#run = run;
    this.sums = sums;
  }

  async record(name: string, sha256: string): Promise<void> {
    const at = this.#places[this.#list.parts.findIndex((part) => part.name === name)];
    if (at === undefined) throw new Error(`the list has no part ${name}`);
    try {
      await this.#file.write(Buffer.from(sha256), at);
      await this.#file.sync();
    } catch (error) {
      throw diskError(error, path.join(this.#folder, cutListName), 'write');
    }
    this.sums.set(name, sha256);
  }

  async finish(): Promise<PartList> {
    const { disk } = this.#run;
    try {
      // The parts have their names for good before a list says that they are all there.
      await disk.syncDirectory(this.#folder);
      await disk.rename(path.join(this.#folder, cutListName), path.join(this.#folder, partListName));
      await disk.syncDirectory(this.#folder);
    } catch (error) {
      throw diskError(error, path.join(this.#folder, partListName), 'write');
    }
    return withSums(this.#list, this.sums);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

function withSums(list: PartList, sums: ReadonlyMap<string, string>): PartList {
  return { ...list, parts: list.parts.map((part) => ({ ...part, sha256: sums.get(part.name) ?? emptySum })) };
}

/** Where in the text the sum of each part begins. */
function placeSums(list: PartList): number[] {
  const text = prettyJson(withSums(list, new Map()));
  const places: number[] = [];
  const lead = '"sha256": "';
  for (let at = text.indexOf(lead); at !== -1; at = text.indexOf(lead, at + 1)) places.push(at + lead.length);
  return places;
}

/** The sums of a list that was left; undefined when it is of other parts, or damaged. */
async function readSums(
  file: string,
  list: PartList,
  places: readonly number[],
  run: Run,
): Promise<Map<string, string> | undefined> {
  const text = (await findFile(file, run))?.toString('latin1');
  if (text === undefined) return undefined;
  const sums = new Map<string, string>();
  for (const [at, { name }] of list.parts.entries()) {
    const sum = text.slice(places[at], (places[at] ?? 0) + emptySum.length);
    // A sum that was torn while it was written fits no part, and the part is made again.
    if (sum !== emptySum) sums.set(name, sum);
  }
  return prettyJson(withSums(list, sums)) === text ? sums : undefined;
}
