import { AirlockError } from '../core/errors.ts';
import type { Finding } from '../core/findings.ts';
import type { Run } from '../core/run.ts';
import type { ClusterClient } from './client.ts';
import { fieldAt, findCondition, listAt } from './fields.ts';
import type { ClusterObject, ObjectRef } from './types.ts';

const hypershift = 'hypershift.openshift.io/v1beta1';

/** Names a hosted cluster. */
export interface HostedName {
  readonly name: string;
  readonly namespace: string;
}

/** The state of a hosted cluster, for people and `-o json`. */
export interface HostedStatus {
  readonly name: string;
  readonly namespace: string;
  readonly version: string | undefined;
  /** State of the newest entry of the version history, such as `Completed` or `Partial`. */
  readonly rollout: string | undefined;
  readonly paused: boolean;
  /** Conditions that are not as they should be, the first cause first. */
  readonly problems: readonly { readonly condition: string; readonly status: string; readonly message: string }[];
  readonly nodePools: readonly NodePoolStatus[];
}

export interface NodePoolStatus {
  readonly name: string;
  readonly version: string | undefined;
  readonly wanted: number | undefined;
  readonly ready: number;
  readonly updating: boolean;
  readonly problems: HostedStatus['problems'];
}

// In the order in which they turn green: later ones are consequences of the first that is not.
const goodConditions: readonly (readonly [string, string])[] = [
  ['ValidConfiguration', 'True'],
  ['SupportedHostedCluster', 'True'],
  ['ValidReleaseImage', 'True'],
  ['ReconciliationActive', 'True'],
  ['ReconciliationSucceeded', 'True'],
  ['InfrastructureReady', 'True'],
  ['EtcdAvailable', 'True'],
  ['ValidHostedControlPlaneConfiguration', 'True'],
  ['KubeAPIServerAvailable', 'True'],
  ['IgnitionEndpointAvailable', 'True'],
  ['IgnitionServerValidReleaseInfo', 'True'],
  ['Available', 'True'],
  ['Degraded', 'False'],
  ['ClusterVersionSucceeding', 'True'],
  ['ClusterVersionFailing', 'False'],
];
const goodPoolConditions: readonly (readonly [string, string])[] = [
  ['ValidReleaseImage', 'True'],
  ['ValidMachineConfig', 'True'],
  ['ValidGeneratedPayload', 'True'],
  ['SupportedVersionSkew', 'True'],
  ['ReconciliationActive', 'True'],
  ['AllMachinesReady', 'True'],
  ['AllNodesHealthy', 'True'],
];

/** @throws AirlockError HOSTED_UNKNOWN, CLUSTER_* */
export async function hostedStatus(hosted: HostedName, client: ClusterClient, run: Run): Promise<HostedStatus> {
  const cluster = await getHosted(hosted, client, run);
  const pools = await listPools(hosted, client, run);
  return {
    ...hosted,
    version: textAt(cluster, 'status.version.history.0.version'),
    rollout: textAt(cluster, 'status.version.history.0.state'),
    paused: isPaused(cluster),
    problems: problemsOf(cluster, goodConditions),
    nodePools: pools.map((pool) => ({
      name: pool.metadata.name,
      version: textAt(pool, 'status.version'),
      wanted: numberAt(pool, 'spec.replicas'),
      ready: numberAt(pool, 'status.replicas') ?? 0,
      updating: ['UpdatingVersion', 'UpdatingConfig'].some((type) => findCondition(pool, type)?.status === 'True'),
      problems: problemsOf(pool, goodPoolConditions),
    })),
  };
}

/** Sets the replicas of a node pool. @throws AirlockError HOSTED_UNKNOWN, HOSTED_REFUSED, CLUSTER_* */
export async function scaleNodePool(
  hosted: HostedName,
  pool: string,
  replicas: number,
  client: ClusterClient,
  run: Run,
): Promise<void> {
  const found = (await listPools(hosted, client, run)).find(({ metadata }) => metadata.name === pool);
  if (!found) throw new AirlockError('HOSTED_UNKNOWN', `hosted cluster ${hosted.name} has no node pool ${pool}`);
  if (fieldAt(found, 'spec.autoScaling') !== undefined)
    throw new AirlockError('HOSTED_REFUSED', `node pool ${pool} scales by itself`, {
      hint: 'change its autoScaling in the site file, emit and apply',
    });
  await client.mergePatch(poolRef(found), { spec: { replicas } }, run);
}

/** Stops or resumes the operator's work on a hosted cluster and its pools. @throws AirlockError HOSTED_UNKNOWN, CLUSTER_* */
export async function pauseHosted(hosted: HostedName, paused: boolean, client: ClusterClient, run: Run): Promise<void> {
  const cluster = await getHosted(hosted, client, run);
  // The empty string, which older instructions use to resume, is refused: the field has to go.
  const patch = { spec: { pausedUntil: paused ? 'true' : null } };
  await client.mergePatch(clusterRef(cluster.metadata.name, hosted.namespace), patch, run);
  for (const pool of await listPools(hosted, client, run)) await client.mergePatch(poolRef(pool), patch, run);
}

/** A release to move to, as mirrored. */
export interface UpgradeTarget {
  readonly version: string;
  /** By digest at the mirror; undefined when it is not mirrored. */
  readonly image: string | undefined;
}

/**
 * What stands in the way of an upgrade; [] when nothing does. Rules: the release is mirrored, no downgrade, one minor at a time, multicluster
 * engine supports it, the cluster says it can be upgraded, pools are at most three minors behind and none is ahead.
 * @throws AirlockError HOSTED_UNKNOWN, CLUSTER_*
 */
export async function checkUpgrade(
  hosted: HostedName,
  target: UpgradeTarget,
  client: ClusterClient,
  run: Run,
): Promise<Finding[]> {
  const cluster = await getHosted(hosted, client, run);
  const findings: Finding[] = [];
  const refuse = (message: string, hint: string): void => {
    findings.push({ code: 'UPGRADE_REFUSED', severity: 'error', subject: hosted.name, message, hint });
  };
  if (target.image === undefined)
    refuse(`release ${target.version} is not at the mirror`, 'add it to the image set, build, carry and load');
  const current = textAt(cluster, 'status.version.history.0.version');
  if (current === undefined) refuse('the cluster has no version yet', 'wait until it is installed');
  else {
    if (compare(target.version, current) <= 0)
      refuse(
        `${target.version} is not newer than ${current}`,
        'a hosted cluster cannot go back; restore a backup instead',
      );
    if (minorOf(target.version) > minorOf(current) + 1)
      refuse(`${current} cannot go to ${target.version} at once`, 'go one minor version at a time');
  }
  const supported = await supportedVersions(client, run);
  const minor = target.version.split('.').slice(0, 2).join('.');
  if (supported.length > 0 && !supported.includes(minor))
    refuse(`multicluster engine supports ${supported.join(', ')}, not ${minor}`, 'upgrade multicluster engine first');
  const upgradeable = findCondition(cluster, 'ClusterVersionUpgradeable');
  if (upgradeable?.status === 'False' && current !== undefined && minorOf(target.version) > minorOf(current))
    refuse(
      `the cluster is not ready for the next minor version: ${upgradeable.message}`,
      'solve it in the hosted cluster',
    );
  for (const pool of await listPools(hosted, client, run)) {
    const version = textAt(pool, 'status.version');
    if (version !== undefined && minorOf(target.version) - minorOf(version) > 3)
      refuse(
        `node pool ${pool.metadata.name} would be more than three minors behind (${version})`,
        'upgrade the pool first',
      );
  }
  return findings;
}

/**
 * Moves the control plane to a release, without its pools: they follow one by one with `upgradeNodePool` once it is Completed.
 * @throws AirlockError HOSTED_UNKNOWN, HOSTED_REFUSED (with what stands in the way), CLUSTER_*
 */
export async function upgradeControlPlane(
  hosted: HostedName,
  target: UpgradeTarget,
  client: ClusterClient,
  run: Run,
): Promise<void> {
  const findings = await checkUpgrade(hosted, target, client, run);
  const [first] = findings;
  if (first || target.image === undefined)
    throw new AirlockError('HOSTED_REFUSED', findings.map(({ message }) => message).join('; '), {
      ...(first?.hint === undefined ? {} : { hint: first.hint }),
    });
  const cluster = await getHosted(hosted, client, run);
  const pinned = 'hypershift.openshift.io/control-plane-operator-image';
  // The operator of the old release would stay otherwise, and the upgrade wait for ever.
  const unpin = fieldAt(cluster, 'metadata.annotations') as Readonly<Record<string, string>> | undefined;
  await client.mergePatch(
    clusterRef(hosted.name, hosted.namespace),
    {
      ...(unpin?.[pinned] === undefined ? {} : { metadata: { annotations: { [pinned]: null } } }),
      spec: { release: { image: target.image } },
    },
    run,
  );
}

/** Moves a node pool to a release; never ahead of its cluster. @throws AirlockError HOSTED_UNKNOWN, HOSTED_REFUSED, CLUSTER_* */
export async function upgradeNodePool(
  hosted: HostedName,
  pool: string,
  target: UpgradeTarget,
  client: ClusterClient,
  run: Run,
): Promise<void> {
  const cluster = await getHosted(hosted, client, run);
  const found = (await listPools(hosted, client, run)).find(({ metadata }) => metadata.name === pool);
  if (!found) throw new AirlockError('HOSTED_UNKNOWN', `hosted cluster ${hosted.name} has no node pool ${pool}`);
  if (target.image === undefined)
    throw new AirlockError('HOSTED_REFUSED', `release ${target.version} is not at the mirror`);
  const [version, state] = ['version', 'state'].map((field) => textAt(cluster, `status.version.history.0.${field}`));
  if (version === undefined || compare(target.version, version) > 0 || state !== 'Completed')
    throw new AirlockError(
      'HOSTED_REFUSED',
      `the control plane is at ${version ?? 'no version'} (${state ?? 'unknown'})`,
      {
        hint: 'upgrade the control plane first, and wait until it is Completed',
      },
    );
  await client.mergePatch(poolRef(found), { spec: { release: { image: target.image } } }, run);
}

/** What a deletion does, in order; nothing is done by this function. @throws AirlockError HOSTED_UNKNOWN, CLUSTER_* */
export async function planDeletion(
  hosted: HostedName,
  client: ClusterClient,
  run: Run,
): Promise<readonly { readonly action: 'scale' | 'delete'; readonly object: ObjectRef; readonly why: string }[]> {
  await getHosted(hosted, client, run);
  const pools = await listPools(hosted, client, run);
  return [
    ...pools.map((pool) => ({
      action: 'scale' as const,
      object: poolRef(pool),
      why: 'its hosts are wiped and go back to their InfraEnv',
    })),
    ...pools.map((pool) => ({
      action: 'delete' as const,
      object: poolRef(pool),
      why: 'no host is bound to it any more',
    })),
    {
      action: 'delete',
      object: clusterRef(hosted.name, hosted.namespace),
      why: 'its operator removes the control plane and its namespace; the etcd encryption key is kept for backups',
    },
  ];
}

async function getHosted(hosted: HostedName, client: ClusterClient, run: Run): Promise<ClusterObject> {
  const found = await client.find(clusterRef(hosted.name, hosted.namespace), run);
  if (found) return found;
  throw new AirlockError('HOSTED_UNKNOWN', `there is no hosted cluster ${hosted.namespace}/${hosted.name}`);
}

async function listPools(hosted: HostedName, client: ClusterClient, run: Run): Promise<ClusterObject[]> {
  const pools = await client.list({ apiVersion: hypershift, kind: 'NodePool', namespace: hosted.namespace }, run);
  return pools.filter((pool) => fieldAt(pool, 'spec.clusterName') === hosted.name);
}

/** Minor versions that multicluster engine installs, newest first; [] when it does not say. */
async function supportedVersions(client: ClusterClient, run: Run): Promise<string[]> {
  const ref = { apiVersion: 'v1', kind: 'ConfigMap', name: 'supported-versions', namespace: 'hypershift' };
  const data = fieldAt(await client.find(ref, run), 'data') as Readonly<Record<string, string>> | undefined;
  try {
    return listAt(JSON.parse(data?.['supported-versions'] ?? '{}'), 'versions').map(String);
  } catch {
    return [];
  }
}

function problemsOf(object: ClusterObject, wanted: readonly (readonly [string, string])[]): HostedStatus['problems'] {
  return wanted.flatMap(([type, status]) => {
    const found = findCondition(object, type);
    // A condition that is not there yet is not known, which is no fault.
    return found === undefined || found.status === status
      ? []
      : [{ condition: type, status: found.status, message: found.message }];
  });
}

function isPaused(cluster: ClusterObject): boolean {
  const until = fieldAt(cluster, 'spec.pausedUntil');
  return typeof until === 'string' && until.toLowerCase() !== 'false';
}

function clusterRef(name: string, namespace: string): ObjectRef {
  return { apiVersion: hypershift, kind: 'HostedCluster', name, namespace };
}

function poolRef(pool: ClusterObject): ObjectRef {
  const { name, namespace = '' } = pool.metadata;
  return { apiVersion: hypershift, kind: 'NodePool', name, namespace };
}

function textAt(object: unknown, path: string): string | undefined {
  const found = fieldAt(object, path);
  return typeof found === 'string' ? found : undefined;
}

function numberAt(object: unknown, path: string): number | undefined {
  const found = fieldAt(object, path);
  return typeof found === 'number' ? found : undefined;
}

function minorOf(version: string): number {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major * 1000 + minor;
}

function compare(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
