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
  throw new AirlockError('HOSTED_UNKNOWN', `there is no hosted cluster ${hosted.namespace}/${hosted.name}`);
}

/** The node pools of a hosted cluster. @throws AirlockError CLUSTER_* */
export async function listPools(hosted: HostedName, client: ClusterClient, run: Run): Promise<ClusterObject[]> {
  const pools = await client.list({ apiVersion: hypershift, kind: 'NodePool', namespace: hosted.namespace }, run);
  return pools.filter((pool) => fieldAt(pool, 'spec.clusterName') === hosted.name);
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
