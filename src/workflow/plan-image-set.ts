import path from 'node:path';
import { acquireLock } from '../bundle/index.ts';
import { type LoadedSite, loadImageSet, loadSite } from '../config/index.ts';
import { AirlockError } from '../core/errors.ts';
import { readFileLimited } from '../core/files.ts';
import type { Finding } from '../core/findings.ts';
import type { Run } from '../core/run.ts';
import { toolVersion } from '../core/version.ts';
import { collectImageSet } from '../mirror/index.ts';
import {
  assemblePlan,
  type CollectedSet,
  type Explanation,
  explainPlan,
  hasNewContent,
  type KeptBlobs,
  openKeptBlobs,
  type Plan,
  writePlan,
} from '../plan/index.ts';
import { type Base, readBase, recoverHistory } from './base.ts';
import { addBastionFiles, type LoadedConfiguration } from './bastion-files.ts';
import { findTool } from './carried-tool.ts';
import { httpAccess, openSourceClients } from './clients.ts';
import { hasSameNames } from './names.ts';
import { digestFlags } from './plan-flags.ts';
import type { PlanRequest } from './requests.ts';
import { type ForecastNeed, forecastSpace } from './space.ts';

/** A plan and what follows from it. */
export interface PlanResult {
  readonly plan: Plan;
  readonly planFile: string;
  /** `failed`: a release image is missing. */
  readonly state: 'complete' | 'incomplete' | 'failed';
  /** Whether the next generation would carry anything. */
  readonly isNew: boolean;
  readonly volumes: readonly { readonly name: string; readonly sizeBytes: number }[];
  /** What each folder needs, and what is free on this host. */
  readonly space: readonly ForecastNeed[];
  /** Folders of this host that have not the space. */
  readonly findings: readonly Finding[];
  /** Why each package, channel and bundle is in, and the bytes it adds. */
  readonly explanation: Explanation;
}

const gib = 1024 ** 3;

/** The workspace of a request. */
export function workspaceOf(request: PlanRequest): string {
  return request.workspace ?? path.join(request.folder, '.airlock');
}

/** @throws AirlockError CONFIG_INVALID, CONFIG_NOT_FOUND, USAGE when there is neither flag nor site that names an image set */
export async function loadConfiguration(request: PlanRequest, run: Run): Promise<LoadedConfiguration> {
  const site = request.siteFile === undefined ? undefined : await loadSite(request.siteFile, run);
  const file = request.imageSetFile ?? site?.site.imageSet;
  if (file === undefined) {
    throw new AirlockError('USAGE', `${request.siteFile} names no image set`, {
      hint: 'set spec.imageSet there, or name the file with -c',
    });
  }
  return { imageSet: await loadImageSet(file, run), site };
}

/**
 * Plans under the lock of the workspace: a build that ends meanwhile would take the new plan for the one that it used up.
 * @throws AirlockError WORKSPACE_LOCKED, and as `planImageSet`
 */
export async function planAlone(request: PlanRequest, run: Run): Promise<PlanResult> {
  const lock = await acquireLock(workspaceOf(request), 'airlock plan', run);
  try {
    await recoverHistory(request.folder, workspaceOf(request), run);
    return await planImageSet(request, run);
  } finally {
    await lock.release();
  }
}

/**
 * Resolves an image set to digests and writes `plan.json` into the workspace. Nothing else is changed, but for what had to be read whole. The
 * caller holds the workspace's lock, and may hold on to what is `kept` for the build, which finds small blobs in memory then.
 * @throws AirlockError of configuration, sources and disk; missing content is no error but in the plan
 */
export async function planImageSet(
  request: PlanRequest,
  run: Run,
  kept: KeptBlobs = openKeptBlobs(workspaceOf(request)),
): Promise<PlanResult> {
  const configuration = await loadConfiguration(request, run);
  const workspace = workspaceOf(request);
  const clients = await openSourceClients(request.source, 'plan', run);
  try {
    const facts = await collectImageSet(
      {
        imageSet: configuration.imageSet.imageSet,
        source: clients.remote,
        http: httpAccess(clients, 'plan'),
        kept,
        options: await collectOptions(request, configuration, run),
      },
      run,
    );
    assertSelection(facts, configuration);
    const base = await readBase(request, workspace, run);
    const sources = { remote: clients.remote, layers: clients.remote, http: httpAccess(clients, 'plan'), kept };
    const plan = assemblePlan(
      await addBastionFiles(
        facts,
        { request, configuration, workspace, carriedFiles: base.carriedFiles },
        sources,
        run,
      ),
      {
        ...planFrame(request, configuration, base, run),
        engine: 'builtin',
        flags: digestFlags(request),
        volumeSizeBytes: request.volumeSizeBytes ?? configuration.imageSet.imageSet.archiveSizeGib * gib,
      },
    );
    await kept.settle(run);
    const planFile = path.join(workspace, 'plan.json');
    await writePlan(plan, planFile, run);
    return await describePlan(plan, planFile, kept, request, run);
  } finally {
    await clients.close();
  }
}

/** What a plan says beside its content, whatever engine finds that out. */
export function planFrame(request: PlanRequest, { imageSet, site }: LoadedConfiguration, base: Base, run: Run) {
  return {
    now: request.createdAt ?? run.now(),
    toolVersion,
    ...base,
    imageSetDigest: imageSet.imageSetDigest,
    ...(site ? { siteDigest: site.siteDigest } : {}),
  };
}

/** A set that selects nothing is a slip: a pattern in blockedImages that is too broad, a name that nothing matches. */
function assertSelection(facts: CollectedSet, { imageSet }: LoadedConfiguration): void {
  if (facts.images.length > 0 || facts.missing.length > 0) return;
  const blocked = imageSet.imageSet.mirror.blockedImages.length > 0;
  throw new AirlockError('NOTHING_SELECTED', `${imageSet.file} selects no image`, {
    hint: blocked
      ? 'look at blockedImages: its patterns match anywhere in a reference'
      : 'add releases, operators, additional images or charts',
  });
}

/** What a plan needs and how it stands, from the plan alone and the free space of this host. */
export async function describePlan(
  plan: Plan,
  planFile: string,
  kept: KeptBlobs,
  request: PlanRequest,
  run: Run,
): Promise<PlanResult> {
  const tool = await findTool(request, plan, run);
  const site = request.siteFile === undefined ? undefined : (await loadSite(request.siteFile, run)).site;
  const subject = { plan, tool, site, workspace: workspaceOf(request), kept };
  const { space, findings, volumes } = await forecastSpace(subject, request, run);
  const isRelease = plan.missing.some((one) => one.type === 'ocpRelease' || one.type === 'ocpReleaseContent');
  const state = isRelease ? 'failed' : plan.missing.length > 0 ? 'incomplete' : 'complete';
  const isNew = hasNewContent(plan) || !(await hasSameNames(plan, request.folder, workspaceOf(request), run));
  return { plan, planFile, state, isNew, volumes, space, findings, explanation: explainPlan(plan) };
}

/** What flags and site file add to the configuration. */
export async function collectOptions(request: PlanRequest, { site }: LoadedConfiguration, run: Run) {
  const { selection, source } = request;
  const key =
    selection.releaseKeyFile === undefined
      ? undefined
      : (await readFileLimited(selection.releaseKeyFile, run)).toString();
  const architectures = selection.coreosArchitectures ?? (site ? siteArchitectures(site) : []);
  const coreos = architectures === 'from-releases' || architectures.length > 0 ? { architectures } : undefined;
  return {
    parallel: source.parallelImages * 2,
    ignoreReleaseSignature: selection.ignoreReleaseSignature,
    removeSignatures: selection.removeSignatures,
    ...(selection.updateUrl ? { updateUrl: selection.updateUrl } : {}),
    ...(selection.graphUrl ? { graphUrl: selection.graphUrl } : {}),
    ...(selection.signatureUrl ? { signatureUrl: selection.signatureUrl } : {}),
    // Without one the collector takes Red Hat's, for the payloads that Red Hat publishes.
    ...(key ? { signatureKeyArmored: key } : {}),
    ...(coreos ? { coreos } : {}),
    ...(selection.coreosBaseUrl ? { coreosBaseUrl: selection.coreosBaseUrl } : {}),
  };
}

/** RHCOS files are carried for the architectures of the site's hosted clusters; for those of the releases when it has none yet. */
function siteArchitectures({ site }: LoadedSite): readonly string[] | 'from-releases' {
  const found = [
    ...new Set(site.hostedClusters.flatMap((cluster) => cluster.nodePools.map((pool) => pool.architecture))),
  ];
  return found.length > 0 ? found : 'from-releases';
}
