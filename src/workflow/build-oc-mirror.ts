import path from 'node:path';
import { adoptArchive, type BuildOutcome, type Bundle, generationFolders, openArchive } from '../bundle/index.ts';
import { isAirlockError } from '../core/errors.ts';
import { findFile, writeFileAtomic } from '../core/files.ts';
import { prettyJson } from '../core/json.ts';
import type { Run } from '../core/run.ts';
import {
  assertFolder,
  describeArchive,
  judgeEnd,
  keepCatalogs,
  type OcMirrorBinary,
  type OcMirrorVerdict,
  ocMirrorPlaces,
  prepareFolder,
  runOcMirror,
} from '../mirror/index.ts';
import { digestHex } from '../oci/index.ts';
import {
  assemblePlan,
  hasNewContent,
  type MissingContent,
  openKeptBlobs,
  type Plan,
  parsePlan,
  writePlan,
} from '../plan/index.ts';
import { openArchiveBlobs } from './archive-blobs.ts';
import { type Base, readBase, recoverHistory } from './base.ts';
import { addBastionFiles } from './bastion-files.ts';
import { findTool } from './carried-tool.ts';
import { type EngineSettings, ocMirrorStateName } from './choose-engine.ts';
import { httpAccess, openSourceClients } from './clients.ts';
import { contentSources } from './content-sources.ts';
import { hasSameNames, keepNames } from './names.ts';
import { cacheFolderOf, lockCache, nothingSelected, type OcMirrorWork, ocMirrorJob, placeOf } from './oc-mirror-job.ts';
import { collectOptions, loadConfiguration, planFrame, workspaceOf } from './plan-image-set.ts';
import type { PlanRequest } from './requests.ts';
import { errorBits, isReleaseType, type MirrorResult, nameMissing, uncheckedReleases, writeResult } from './result.ts';
import { readSigningKey } from './signing-key.ts';

export interface OcMirrorBuildRequest extends PlanRequest {
  readonly replan: boolean;
  readonly signingKeyFile?: string | undefined;
  readonly engine?: EngineSettings | undefined;
}

/** Beside the archive, once it is described. */
const planName = 'adopt-plan.json';

/** What stays the same over one build. */
interface Build extends OcMirrorWork {
  readonly request: OcMirrorBuildRequest;
  readonly base: Base;
  readonly workspace: string;
  /** `DIR/gen-NNNNNN.partial`. */
  readonly partial: string;
  readonly startedAt: Date;
}

/** A finished run of the binary, as it stands beside its archive: a build that is run again goes on behind it. */
interface RunState {
  readonly imageSetDigest: string;
  readonly siteDigest: string | undefined;
  readonly copied: readonly string[];
}

/**
 * Builds the next generation with the real binary: mirror to disk into a fresh folder, then its archive is described, checked and adopted
 * where it lies. The caller holds the workspace's lock.
 * @throws AirlockError OC_MIRROR_*, BUNDLE_INVALID, BUNDLE_DAMAGED, NOTHING_SELECTED, WORKSPACE_LOCKED (the cache is in use), and those of the disk
 */
export async function buildWithOcMirror(
  binary: OcMirrorBinary,
  request: OcMirrorBuildRequest,
  run: Run,
): Promise<MirrorResult> {
  const workspace = workspaceOf(request);
  await recoverHistory(request.folder, workspace, run);
  const base = await readBase(request, workspace, run);
  const job: Build = {
    request,
    binary,
    configuration: await loadConfiguration(request, run),
    base,
    workspace,
    partial: generationFolders(request.folder, base.generation).partial,
    startedAt: run.now(),
  };
  assertFolder(job.partial);
  const lock = await lockCache(placeOf(request), run);
  try {
    const mirrored = await mirrorToDisk(job, run);
    if (mirrored.kind === 'missing') return await finish(job, missingEnding(mirrored), run);
    try {
      const result = await adopt(job, mirrored.state, run);
      if (result.missing.some((one) => one.code === 'OC_MIRROR_ARCHIVE_INCOMPLETE')) await forgetRun(job, run);
      return result;
    } catch (error) {
      if (isAirlockError(error, 'BUNDLE_DAMAGED', 'BUNDLE_INVALID')) await forgetRun(job, run);
      throw error;
    }
  } finally {
    await lock.release();
  }
}

type Mirrored =
  | { readonly kind: 'done'; readonly state: RunState }
  | (Extract<OcMirrorVerdict, { kind: 'missing' }> & { readonly logFolder: string });

/** Runs the binary, unless a run for the same configuration is done already. */
async function mirrorToDisk(job: Build, run: Run): Promise<Mirrored> {
  const { request, configuration, partial, base } = job;
  const before = request.replan ? undefined : await findState(job, run);
  if (before) {
    say(run, `continuing generation ${base.generation}: oc-mirror was done with it (--replan drops it)`);
    return { kind: 'done', state: before };
  }
  await prepareFolder({ folder: partial, carriedBlobs: base.carriedBlobs, catalogsFolder: catalogsFolder(job) }, run);
  const end = await runOcMirror(ocMirrorJob(job, partial, 'build'), run);
  const verdict = judgeEnd(end);
  if (verdict.kind === 'missing') return { ...verdict, logFolder: end.logFolder };
  if (verdict.kind === 'nothing') throw nothingSelected(configuration);
  const state = {
    imageSetDigest: configuration.imageSet.imageSetDigest,
    siteDigest: configuration.site?.siteDigest,
    copied: [...end.output.copied],
  };
  await writeFileAtomic(path.join(partial, ocMirrorStateName), prettyJson(state), run);
  return { kind: 'done', state };
}

async function findState({ partial, configuration }: Build, run: Run): Promise<RunState | undefined> {
  const bytes = await findFile(path.join(partial, ocMirrorStateName), run, 1 << 28);
  if (!bytes) return undefined;
  const state = JSON.parse(bytes.toString('utf8')) as RunState;
  const fits =
    state.imageSetDigest === configuration.imageSet.imageSetDigest &&
    state.siteDigest === configuration.site?.siteDigest;
  return fits ? state : undefined;
}

/** An archive that is no good is written anew by the next run; the cache has what it needs. */
async function forgetRun({ partial }: Build, run: Run): Promise<void> {
  for (const name of [ocMirrorStateName, planName]) await run.disk.remove(path.join(partial, name));
}

/** Describes the archive, and makes a bundle of it where it carries anything new. */
async function adopt(job: Build, state: RunState, run: Run): Promise<MirrorResult> {
  const { request, partial, workspace, base } = job;
  const archive = await openArchive(partial, run);
  const clients = await openSourceClients(request.source, 'build', run);
  try {
    const plan = (await findPlan(job, run)) ?? (await planArchive(job, archive, state, clients, run));
    if (plan.missing.length > 0) return await finish(job, { plan, state: 'incomplete', missing: plan.missing }, run);
    const digests = new Set(plan.catalogs.map((catalog) => digestHex(catalog.digest)));
    const isNew = hasNewContent(plan) || !(await hasSameNames(plan, request.folder, workspace, run));
    if (!isNew && !request.full) {
      await keepCatalogs(partial, catalogsFolder(job), digests, run);
      await run.disk.remove(partial);
      return await finish(job, { plan, state: 'nothing-new', missing: [] }, run);
    }
    const planFile = path.join(partial, planName);
    await writePlan(plan, planFile, run);
    const signingKeyPem = await readSigningKey(request.signingKeyFile, run);
    const tool = await findTool(request, plan, run);
    const outcome = await adoptArchive(
      {
        plan,
        archive,
        folder: request.folder,
        workspace,
        kept: openKeptBlobs(workspace),
        sources: contentSources(clients),
        parallelBlobs: request.source.parallelLayers,
        ...(signingKeyPem === undefined ? {} : { signingKeyPem }),
        ...(tool ? { toolFile: tool.file } : {}),
        beforeSeal: () => keepCatalogs(partial, catalogsFolder(job), digests, run),
        leftovers: [ocMirrorPlaces.workingDir, ocMirrorStateName, planName],
      },
      run,
    );
    if (outcome.kind === 'sealed') {
      const { indexDigest } = outcome.record;
      await keepNames(workspace, base.generation, { indexDigest, images: plan.images }, run);
    }
    return await finish(job, adoptedEnding(outcome, plan), run);
  } finally {
    await clients.close();
  }
}

async function findPlan({ partial }: Build, run: Run): Promise<Plan | undefined> {
  const file = path.join(partial, planName);
  const bytes = await findFile(file, run, 1 << 30);
  return bytes ? parsePlan(bytes.toString('utf8'), file) : undefined;
}

/** The plan that the built-in engine would have made, read back from the archive; files beside the images are collected by our own code. */
async function planArchive(
  job: Build,
  archive: Bundle,
  state: RunState,
  clients: Awaited<ReturnType<typeof openSourceClients>>,
  run: Run,
): Promise<Plan> {
  const { request, configuration, base, workspace } = job;
  const kept = openKeptBlobs(workspace);
  const blobs = openArchiveBlobs(archive, cacheFolderOf(placeOf(request)), clients.remote, run);
  const http = httpAccess(clients, 'build');
  const facts = await describeArchive(
    {
      imageSet: configuration.imageSet.imageSet,
      repositories: archive.index.repositories,
      readBlob: blobs.read,
      workingFolder: path.join(job.partial, ocMirrorPlaces.workingDir),
      copied: new Set(state.copied),
      source: clients.remote,
      http,
      kept,
      options: await collectOptions(request, configuration, run),
    },
    run,
  );
  const set = await addBastionFiles(
    facts,
    { request, configuration, workspace, carriedFiles: base.carriedFiles },
    { remote: clients.remote, layers: blobs.source, http, kept },
    run,
  );
  // The archive has the layers that tools were looked for in: nothing takes them from the workspace.
  for (const digest of blobs.given) await run.disk.remove(kept.path(digest));
  await kept.settle(run);
  return assemblePlan(
    { ...set, manifests: facts.manifests },
    {
      ...planFrame(request, configuration, base, run),
      engine: 'oc-mirror',
      volumeSizeBytes: configuration.imageSet.imageSet.archiveSizeGib * 1024 ** 3,
    },
  );
}

function catalogsFolder({ workspace }: Build): string {
  return path.join(workspace, 'oc-mirror-catalogs');
}

/** How a build ends, before it is a result. */
interface Ending {
  readonly plan?: Plan;
  readonly state: MirrorResult['state'];
  readonly missing: readonly MissingContent[];
  readonly folder?: string;
  readonly volumes?: MirrorResult['volumes'];
  /** The binary's own; left out: from what is missing. */
  readonly bits?: number;
  readonly notes?: MirrorResult['notes'];
}

function missingEnding(mirrored: Extract<Mirrored, { kind: 'missing' }>): Ending {
  const message = 'oc-mirror made no archive; its output and its logs are there';
  const notes = [{ code: 'OC_MIRROR_LOGS', subject: mirrored.logFolder, message }];
  return { state: 'incomplete', missing: mirrored.missing, bits: mirrored.bits, notes };
}

function adoptedEnding(outcome: BuildOutcome, plan: Plan): Ending {
  if (outcome.kind === 'sealed')
    return { plan, state: 'complete', missing: [], folder: outcome.folder, volumes: outcome.record.volumes };
  return { plan, state: 'incomplete', missing: nameMissing(outcome.missing, plan) };
}

const empty = { images: 0, blobs: 0, bytes: 0 };

async function finish(job: Build, ending: Ending, run: Run): Promise<MirrorResult> {
  const { plan, missing } = ending;
  const types = missing.map((one) => one.type);
  const result: MirrorResult = {
    apiVersion: 'airlock/v1alpha1',
    kind: 'Result',
    state: ending.state === 'incomplete' && types.some(isReleaseType) ? 'failed' : ending.state,
    generation: job.base.generation,
    folder: ending.folder ?? (ending.state === 'nothing-new' ? job.request.folder : job.partial),
    totals: plan?.totals ?? { selected: empty, assumed: empty, carried: empty },
    volumes: ending.volumes ?? [],
    missing,
    notes: [...(plan?.notes ?? []), ...(ending.notes ?? [])],
    uncheckedReleases: plan ? uncheckedReleases(plan) : [],
    errorBits: ending.bits ?? errorBits(types),
    engine: 'oc-mirror',
    startedAt: job.startedAt.toISOString(),
    finishedAt: run.now().toISOString(),
  };
  if (result.state !== 'nothing-new') await writeResult(result.folder, result, run);
  return result;
}

function say(run: Run, message: string): void {
  run.report({ stage: 'build', state: 'log', level: 'info', message });
}
