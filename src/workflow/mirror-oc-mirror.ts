import path from 'node:path';
import { acquireLock } from '../bundle/index.ts';
import { readFileLimited, writeFileAtomic } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import {
  describeMirrored,
  judgeEnd,
  noOcMirror,
  type OcMirrorBinary,
  ocMirrorPlaces,
  runOcMirror,
} from '../mirror/index.ts';
import { openKeptBlobs } from '../plan/index.ts';
import type { LoadedConfiguration } from './bastion-files.ts';
import { assertFollows, chooseEngine, type EngineSettings } from './choose-engine.ts';
import { httpAccess, openSourceClients } from './clients.ts';
import { contentSources } from './content-sources.ts';
import type { MirrorOutcome, MirrorRequest } from './mirror.ts';
import { lockCache, mirrorFolderOf, nothingSelected, ocMirrorJob, placeOf } from './oc-mirror-job.ts';
import { collectOptions, loadConfiguration, workspaceOf } from './plan-image-set.ts';
import { errorBits, isReleaseType, uncheckedReleases, writeResult } from './result.ts';
import { writeWebFiles } from './web-files.ts';

export interface OcMirrorMirrorRequest extends MirrorRequest {
  readonly engine: EngineSettings;
}

/**
 * Mirror to mirror with the real binary. Its working-dir stays in the workspace, so that catalogs keep their digests; its cluster resources
 * are copied to where ours would go, also when single images failed. Releases are proved again, and their CoreOS files fetched, by our own code.
 * @throws AirlockError OC_MIRROR_*, NOTHING_SELECTED, WORKSPACE_LOCKED, those of configuration and disk; missing content is in the result
 */
export async function mirrorWithOcMirror(request: OcMirrorMirrorRequest, run: Run): Promise<MirrorOutcome> {
  const startedAt = run.now();
  const binary = await openBinary(request, run);
  const workspace = workspaceOf(request);
  const lock = await acquireLock(workspace, 'airlock mirror', run);
  try {
    const configuration = await loadConfiguration(request, run);
    const cacheLock = await lockCache(placeOf(request), run);
    const folder = mirrorFolderOf(workspace);
    await run.disk.makeDirectory(folder);
    const { registry, prefix, maxNestedPaths } = request.target;
    const target = [registry, prefix].filter(Boolean).join('/');
    const job = ocMirrorJob({ request, binary, configuration }, folder, 'mirror');
    const settings = { ...job.settings, targetTlsVerify: request.targetSettings.tlsVerify, maxNestedPaths };
    const end = await runOcMirror({ ...job, target, settings }, run).finally(() => cacheLock.release());
    const verdict = judgeEnd(end);
    if (verdict.kind === 'nothing') throw nothingSelected(configuration);
    const releases = await finishReleases(request, configuration, folder, end.output.copied, run);
    const missing = [...(verdict.kind === 'missing' ? verdict.missing : []), ...releases.missing];
    const types = releases.missing.map((one) => one.type);
    const state = missing.some((one) => isReleaseType(one.type)) ? 'failed' : 'incomplete';
    const copied = end.output.copied.size;
    const outcome: MirrorOutcome = {
      apiVersion: 'airlock/v1alpha1',
      kind: 'Result',
      state: missing.length === 0 ? 'complete' : state,
      generation: 0,
      folder: request.outputFolder,
      target: `docker://${target}`,
      // It counts images and nothing else.
      totals: {
        selected: { ...empty, images: copied + missing.length },
        assumed: empty,
        carried: { ...empty, images: copied },
      },
      volumes: [],
      missing,
      notes: [
        ...releases.notes,
        { code: 'OC_MIRROR_LOGS', subject: end.logFolder, message: 'the output of oc-mirror and its logs are there' },
      ],
      uncheckedReleases: uncheckedReleases(releases),
      errorBits: (verdict.kind === 'missing' ? verdict.bits : 0) | errorBits(types),
      engine: 'oc-mirror',
      startedAt: startedAt.toISOString(),
      finishedAt: run.now().toISOString(),
      copied: { ...nothingCopied, pushedTags: copied },
      clusterResources: await copyResources(folder, request.outputFolder, run),
      webFiles: releases.webFiles,
    };
    await writeResult(workspace, outcome, run);
    return outcome;
  } finally {
    await lock.release();
  }
}

/** Checks the signatures of the releases that it mirrored once more, and fetches their CoreOS files where a folder was named. */
async function finishReleases(
  request: OcMirrorMirrorRequest,
  configuration: LoadedConfiguration,
  folder: string,
  copied: ReadonlySet<string>,
  run: Run,
): Promise<Awaited<ReturnType<typeof describeMirrored>> & { readonly webFiles: number }> {
  const clients = await openSourceClients(request.source, 'mirror', run);
  const { coreos, ...options } = await collectOptions(request, configuration, run);
  try {
    const found = await describeMirrored(
      {
        imageSet: configuration.imageSet.imageSet,
        workingFolder: path.join(folder, ocMirrorPlaces.workingDir),
        copied,
        source: clients.remote,
        http: httpAccess(clients, 'mirror'),
        kept: openKeptBlobs(workspaceOf(request)),
        options: { ...options, ...(coreos && request.webFolder !== undefined ? { coreos } : {}) },
      },
      run,
    );
    const { webFolder } = request;
    const sources = contentSources(clients);
    return {
      ...found,
      webFiles: webFolder === undefined ? 0 : await writeWebFiles(found.files, webFolder, sources, run),
    };
  } finally {
    await clients.close();
  }
}

const empty = { images: 0, blobs: 0, bytes: 0 };
const nothingCopied = {
  pushedBlobs: 0,
  pushedBytes: 0,
  mountedBlobs: 0,
  presentBlobs: 0,
  pushedManifests: 0,
  presentManifests: 0,
  pushedTags: 0,
  presentTags: 0,
};

async function openBinary(request: OcMirrorMirrorRequest, run: Run): Promise<OcMirrorBinary> {
  if (request.targetSettings.caFile !== undefined)
    assertFollows('--dest-ca-file (put the CA into the trust of this host)');
  // There is no half-finished generation here that another engine could have begun.
  const binary = await chooseEngine({ ...request.engine, engine: 'oc-mirror' }, { ...request, replan: true }, run);
  if (!binary) throw noOcMirror();
  return binary;
}

async function copyResources(folder: string, outputFolder: string, run: Run): Promise<string[]> {
  const own = path.join(folder, ocMirrorPlaces.clusterResources);
  const files: string[] = [];
  for (const { name, kind } of await run.disk.list(own)) {
    if (kind !== 'file') continue;
    const file = path.join(outputFolder, name);
    await writeFileAtomic(file, await readFileLimited(path.join(own, name), run), run);
    files.push(file);
  }
  return files;
}
