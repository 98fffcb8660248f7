import path from 'node:path';
import {
  type Bundle,
  findNeeded,
  openBundle,
  openParts,
  type PartFault,
  type PartList,
  readPartList,
} from '../bundle/index.ts';
import { AirlockError } from '../core/errors.ts';
import { readFileLimited, writeFileAtomic } from '../core/files.ts';
import { prettyJson } from '../core/json.ts';
import type { Run } from '../core/run.ts';
import type { Digest } from '../oci/index.ts';

/** A bundle as its media hold it. `run` reads volumes that lie in parts as if they were whole. */
export interface OpenedMedia {
  readonly bundles: readonly Bundle[];
  readonly run: Run;
  /** When the bundle came in parts. */
  readonly partList: PartList | undefined;
}

/** One piece that is damaged or missing. */
export interface Need {
  /** Of a part, or of a whole volume where the bundle is not in parts. */
  readonly name: string;
  readonly reason: PartFault;
}

/** What `verify --need-list` writes and `build --parts` reads. */
export interface NeedList {
  readonly apiVersion: 'airlock/v1alpha1';
  readonly kind: 'NeedList';
  readonly generation: number;
  readonly indexDigest: Digest;
  /** Left out: whole volumes are needed. */
  readonly partSizeBytes?: number;
  readonly needs: readonly Need[];
}

/**
 * Opens a bundle: a folder, a volume, a chain, or parts on one or several media (`more`: further folders where parts of the same bundle lie).
 * @throws AirlockError BUNDLE_NOT_FOUND, BUNDLE_INVALID
 */
export async function openMedia(bundlePath: string, more: readonly string[], run: Run): Promise<OpenedMedia> {
  const folders = [bundlePath, ...more];
  const isFolder = (await run.disk.stat(bundlePath))?.kind === 'directory';
  const partList = isFolder ? await readPartList(bundlePath, run) : undefined;
  if (!partList) {
    if (more.length === 0) return { bundles: await openBundle(bundlePath, run), run, partList };
    throw new AirlockError('USAGE', `${bundlePath} holds no parts of a bundle, so --media says nothing`, {
      hint: 'volumes go into one folder; only parts can lie on several media',
    });
  }
  for (const folder of more) {
    const other = await readPartList(folder, run);
    if (other && other.indexDigest !== partList.indexDigest) {
      throw new AirlockError(
        'BUNDLE_INVALID',
        `${folder} holds parts of another bundle (generation ${other.generation})`,
        {
          hint: 'name media of one bundle only',
        },
      );
    }
  }
  const opened = await openParts(await orderMedia(folders, run), run);
  return { bundles: [opened.bundle], run: opened.run, partList };
}

/** What is named last wins, so that a part that was made again stands in for a damaged one; the first has to hold the small files. */
export async function orderMedia(folders: readonly string[], run: Run): Promise<string[]> {
  const ordered = [...folders].reverse();
  const [first] = ordered;
  return first !== undefined && (await readPartList(first, run)) ? ordered : [...folders];
}

/** What the media lack of a bundle in parts: every byte of every part is read. */
export async function needOfParts(list: PartList, folders: readonly string[], run: Run): Promise<NeedList> {
  const needs = (await findNeeded(list, folders, run)).map(({ name, reason }) => ({ name, reason }));
  const { generation, indexDigest, partSizeBytes } = list;
  return { apiVersion: 'airlock/v1alpha1', kind: 'NeedList', generation, indexDigest, partSizeBytes, needs };
}

export async function writeNeedList(file: string, list: NeedList, run: Run): Promise<void> {
  await writeFileAtomic(file, prettyJson(list), run);
}

/** @throws AirlockError NEED_LIST_INVALID, FILE_NOT_FOUND */
export async function readNeedList(file: string, run: Run): Promise<NeedList> {
  try {
    const list = JSON.parse((await readFileLimited(file, run)).toString()) as NeedList;
    const named = /^mirror_[0-9]{6}\.tar(?:\.part-[0-9]{4,})?$/;
    if (list.kind === 'NeedList' && list.needs.every((need) => named.test(need.name))) return list;
  } catch (error) {
    if (error instanceof AirlockError) throw error;
  }
  throw new AirlockError('NEED_LIST_INVALID', `${file} is no need list`, {
    hint: 'make one where the parts are: airlock verify BUNDLE --need-list FILE',
  });
}

/** Whether a folder holds all parts of a list in their size already. */
export async function holdsParts(folder: string, list: PartList, run: Run): Promise<boolean> {
  for (const part of list.parts)
    if ((await run.disk.stat(path.join(folder, part.name)))?.sizeBytes !== part.size) return false;
  return true;
}
