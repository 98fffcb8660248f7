import path from 'node:path';
import {
  type ClusterClient,
  checkUpgrade,
  connectCluster,
  connectPodShell,
  type DeletionOptions,
  type DeletionStep,
  deleteHosted,
  type EtcdBackupPlan,
  type EtcdBackupRecord,
  type EtcdRestorePlan,
  type HostedName,
  type HostedStatus,
  hostedStatus,
  type PodShell,
  pauseHosted,
  planDeletion,
  planEtcdBackup,
  planEtcdRestore,
  restoreInPlace,
  type StepWait,
  scaleNodePool,
  takeEtcdBackup,
  type UpgradeTarget,
  upgradeControlPlane,
  upgradeNodePool,
} from '../cluster/index.ts';
import { loadSite, type Site } from '../config/index.ts';
import { AirlockError } from '../core/errors.ts';
import type { Finding } from '../core/findings.ts';
import type { Run } from '../core/run.ts';
import { targetReference } from '../manifests/index.ts';
import { findKubeconfig } from './apply.ts';
import { readLoadedContent } from './loaded.ts';
import { siteTarget } from './site/endpoints.ts';

/** Which hosted cluster, and how its management cluster is reached. */
export interface HostedRequest {
  readonly siteFile: string;
  readonly name: string;
  readonly kubeconfig?: string | undefined;
  readonly usualKubeconfig?: string | undefined;
}

interface Opened {
  readonly site: Site;
  readonly hosted: HostedName;
  readonly client: ClusterClient;
  readonly kubeconfig: string;
}

async function open(request: HostedRequest, run: Run): Promise<Opened> {
  const { site } = await loadSite(request.siteFile, run);
  const cluster = site.hostedClusters.find((one) => one.name === request.name);
  if (!cluster)
    throw new AirlockError('USAGE', `the site has no hosted cluster ${request.name}`, {
      hint: `it has: ${site.hostedClusters.map((one) => one.name).join(', ') || 'none'}`,
    });
  const kubeconfig = await findKubeconfig(request, run);
  return {
    site,
    hosted: { name: cluster.name, namespace: cluster.namespace },
    client: await connectCluster({ file: kubeconfig }),
    kubeconfig,
  };
}

export async function hostedShow(request: HostedRequest, run: Run): Promise<HostedStatus> {
  const { hosted, client } = await open(request, run);
  return hostedStatus(hosted, client, run);
}

export async function hostedScale(
  request: HostedRequest,
  pool: string,
  replicas: number,
  run: Run,
): Promise<HostedStatus> {
  const { hosted, client } = await open(request, run);
  await scaleNodePool(hosted, pool, replicas, client, run);
  return hostedStatus(hosted, client, run);
}

export async function hostedPause(request: HostedRequest, paused: boolean, run: Run): Promise<HostedStatus> {
  const { hosted, client } = await open(request, run);
  await pauseHosted(hosted, paused, client, run);
  return hostedStatus(hosted, client, run);
}

/** What stands in the way of an upgrade to a version; [] when nothing does. */
export async function hostedUpgradeCheck(
  request: HostedRequest,
  version: string,
  run: Run,
): Promise<readonly Finding[]> {
  const { site, hosted, client } = await open(request, run);
  return checkUpgrade(hosted, await upgradeTarget(site, request.name, version, run), client, run);
}

/** Moves the control plane, or with `pool` a node pool, to a version that the mirror holds. @throws AirlockError HOSTED_REFUSED */
export async function hostedUpgrade(
  request: HostedRequest,
  version: string,
  pool: string | undefined,
  run: Run,
): Promise<HostedStatus> {
  const { site, hosted, client } = await open(request, run);
  const target = await upgradeTarget(site, request.name, version, run);
  if (pool === undefined) await upgradeControlPlane(hosted, target, client, run);
  else await upgradeNodePool(hosted, pool, target, client, run);
  return hostedStatus(hosted, client, run);
}

/** What is left to do to delete a hosted cluster, in order. Nothing is done. @throws AirlockError HOSTED_* */
export async function hostedDeletePlan(request: HostedRequest, run: Run): Promise<readonly DeletionStep[]> {
  const { hosted, client } = await open(request, run);
  return planDeletion(hosted, client, run);
}

/** Deletes a hosted cluster, each step asked for by `options.confirm`. @throws AirlockError GATE_TIMEOUT, HOSTED_*, and what `confirm` throws */
export async function hostedDelete(
  request: HostedRequest,
  options: DeletionOptions,
  run: Run,
): Promise<readonly DeletionStep[]> {
  const { hosted, client } = await open(request, run);
  return deleteHosted(hosted, options, client, run);
}

/** How a backup is taken. */
export interface EtcdBackupRequest extends HostedRequest {
  /** Left out: a folder of its own, named after cluster and time, below `etcd-backups`. */
  readonly folder?: string | undefined;
  readonly workFolder: string;
  /** Leave the API of the cluster up. */
  readonly online: boolean;
  /** Sees the plan; false ends the run with the plan alone. */
  readonly confirm: (plan: EtcdBackupPlan) => Promise<boolean>;
  /** Instead of the one that the kubeconfig names. */
  readonly shell?: PodShell | undefined;
}

/** Plans a backup of a hosted cluster's etcd, and takes it. @throws AirlockError HOSTED_*, POD_COMMAND_FAILED, ETCD_BACKUP_DAMAGED */
export async function hostedBackupEtcd(
  request: EtcdBackupRequest,
  run: Run,
): Promise<{ readonly plan: EtcdBackupPlan; readonly folder?: string; readonly backup?: EtcdBackupRecord }> {
  const { hosted, client, kubeconfig } = await open(request, run);
  const plan = await planEtcdBackup(hosted, request.online, client, run);
  if (!(await request.confirm(plan))) return { plan };
  const time = run
    .now()
    .toISOString()
    .replace(/[-:]|\.\d+/g, '');
  const folder = request.folder ?? path.join(request.workFolder, 'etcd-backups', `${hosted.name}-${time}`);
  if (await run.disk.stat(path.join(folder, 'backup.json')))
    throw new AirlockError('USAGE', `${folder} holds a backup already`, { hint: 'name another folder' });
  const shell = request.shell ?? (await connectPodShell({ file: kubeconfig }));
  return { plan, folder, backup: await takeEtcdBackup(plan, folder, { client, shell }, run) };
}

/** How a backup is put back. */
export interface EtcdRestoreRequest extends HostedRequest {
  /** Of the backup. */
  readonly folder: string;
  /** Where pods fetch the snapshot for a new cluster; left out: in place. */
  readonly url?: string | undefined;
  /** Sees the rehearsed plan; false ends the run with the plan alone. Only asked where it can be carried out. */
  readonly confirm: (plan: EtcdRestorePlan) => Promise<boolean>;
  readonly wait: StepWait;
  /** Instead of the one that the kubeconfig names. */
  readonly shell?: PodShell | undefined;
}

/** Rehearses a restore, and where `confirm` agrees carries it out in place. @throws AirlockError ETCD_BACKUP_DAMAGED, POD_COMMAND_FAILED, GATE_TIMEOUT, CLUSTER_* */
export async function hostedRestoreEtcd(
  request: EtcdRestoreRequest,
  run: Run,
): Promise<{ readonly state: 'planned' | 'restored'; readonly plan: EtcdRestorePlan }> {
  const { hosted, client, kubeconfig } = await open(request, run);
  const plan = await planEtcdRestore(hosted, request, client, run);
  if (!plan.inPlace || plan.findings.length > 0 || !(await request.confirm(plan))) return { state: 'planned', plan };
  const shell = request.shell ?? (await connectPodShell({ file: kubeconfig }));
  await restoreInPlace(plan.inPlace, { client, shell }, request.wait, run);
  return { state: 'restored', plan };
}

/** The release by digest at the mirror; a payload of the cluster's own architecture before a multi one. */
async function upgradeTarget(site: Site, name: string, version: string, run: Run): Promise<UpgradeTarget> {
  const architecture = site.hostedClusters.find((one) => one.name === name)?.architecture;
  const releases = (await readLoadedContent(site.paths.state, run)).releases.filter((one) => one.version === version);
  const release =
    releases.find((one) => one.architecture === architecture) ?? releases.find((one) => one.architecture === 'multi');
  return { version, image: release && `${targetReference(release.repository, siteTarget(site))}@${release.digest}` };
}
