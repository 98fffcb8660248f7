import { AirlockError } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import type { ClusterClient } from '../client.ts';
import { fieldAt } from '../fields.ts';
import { describeRef, type ObjectRef } from '../types.ts';
import { findBoundAgents } from './agents.ts';
import { clusterRef, getHosted, type HostedName, listPools, numberAt, poolRef } from './objects.ts';
import { type StepWait, waitFor } from './wait.ts';

/** One step of a deletion. */
export interface DeletionStep {
  /** `release`: nothing is done but to wait until the Agents of the cluster are free. */
  readonly action: 'scale' | 'release' | 'delete';
  readonly object: ObjectRef;
  readonly why: string;
}

/** How a deletion is carried out. */
export interface DeletionOptions extends StepWait {
  /** Asked before each step; what it throws ends the deletion there. */
  readonly confirm: (step: DeletionStep) => Promise<void>;
}

/**
 * What is left to do to delete a hosted cluster, in order; nothing is done by this function. Steps that are done already are left out.
 * @throws AirlockError HOSTED_UNKNOWN, HOSTED_REFUSED while it is paused, CLUSTER_*
 */
export async function planDeletion(
  hosted: HostedName,
  client: ClusterClient,
  run: Run,
): Promise<readonly DeletionStep[]> {
  const cluster = await getHosted(hosted, client, run);
  if (fieldAt(cluster, 'spec.pausedUntil') !== undefined)
    throw new AirlockError('HOSTED_REFUSED', `hosted cluster ${hosted.name} is paused: nobody would clean up`, {
      hint: `resume it first: airlock hosted pause ${hosted.name} --resume`,
    });
  const pools = await listPools(hosted, client, run);
  const filled = pools.filter(
    (pool) => numberAt(pool, 'spec.replicas') !== 0 || (numberAt(pool, 'status.replicas') ?? 0) > 0,
  );
  const bound = filled.length > 0 || (await findBoundAgents(cluster, client, run)) !== undefined;
  const own = clusterRef(hosted.name, hosted.namespace);
  return [
    ...filled.map((pool) => ({
      action: 'scale' as const,
      object: poolRef(pool),
      why: 'its hosts are let go of',
    })),
    ...(bound
      ? [{ action: 'release' as const, object: own, why: 'its hosts are wiped and go back to their InfraEnv' }]
      : []),
    ...pools.map((pool) => ({
      action: 'delete' as const,
      object: poolRef(pool),
      why: 'no host is bound to it any more',
    })),
    {
      action: 'delete',
      object: own,
      why: 'its operator removes the control plane and its namespace; the etcd encryption key is kept for backups',
    },
  ];
}

/**
 * Deletes a hosted cluster step by step: each is asked for, done, and waited for before the next; pools and cluster go only once no Agent is
 * bound any more, or hosts would be left that nobody wipes. Started again it goes on where it stopped.
 * Hosts, their InfraEnv and the Secrets beside the cluster stay.
 * @throws AirlockError GATE_TIMEOUT, HOSTED_*, CLUSTER_*, CANCELLED, and what `confirm` throws
 */
export async function deleteHosted(
  hosted: HostedName,
  options: DeletionOptions,
  client: ClusterClient,
  run: Run,
): Promise<readonly DeletionStep[]> {
  const steps = await planDeletion(hosted, client, run);
  for (const step of steps) {
    if (step.action !== 'release') await options.confirm(step);
    const subject = `${step.action} ${describeRef(step.object)}`;
    run.report({ stage: 'apply', subject, state: 'started' });
    // A pool that scales by itself would take its hosts back.
    if (step.action === 'scale')
      await client.mergePatch(step.object, { spec: { replicas: 0, autoScaling: null } }, run);
    else if (step.action === 'delete') await client.remove(step.object, run);
    await waitUntilDone(step, options, client, run);
    run.report({ stage: 'apply', subject, state: 'finished' });
  }
  return steps;
}

async function waitUntilDone(
  step: DeletionStep,
  options: DeletionOptions,
  client: ClusterClient,
  run: Run,
): Promise<void> {
  const missing = async (): Promise<string | undefined> => {
    const found = await client.find(step.object, run);
    if (step.action === 'release') return found && findBoundAgents(found, client, run);
    const left = numberAt(found, 'status.replicas') ?? 0;
    if (!found || (step.action === 'scale' && left === 0)) return undefined;
    return step.action === 'scale' ? `${left} nodes left` : 'still there';
  };
  await waitFor(`${step.action} ${describeRef(step.object)}`, missing, options, run);
}
