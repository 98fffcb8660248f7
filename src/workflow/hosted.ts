import {
  type ClusterClient,
  checkUpgrade,
  type HostedName,
  type HostedStatus,
  hostedStatus,
  pauseHosted,
  planDeletion,
  scaleNodePool,
  type UpgradeTarget,
  upgradeControlPlane,
  upgradeNodePool,
} from '../cluster/index.ts';
import { loadSite, type Site } from '../config/index.ts';
import { AirlockError } from '../core/errors.ts';
import type { Finding } from '../core/findings.ts';
import type { Run } from '../core/run.ts';
import { targetReference } from '../manifests/index.ts';
import { managementClient } from './apply.ts';
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
}

async function open(request: HostedRequest, run: Run): Promise<Opened> {
  const { site } = await loadSite(request.siteFile, run);
  const cluster = site.hostedClusters.find((one) => one.name === request.name);
  if (!cluster)
    throw new AirlockError('USAGE', `the site has no hosted cluster ${request.name}`, {
      hint: `it has: ${site.hostedClusters.map((one) => one.name).join(', ') || 'none'}`,
    });
  return {
    site,
    hosted: { name: cluster.name, namespace: cluster.namespace },
    client: await managementClient(request, run),
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

/** What deleting a hosted cluster does, in the order in which it has to be done. Nothing is done. */
export async function hostedDeletePlan(request: HostedRequest, run: Run) {
  const { hosted, client } = await open(request, run);
  return planDeletion(hosted, client, run);
}

/** The release by digest at the mirror; a payload of the cluster's own architecture before a multi one. */
async function upgradeTarget(site: Site, name: string, version: string, run: Run): Promise<UpgradeTarget> {
  const architecture = site.hostedClusters.find((one) => one.name === name)?.architecture;
  const releases = (await readLoadedContent(site.paths.state, run)).releases.filter((one) => one.version === version);
  const release =
    releases.find((one) => one.architecture === architecture) ?? releases.find((one) => one.architecture === 'multi');
  return { version, image: release && `${targetReference(release.repository, siteTarget(site))}@${release.digest}` };
}
