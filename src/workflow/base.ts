import { readHistory, readInventory, recoverRecords } from '../bundle/index.ts';
import { AirlockError } from '../core/errors.ts';
import { readFileLimited } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import type { AssembleOptions } from '../plan/index.ts';
import type { PlanRequest } from './requests.ts';

/** What the next generation builds on. */
export type Base = Pick<AssembleOptions, 'generation' | 'parent' | 'carriedBlobs' | 'carriedFiles'>;

/**
 * Puts sealed generations below DIR that the workspace does not know into its records, before the next one is planned.
 * @throws AirlockError GENERATION_EXISTS, FILE_UNWRITABLE, DISK_FULL
 */
export async function recoverHistory(folder: string, workspace: string, run: Run): Promise<void> {
  for (const generation of await recoverRecords(folder, workspace, run)) {
    const message = `generation ${generation} lies in ${folder} and was not in the workspace: its record was written again`;
    run.report({ stage: 'plan', state: 'log', level: 'warning', message });
  }
}

/**
 * What the far side has already: by the workspace's records, by an inventory exported there, or with `--full` nothing.
 * @throws AirlockError USAGE for --full with --base, INVENTORY_INVALID, FILE_NOT_FOUND
 */
export async function readBase(request: PlanRequest, workspace: string, run: Run): Promise<Base> {
  const history = await readHistory(workspace, run);
  if (request.full && request.baseFile !== undefined) {
    throw new AirlockError('USAGE', '--full carries everything, --base only what is missing', {
      hint: 'give one of them',
    });
  }
  if (request.full) return { generation: history.next, carriedBlobs: new Set(), carriedFiles: new Set() };
  const { next, parent } = history;
  if (request.baseFile === undefined) {
    const { carriedBlobs, carriedFiles } = history;
    return { generation: next, ...(parent ? { parent } : {}), carriedBlobs, carriedFiles };
  }
  const key =
    request.baseKeyFile === undefined ? undefined : (await readFileLimited(request.baseKeyFile, run)).toString();
  const inventory = await readInventory(request.baseFile, key, run);
  const { generation } = inventory;
  return {
    // The site may have loaded bundles of a workspace that is lost: their numbers are taken.
    generation: Math.max(next, (generation?.generation ?? 0) + 1),
    ...(generation ? { parent: generation } : {}),
    carriedBlobs: new Set(inventory.blobs),
    carriedFiles: new Set(inventory.files),
  };
}
