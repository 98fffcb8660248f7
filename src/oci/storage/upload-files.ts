import { createHash } from 'node:crypto';
import path from 'node:path';
import { findErrno } from '../../core/errors.ts';
import { diskError } from '../../core/files.ts';
import { findProcess, ownProcess, type ProcessMark } from '../../core/process-mark.ts';
import type { Run } from '../../core/run.ts';
import type { UploadName } from './content-store.ts';

/**
 * The names of one upload's file: `<id>.<repository>.<owner>`. The name is all that is recorded, so that taking an upload over is one rename:
 * of two processes that try, one gets it, and one that lost it can never give its bytes a final name.
 */
export interface UploadFiles {
  readonly folder: string;
  /** Begin of the name, whoever owns it; undefined for an id of another form. */
  readonly prefix: string | undefined;
  /** While this process writes to it. */
  readonly mine: string;
  /** While nobody does. */
  readonly parked: string;
}

const parkedOwner = 'parked';
const idForm = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export async function uploadFiles(folder: string, { id, repository }: UploadName): Promise<UploadFiles> {
  const prefix = `${id}.${shortHash(repository)}.`;
  return {
    folder,
    // An id comes from a URL: it must not lead out of the folder.
    prefix: idForm.test(id) ? prefix : undefined,
    mine: path.join(folder, `${prefix}${ownerName(await ownProcess())}`),
    parked: path.join(folder, `${prefix}${parkedOwner}`),
  };
}

/** Renames an upload that is parked, or whose owner is gone, to this process' name. False when there is none to take. */
export async function takeUpload(files: UploadFiles, run: Run): Promise<boolean> {
  const { folder, prefix, mine } = files;
  if (prefix === undefined) return false;
  try {
    for (const { name } of await run.disk.list(folder)) {
      if (!name.startsWith(prefix) || !(await isFree(name.slice(prefix.length)))) continue;
      await run.disk.rename(path.join(folder, name), mine);
      return true;
    }
  } catch (error) {
    // Another process was first.
    if (findErrno(error) === 'ENOENT') return false;
    throw diskError(error, mine, 'write');
  }
  return false;
}

async function isFree(owner: string): Promise<boolean> {
  if (owner === parkedOwner) return true;
  const mark = await findProcess(Number.parseInt(owner, 10));
  return mark === undefined || ownerName(mark) !== owner;
}

function ownerName({ pid, processStart }: ProcessMark): string {
  return `${pid}-${shortHash(processStart)}`;
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
