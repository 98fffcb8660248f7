import path from 'node:path';
import {
  type ApplyReport,
  type ApplyStage,
  type ApplyStagesOptions,
  applyStages,
  type ClientFor,
  type ClusterClient,
  type ClusterObject,
  connectCluster,
  createClientFor,
  type Gate,
  type StageObject,
} from '../cluster/index.ts';
import { loadSite } from '../config/index.ts';
import { AirlockError } from '../core/errors.ts';
import { findFile, readFileLimited } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { parseYamlStream } from '../core/yaml.ts';
import { isMemberPath } from '../plan/index.ts';

export interface ApplyRequest {
  /** The folder that `emit` wrote. */
  readonly folder: string;
  /** Left out: the management cluster's of the site. */
  readonly kubeconfig?: string | undefined;
  /** Where the site names none, or there is no site: what `KUBECONFIG` says. */
  readonly usualKubeconfig?: string | undefined;
  readonly siteFile?: string | undefined;
  readonly options: ApplyStagesOptions;
}

/**
 * Applies what `emit` wrote, stage by stage, and waits after each. Run again it continues; when all is as it should be it changes nothing.
 * @throws AirlockError NOTHING_EMITTED, USAGE, those of the cluster
 */
export async function apply(request: ApplyRequest, run: Run): Promise<ApplyReport> {
  const stages = await readStages(request.folder, run);
  // Listing what would be sent needs no cluster, and so no kubeconfig.
  const clientFor: ClientFor =
    request.options.dryRun === 'client'
      ? () => managementClient(request, run)
      : createClientFor(await managementClient(request, run));
  return applyStages(stages, clientFor, request.options, run);
}

/** The client of the management cluster. @throws AirlockError USAGE, FILE_NOT_FOUND, KUBECONFIG_INVALID */
export async function managementClient(request: KubeconfigRequest, run: Run): Promise<ClusterClient> {
  return connectCluster({ file: await findKubeconfig(request, run) });
}

/** How the kubeconfig of the management cluster is named. */
export type KubeconfigRequest = Pick<ApplyRequest, 'kubeconfig' | 'usualKubeconfig' | 'siteFile'>;

/** The kubeconfig of the management cluster, which can be read. @throws AirlockError USAGE, FILE_NOT_FOUND */
export async function findKubeconfig(request: KubeconfigRequest, run: Run): Promise<string> {
  const site =
    request.kubeconfig !== undefined || request.siteFile === undefined
      ? undefined
      : (await loadSite(request.siteFile, run)).site;
  // The site before the environment: a shell that still points at another cluster must not decide where this site goes.
  const file = request.kubeconfig ?? site?.managementCluster?.kubeconfig ?? request.usualKubeconfig;
  if (file === undefined)
    throw new AirlockError('USAGE', 'no management cluster', {
      hint: 'name its kubeconfig with --kubeconfig FILE, or a site file with managementCluster',
    });
  if (!(await run.disk.stat(file)))
    throw new AirlockError('FILE_NOT_FOUND', `${file}, the kubeconfig of the management cluster, does not exist`, {
      hint: "copy the installer's auth/kubeconfig there, or name another file with --kubeconfig FILE",
    });
  await readFileLimited(file, run);
  return file;
}

interface StageIndex {
  readonly kind: string;
  readonly stages: readonly (Omit<ApplyStage, 'objects'> & {
    readonly files: readonly ({ readonly path: string } & Omit<StageObject, 'object'>)[];
    readonly patches?: readonly ClusterObject[];
  })[];
}

/** Reads the stages of an emitted folder with their objects. @throws AirlockError NOTHING_EMITTED, FILE_NOT_FOUND */
export async function readStages(folder: string, run: Run): Promise<ApplyStage[]> {
  const file = path.join(folder, 'stages.json');
  const index = parseIndex((await findFile(file, run))?.toString() ?? '');
  if (index?.kind !== 'ManifestStages')
    throw new AirlockError('NOTHING_EMITTED', `${folder} holds no stages`, { hint: 'write them first: airlock emit' });
  const stages: ApplyStage[] = [];
  for (const { files, patches = [], ...stage } of index.stages) {
    const objects: StageObject[] = [];
    for (const { path: name, ...how } of files) {
      if (!isMemberPath(name))
        throw new AirlockError('NOTHING_EMITTED', `${file} names ${name}, which is not below it`);
      const text = (await readFileLimited(path.join(folder, name), run)).toString();
      for (const object of parseYamlStream(text)) objects.push({ object: object as ClusterObject, ...how });
    }
    objects.push(...patches.map((object) => ({ object, mode: 'existing' as const })));
    stages.push({ ...stage, gates: stage.gates as readonly Gate[], objects });
  }
  return stages;
}

/** undefined for what is no JSON: a folder of somebody else, or a file that was cut. */
function parseIndex(text: string): StageIndex | undefined {
  try {
    return JSON.parse(text) as StageIndex;
  } catch {
    return undefined;
  }
}
