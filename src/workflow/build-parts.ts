import { findInterruptedBuild } from '../bundle/index.ts';
import { AirlockError } from '../core/errors.ts';
import type { Run } from '../core/run.ts';
import { type BuildRequest, build } from './build.ts';
import { type CutRequest, cutBundle, findNewest, isCutInterrupted, type PartsResult } from './parts.ts';
import { workspaceOf } from './plan-image-set.ts';
import { findResult, type MirrorResult } from './result.ts';

/** A build, and the parts that were cut where they were asked for and the bundle is whole. */
export interface BuildResult extends MirrorResult {
  readonly parts?: PartsResult;
}

/**
 * Builds, and cuts the bundle into parts of `partSizeBytes` where that is given. A cut that was interrupted goes on with the generation that it
 * was of, before anything new is planned.
 * @throws AirlockError as `build` and `cutBundle`
 */
export async function buildInParts(request: BuildRequest, run: Run): Promise<BuildResult> {
  const { partSizeBytes } = request;
  if (partSizeBytes === undefined) return build(request, run);
  const result = (await findUncut(request, partSizeBytes, run)) ?? (await build(request, run));
  if (result.state !== 'complete' && result.state !== 'nothing-new') return result;
  const sealed = result.state === 'complete' ? result.folder : await findNewest(request.folder, run);
  if (sealed === undefined) {
    throw new AirlockError('BUNDLE_NOT_FOUND', `${request.folder} holds no bundle any more`, {
      hint: 'build it again with --full',
    });
  }
  const parts = await cutBundle(cutRequest(request, sealed, partSizeBytes), run);
  return { ...result, parts };
}

/** How the newest build ended, when cutting its bundle was interrupted. */
async function findUncut(request: BuildRequest, partSizeBytes: number, run: Run): Promise<MirrorResult | undefined> {
  if (request.replan || request.planFile !== undefined || (await findInterruptedBuild(request.folder, run)))
    return undefined;
  const newest = await findNewest(request.folder, run);
  if (newest === undefined || !(await isCutInterrupted(cutRequest(request, newest, partSizeBytes), run)))
    return undefined;
  const result = await findResult(newest, run);
  if (result) {
    const message = `continuing to cut generation ${result.generation} into parts, which was interrupted (--replan plans anew)`;
    run.report({ stage: 'build', state: 'log', level: 'info', message });
  }
  return result;
}

function cutRequest(request: BuildRequest, generationFolder: string, partSizeBytes: number): CutRequest {
  const { partsFolder } = request;
  return { generationFolder, partsFolder, partSizeBytes, workspace: workspaceOf(request) };
}
