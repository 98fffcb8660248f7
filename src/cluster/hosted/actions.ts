import { AirlockError } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import type { ClusterClient } from '../client.ts';
import { fieldAt } from '../fields.ts';
import { clusterRef, getHosted, getPool, type HostedName, listPools, poolRef } from './objects.ts';

/** Sets the replicas of a node pool. @throws AirlockError HOSTED_UNKNOWN, HOSTED_REFUSED, CLUSTER_* */
export async function scaleNodePool(
  hosted: HostedName,
  pool: string,
  replicas: number,
  client: ClusterClient,
  run: Run,
): Promise<void> {
  const found = await getPool(hosted, pool, client, run);
  if (fieldAt(found, 'spec.autoScaling') !== undefined)
    throw new AirlockError('HOSTED_REFUSED', `node pool ${found.metadata.name} scales by itself`, {
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
