import { AirlockError } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import type { ClusterClient } from '../client.ts';
import { fieldAt } from '../fields.ts';
import type { ObjectRef } from '../types.ts';
import { clusterRef, getHosted, type HostedName, listPools, poolRef } from './objects.ts';

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
