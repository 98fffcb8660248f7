import { createReadStream } from 'node:fs';
import { acquireLock, collectTargets } from '../bundle/index.ts';
import { AirlockError, errorText } from '../core/errors.ts';
import type { Run } from '../core/run.ts';
import type { MirrorTarget } from '../manifests/index.ts';
import {
  type CopyContent,
  type CopyFailure,
  type CopyResult,
  copyToTarget,
  type Digest,
  manifestLimitBytes,
  type RepositoryName,
} from '../oci/index.ts';
import { type KeptBlobs, type MissingContent, openKeptBlobs, type Plan, type PlannedBlob } from '../plan/index.ts';
import { openSourceClients, openTargetClients, type RemoteClients } from './clients.ts';
import { withoutFailed, writeClusterResources } from './cluster-resources.ts';
import { contentSources } from './content-sources.ts';
import { plannedSignatures } from './loaded.ts';
import { rememberMirrored } from './mirrored.ts';
import { placeRepositories } from './nested-names.ts';
import { planImageSet, workspaceOf } from './plan-image-set.ts';
import type { PlanRequest, TargetSettings } from './requests.ts';
import { errorBits, isReleaseType, type MirrorResult, uncheckedReleases, writeResult } from './result.ts';
import { writeWebFiles } from './web-files.ts';

export interface MirrorRequest extends PlanRequest {
  readonly target: MirrorTarget;
  readonly targetSettings: TargetSettings;
  readonly outputFolder: string;
  /** RHCOS files go there; left out: they are not fetched. */
  readonly webFolder?: string | undefined;
}

/** How a mirror run ended, and what it moved. */
export interface MirrorOutcome extends MirrorResult {
  readonly target: string;
  readonly copied: Omit<CopyResult, 'failures'>;
  readonly clusterResources: readonly string[];
  readonly webFiles: number;
}

/**
 * Straight from the source registries to the site's registry: the same selection and names as a bundle, blobs mounted across repositories
 * where the target has them, the largest first. What is there already is left alone, so that a run that broke is simply run again.
 * @throws AirlockError WORKSPACE_LOCKED, those of planning and of the target registry; missing content is in the result, which `result.json` in the
 * workspace keeps
 */
export async function mirror(request: MirrorRequest, run: Run): Promise<MirrorOutcome> {
  const startedAt = run.now();
  const lock = await acquireLock(workspaceOf(request), 'airlock mirror', run);
  const source = await openSourceClients(request.source, 'mirror', run);
  const target = await openTargetClients(request.source, request.targetSettings, undefined, run);
  try {
    // Planning may take long: a target that is not there is said at once.
    await target.remote.assertReachable(anyRepository(request.target), run);
    // Nothing counts as carried: the target itself is asked what it has.
    const kept = openKeptBlobs(workspaceOf(request));
    const { plan } = await planImageSet({ ...request, full: true, tools: [] }, run, kept);
    const { result, missing } = await copyPlan(plan, kept, request, source, target, run);
    const { failures, ...copied } = result;
    const written = await finishFiles(plan, failures, request, source, run);
    const types = missing.map((one) => one.type);
    const state = types.some(isReleaseType)
      ? 'failed'
      : missing.length > 0
        ? 'incomplete'
        : isIdle(copied)
          ? 'nothing-new'
          : 'complete';
    const outcome: MirrorOutcome = {
      apiVersion: 'airlock/v1alpha1',
      kind: 'Result',
      state,
      generation: 0,
      folder: request.outputFolder,
      target: `docker://${[request.target.registry, request.target.prefix].filter(Boolean).join('/')}`,
      totals: plan.totals,
      volumes: [],
      missing,
      notes: plan.notes,
      uncheckedReleases: uncheckedReleases(plan),
      errorBits: errorBits(types),
      engine: plan.engine,
      startedAt: startedAt.toISOString(),
      finishedAt: run.now().toISOString(),
      copied,
      ...written,
    };
    await writeResult(workspaceOf(request), outcome, run);
    return outcome;
  } finally {
    await Promise.all([source.close(), target.close()]);
    await lock.release();
  }
}

/** A name below the target's prefix, for its login: credentials and tokens may be of a path. */
function anyRepository({ registry, prefix }: MirrorTarget): RepositoryName {
  return { registry, repository: [prefix, 'openshift/release'].filter(Boolean).join('/') };
}

async function copyPlan(
  plan: Plan,
  kept: KeptBlobs,
  request: MirrorRequest,
  source: RemoteClients,
  target: RemoteClients,
  run: Run,
): Promise<{ result: CopyResult; missing: MissingContent[] }> {
  const planned = await plannedContent(plan, kept, source, run);
  const { registry } = request.target;
  const { repositories, prefix } = placeRepositories(planned.repositories, request.target, (message) =>
    run.report({ stage: 'mirror', state: 'log', level: 'warning', message }),
  );
  const content = { ...planned, repositories };
  const { parallelLayers } = request.source;
  const options = {
    target: target.remote,
    registry,
    prefix,
    stage: 'mirror',
    parallelBlobs: parallelLayers,
  } as const;
  const result = await copyToTarget(content, options, run);
  const blobs = new Map(plan.blobs.map((blob) => [blob.digest, blob]));
  const types = new Map(plan.images.map((image) => [image.origin, image.type]));
  const failed = result.failures.map((failure): MissingContent => {
    const origin = blobs.get(failure.digest)?.origin ?? failure.repository;
    const code = failure.error instanceof AirlockError ? failure.error.code : 'REGISTRY_FAILED';
    return {
      type: types.get(origin) ?? 'generic',
      origin,
      digest: failure.digest,
      code,
      cause: errorText(failure.error),
    };
  });
  return { result, missing: [...plan.missing, ...failed] };
}

/** The plan's images under their names at the target, out of the workspace where it kept them, else out of their registries. */
async function plannedContent(plan: Plan, kept: KeptBlobs, clients: RemoteClients, run: Run): Promise<CopyContent> {
  const blobs = new Map<Digest, PlannedBlob>(plan.blobs.map((blob) => [blob.digest, blob]));
  const sources = contentSources(clients);
  const readManifest = async (digest: Digest): Promise<Buffer | undefined> => {
    const found = await kept.find(digest, run);
    const blob = blobs.get(digest);
    if (found || !blob || blob.size > manifestLimitBytes) return found;
    const chunks: Buffer[] = [];
    for await (const chunk of await sources.openBlob(blob, 0, run)) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  };
  const { repositories } = await collectTargets(plan.images, {
    readManifest,
    hasBlob: async (digest) => blobs.has(digest),
  });
  return {
    repositories,
    async readManifest(_, digest) {
      const bytes = await readManifest(digest);
      if (!bytes) throw new AirlockError('MANIFEST_UNKNOWN', `${digest} is not in the plan`);
      return { bytes, digest, mediaType: blobs.get(digest)?.mediaType ?? '' };
    },
    async openBlob(_, { digest }, offsetBytes, innerRun) {
      const blob = blobs.get(digest);
      if (!blob) throw new AirlockError('BLOB_UNKNOWN', `${digest} is not in the plan`);
      if (blob.kept && (await kept.has(digest, innerRun)))
        return createReadStream(kept.path(digest), { start: offsetBytes, highWaterMark: 1 << 20 });
      return sources.openBlob(blob, offsetBytes, innerRun);
    },
  };
}

/** Cluster resources for what is at the target, a record of it, and RHCOS files where a folder was named. */
async function finishFiles(
  plan: Plan,
  failures: readonly CopyFailure[],
  request: MirrorRequest,
  clients: RemoteClients,
  run: Run,
): Promise<Pick<MirrorOutcome, 'clusterResources' | 'webFiles'>> {
  const lost = new Set(plan.missing.map((one) => one.origin));
  const isFound = ({ origin }: { readonly origin: string }): boolean => !lost.has(origin);
  const found = {
    images: plan.images.filter(isFound),
    releases: plan.releases.filter(isFound),
    catalogs: plan.catalogs.filter(isFound),
  };
  const failed = failures.map(({ repository, digest }) => ({ subject: `${repository}@${digest}` }));
  const content = {
    ...withoutFailed(found, failed),
    signatures: plannedSignatures(plan),
    contentDate: new Date(plan.createdAt),
  };
  await rememberMirrored(workspaceOf(request), request.target, content, run);
  const clusterResources = await writeClusterResources(content, request.target, request.outputFolder, run);
  const webFiles =
    request.webFolder === undefined
      ? 0
      : await writeWebFiles([...plan.files, ...plan.assumedFiles], request.webFolder, contentSources(clients), run);
  return { clusterResources, webFiles };
}

function isIdle(copied: Omit<CopyResult, 'failures'>): boolean {
  return copied.pushedBlobs + copied.mountedBlobs + copied.pushedManifests + copied.pushedTags === 0;
}
