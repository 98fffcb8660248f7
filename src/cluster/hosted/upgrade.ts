import { AirlockError } from '../../core/errors.ts';
import type { Finding } from '../../core/findings.ts';
import type { Run } from '../../core/run.ts';
import type { ClusterClient } from '../client.ts';
import { fieldAt, findCondition, listAt } from '../fields.ts';
import { clusterRef, getHosted, getPool, type HostedName, listPools, poolRef, textAt } from './objects.ts';

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
  const found = await getPool(hosted, pool, client, run);
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

function minorOf(version: string): number {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major * 1000 + minor;
}

function compare(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
