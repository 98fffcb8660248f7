import { measureFile, readHistory } from '../bundle/index.ts';
import { AirlockError } from '../core/errors.ts';
import type { Run } from '../core/run.ts';
import type { Plan } from '../plan/index.ts';
import type { PlanRequest } from './requests.ts';

/** The executable that a bundle carries. */
export interface CarriedTool {
  readonly file: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/**
 * The executable that goes into the bundle of a plan; undefined when none is wanted, or when an earlier generation brought the same one.
 * @throws AirlockError FILE_NOT_FOUND
 */
export async function findTool(request: PlanRequest, plan: Plan, run: Run): Promise<CarriedTool | undefined> {
  const { toolFile } = request;
  if (toolFile === undefined) return undefined;
  if (!(await run.disk.stat(toolFile))) {
    throw new AirlockError('FILE_NOT_FOUND', `${toolFile} does not exist`, {
      hint: 'make it with npm run package, or leave it out with --tool none',
    });
  }
  const tool = { file: toolFile, ...(await measureFile(toolFile, run)) };
  if (!plan.parent) return tool;
  const workspace = request.workspace ?? `${request.folder}/.airlock`;
  // By the records before this generation: a build that is sealed again after a crash has to come to the same answer.
  const earlier = (await readHistory(workspace, run)).generations.filter((one) => one.generation < plan.generation);
  return earlier.some((one) => one.files.includes(tool.sha256)) ? undefined : tool;
}
