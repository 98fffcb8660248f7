import { AirlockError } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import type { ClusterClient } from '../client.ts';
import { fieldAt } from '../fields.ts';
import type { ClusterObject, ObjectRef } from '../types.ts';

const hypershift = 'hypershift.openshift.io/v1beta1';

/** Names a hosted cluster. */
export interface HostedName {
  readonly name: string;
  readonly namespace: string;
}

/** @throws AirlockError HOSTED_UNKNOWN, CLUSTER_* */
export async function getHosted(hosted: HostedName, client: ClusterClient, run: Run): Promise<ClusterObject> {
  const found = await client.find(clusterRef(hosted.name, hosted.namespace), run);
  if (found) return found;
  throw new AirlockError('HOSTED_UNKNOWN', `there is no hosted cluster ${hosted.namespace}/${hosted.name}`, {
    hint: 'airlock apply makes it; look also whether this is the management cluster of the site',
  });
}

/** The node pools of a hosted cluster. @throws AirlockError CLUSTER_* */
export async function listPools(hosted: HostedName, client: ClusterClient, run: Run): Promise<ClusterObject[]> {
  const pools = await client.list({ apiVersion: hypershift, kind: 'NodePool', namespace: hosted.namespace }, run);
  return pools.filter((pool) => fieldAt(pool, 'spec.clusterName') === hosted.name);
}

/**
 * A node pool by its name in the cluster, or by that of the site file, which the emitted NodePool has behind the name of its hosted cluster.
 * @throws AirlockError HOSTED_UNKNOWN, CLUSTER_*
 */
export async function getPool(
  hosted: HostedName,
  pool: string,
  client: ClusterClient,
  run: Run,
): Promise<ClusterObject> {
  const pools = await listPools(hosted, client, run);
  const named = (name: string) => pools.find(({ metadata }) => metadata.name === name);
  const found = named(pool) ?? named(`${hosted.name}-${pool}`);
  if (found) return found;
  throw new AirlockError('HOSTED_UNKNOWN', `hosted cluster ${hosted.name} has no node pool ${pool}`, {
    hint: `it has: ${pools.map(({ metadata }) => metadata.name).join(', ') || 'none'}`,
  });
}

/** The reference of a HostedCluster. */
export function clusterRef(name: string, namespace: string): ObjectRef {
  return { apiVersion: hypershift, kind: 'HostedCluster', name, namespace };
}

/** The reference of a NodePool that was read. */
export function poolRef(pool: ClusterObject): ObjectRef {
  const { name, namespace = '' } = pool.metadata;
  return { apiVersion: hypershift, kind: 'NodePool', name, namespace };
}

/** The text at a dotted path; undefined for everything else. */
export function textAt(object: unknown, path: string): string | undefined {
  const found = fieldAt(object, path);
  return typeof found === 'string' ? found : undefined;
}

/** The number at a dotted path; undefined for everything else. */
export function numberAt(object: unknown, path: string): number | undefined {
  const found = fieldAt(object, path);
  return typeof found === 'number' ? found : undefined;
}
