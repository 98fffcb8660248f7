import path from 'node:path';
import {
  acquireLock,
  type BuildOutcome,
  buildBundle,
  findInterruptedBuild,
  generationFolders,
  readHistory,
} from '../bundle/index.ts';
import { AirlockError } from '../core/errors.ts';
import { findFile, readFileLimited } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { type KeptBlobs, openKeptBlobs, type Plan, parsePlan } from '../plan/index.ts';
import { recoverHistory } from './base.ts';
import { buildWithOcMirror } from './build-oc-mirror.ts';
import { findTool } from './carried-tool.ts';
import { chooseEngine, type EngineSettings } from './choose-engine.ts';
import { openSourceClients } from './clients.ts';
import { contentSources } from './content-sources.ts';
import { warnOfFolderWords } from './folder-words.ts';
import { keepNames } from './names.ts';
import { fitsFlags } from './plan-flags.ts';
import { describePlan, loadConfiguration, type PlanResult, planImageSet, workspaceOf } from './plan-image-set.ts';
import type { PlanRequest } from './requests.ts';
import { describeResult, type MirrorResult, nameMissing, type ResultEnding, writeResult } from './result.ts';
import { readSigningKey } from './signing-key.ts';

export interface BuildRequest extends PlanRequest {
  /** Build this plan and no other. */
  readonly planFile?: string | undefined;
  /** Drop what an interrupted build planned and fetched. */
  readonly replan: boolean;
  readonly signingKeyFile?: string | undefined;
  /** Left out: the built-in engine. */
  readonly engine?: EngineSettings | undefined;
}

/**
 * Plans where there is no plan that fits, and fills the next generation. A set with nothing new makes nothing.
 * @throws AirlockError SIGNING_KEY_INVALID before anything else, WORKSPACE_LOCKED, SPACE_SHORT, and those of planning and building; missing content is in the result
 */
export async function build(request: BuildRequest, run: Run): Promise<MirrorResult> {
  const startedAt = run.now();
  const workspace = workspaceOf(request);
  await readSigningKey(request.signingKeyFile, run);
  const lock = await acquireLock(workspace, 'airlock build', run);
  try {
    const binary = await chooseEngine(request.engine, { ...request, archiveFolder: request.folder }, run);
    if (binary) return await buildWithOcMirror(binary, request, run);
    warnOfFolderWords(request.folder, run);
    const kept = openKeptBlobs(workspace);
    const { result: planned, resumed } = await choosePlan(request, kept, run);
    const { plan } = planned;
    // A set that cannot be whole is not fetched: what is missing changes the layout, so that nothing of it could be kept.
    if (plan.missing.length > 0) return await endWithout(request, plan, startedAt, run);
    if (!planned.isNew && !request.full && !resumed) {
      // A plan that led to nothing is used up too: the next run has to look whether a tag moved.
      await run.disk.remove(path.join(workspace, 'plan.json'));
      return describeResult(
        plan,
        { state: 'nothing-new', folder: request.folder, missing: plan.missing },
        { startedAt, finishedAt: run.now() },
      );
    }
    if (planned.findings.length > 0 && !resumed) throw spaceShort(planned);
    const outcome = await fill(request, planned.plan, kept, run);
    const result = describeResult(plan, summarize(outcome, plan), { startedAt, finishedAt: run.now() });
    await writeResult(result.folder, result, run);
    if (outcome.kind === 'sealed') {
      const { generation, indexDigest } = outcome.record;
      await keepNames(workspace, generation, { indexDigest, images: planned.plan.images }, run);
      await run.disk.remove(path.join(workspace, 'plan.json'));
    }
    return result;
  } finally {
    await lock.release();
  }
}

/** Writes down what planning did not find; the next run plans again. */
async function endWithout(request: BuildRequest, plan: Plan, startedAt: Date, run: Run): Promise<MirrorResult> {
  const { partial } = generationFolders(request.folder, plan.generation);
  const ending = { state: 'incomplete', folder: partial, missing: plan.missing } as const;
  const result = describeResult(plan, ending, { startedAt, finishedAt: run.now() });
  await writeResult(partial, result, run);
  return result;
}

/** The plan of an interrupted build, the one that was asked for, the last one while configurations and flags are as they were, or a new one. */
async function choosePlan(
  request: BuildRequest,
  kept: KeptBlobs,
  run: Run,
): Promise<{ result: PlanResult; resumed: boolean }> {
  if (request.planFile !== undefined)
    return { result: await readPlan(request.planFile, kept, request, run), resumed: false };
  const interrupted = await findInterruptedBuild(request.folder, run);
  if (interrupted && !request.replan) {
    say(
      run,
      `continuing generation ${interrupted.plan.generation}, which was interrupted, with its own plan (--replan drops it)`,
    );
    return {
      result: await describePlan(interrupted.plan, path.join(interrupted.folder, 'plan.json'), kept, request, run),
      resumed: true,
    };
  }
  if (interrupted) await run.disk.remove(interrupted.folder);
  const fitting = await findFittingPlan(request, kept, run);
  if (fitting) {
    say(run, 'using the plan that lies in the workspace: both configurations and the flags are as they were');
    return { result: fitting, resumed: false };
  }
  await recoverHistory(request.folder, workspaceOf(request), run);
  return { result: await planImageSet(request, run, kept), resumed: false };
}

async function readPlan(file: string, kept: KeptBlobs, request: BuildRequest, run: Run): Promise<PlanResult> {
  const plan = parsePlan((await readFileLimited(file, run, 1 << 30)).toString(), file);
  return describePlan(plan, file, kept, request, run);
}

async function findFittingPlan(request: BuildRequest, kept: KeptBlobs, run: Run): Promise<PlanResult | undefined> {
  if (request.full || request.baseFile !== undefined) return undefined;
  const workspace = workspaceOf(request);
  const file = path.join(workspace, 'plan.json');
  const bytes = await findFile(file, run, 1 << 30);
  if (!bytes) return undefined;
  const configuration = await loadConfiguration(request, run);
  const history = await readHistory(workspace, run);
  try {
    const planned = parsePlan(bytes.toString(), file);
    // How volumes are cut is no question of content.
    const plan = { ...planned, volumeSizeBytes: request.volumeSizeBytes ?? planned.volumeSizeBytes };
    const fits =
      fitsFlags(plan, request) &&
      plan.imageSetDigest === configuration.imageSet.imageSetDigest &&
      plan.siteDigest === configuration.site?.siteDigest &&
      plan.generation === history.next &&
      plan.missing.length === 0;
    return fits ? await describePlan(plan, file, kept, request, run) : undefined;
  } catch (error) {
    // A plan of another version of Airlock is simply made again.
    if (error instanceof AirlockError && error.code === 'PLAN_INVALID') return undefined;
    throw error;
  }
}

async function fill(request: BuildRequest, plan: Plan, kept: KeptBlobs, run: Run): Promise<BuildOutcome> {
  const workspace = workspaceOf(request);
  const clients = await openSourceClients(request.source, 'build', run);
  const signingKeyPem = await readSigningKey(request.signingKeyFile, run);
  const tool = await findTool(request, plan, run);
  try {
    return await buildBundle(
      {
        plan,
        folder: request.folder,
        workspace,
        kept,
        sources: contentSources(clients),
        parallelBlobs: request.source.parallelLayers,
        ...(signingKeyPem === undefined ? {} : { signingKeyPem }),
        ...(tool ? { toolFile: tool.file } : {}),
      },
      run,
    );
  } finally {
    await clients.close();
  }
}

function summarize(outcome: BuildOutcome, plan: Plan): ResultEnding {
  if (outcome.kind === 'sealed')
    return { state: 'complete', folder: outcome.folder, missing: [], volumes: outcome.record.volumes };
  return {
    state: outcome.kind,
    folder: outcome.folder,
    missing: [...plan.missing, ...nameMissing(outcome.missing, plan)],
  };
}

function spaceShort(planned: PlanResult): AirlockError {
  const lines = planned.findings.map((finding) => `${finding.subject} ${finding.message}`);
  return new AirlockError('SPACE_SHORT', lines.join('\n'), {
    hint: planned.findings.map((finding) => finding.hint).join('; '),
    details: { findings: planned.findings },
  });
}

function say(run: Run, message: string): void {
  run.report({ stage: 'build', state: 'log', level: 'info', message });
}
