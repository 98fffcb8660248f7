import { fieldAt, findCondition } from './fields.ts';
import { drainReasons } from './mirror-tables.ts';
import type { ClusterObject, ObjectPair } from './types.ts';

/** Why a MachineConfigPool is not settled; undefined when it is. A paused pool never settles, and is said to be paused. */
export function findUnsettledPool(pool: ClusterObject): string | undefined {
  const { name, generation = 0 } = pool.metadata;
  const degraded = ['Degraded', 'NodeDegraded', 'RenderDegraded']
    .map((type) => findCondition(pool, type))
    .find((condition) => condition?.status === 'True');
  if (degraded) return `pool ${name} is degraded: ${degraded.message}`;
  if (Number(fieldAt(pool, 'status.observedGeneration') ?? 0) < generation) return `pool ${name} was not looked at yet`;
  const rendered = fieldAt(pool, 'spec.configuration.name');
  const settled =
    findCondition(pool, 'Updated')?.status === 'True' &&
    findCondition(pool, 'Updating')?.status !== 'True' &&
    rendered === fieldAt(pool, 'status.configuration.name');
  const count = (field: string): number => Number(fieldAt(pool, `status.${field}`) ?? 0);
  const ready =
    count('updatedMachineCount') === count('machineCount') && count('readyMachineCount') === count('machineCount');
  if (settled && ready) return undefined;
  if (fieldAt(pool, 'spec.paused') === true) return `pool ${name} is paused; unpause it`;
  return `pool ${name}: ${count('updatedMachineCount')} of ${count('machineCount')} nodes updated`;
}

/** What a change does to the nodes of every pool. */
export type NodeEffect = 'none' | 'drain' | 'reboot';

/**
 * The strongest effect of the changes, with a reason for each that has one. `mirrorSets` are all that the cluster has. `hostedPools` names what is rolled of hosted clusters; `own` is whether
 * the pools of the cluster itself are touched.
 */
export function nodeEffect(
  pairs: readonly ObjectPair[],
  mirrorSets: readonly ClusterObject[],
): {
  readonly effect: NodeEffect;
  readonly reasons: readonly string[];
  readonly hostedPools: readonly string[];
  readonly own: boolean;
} {
  const drains = drainReasons(mirrorSets, pairs).map((reason): Effect => ({ effect: 'drain', reason }));
  const found = [...drains, ...pairs.map(effectOf).filter((one) => one.effect !== 'none')];
  const effect = found.some((one) => one.effect === 'reboot') ? 'reboot' : found.length > 0 ? 'drain' : 'none';
  return {
    effect,
    reasons: found.map((one) => one.reason),
    hostedPools: found.flatMap((one) => (one.hostedPools === undefined ? [] : [one.hostedPools])),
    own: found.some((one) => one.hostedPools === undefined),
  };
}

interface Effect {
  readonly effect: NodeEffect;
  readonly reason: string;
  readonly hostedPools?: string;
}

/** Fields from which the nodes of a hosted cluster are configured: another value rolls every one of them. @see openshift/hypershift, nodepool config */
const rollingFields: Readonly<Record<string, readonly string[]>> = {
  HostedCluster: ['imageContentSources', 'additionalTrustBundle', 'configuration.proxy', 'configuration.image'],
  NodePool: ['release', 'config', 'tuningConfig'],
};

const nothing: Effect = { effect: 'none', reason: '' };

function effectOf({ before, after }: ObjectPair): Effect {
  const name = `${after.kind} ${after.metadata.name}`;
  switch (after.kind) {
    case 'Image':
      return changed(before, after, 'spec.registrySources')
        ? { effect: 'drain', reason: `${name} changes allowed or blocked registries` }
        : nothing;
    case 'Proxy':
    case 'MachineConfig':
    case 'KubeletConfig':
    case 'ContainerRuntimeConfig':
      return changed(before, after, 'spec') ? { effect: 'reboot', reason: `${name} changes files on nodes` } : nothing;
    case 'HostedCluster':
    case 'NodePool':
      return rolling(before, after);
    default:
      return nothing;
  }
}

function rolling(before: ClusterObject | undefined, after: ClusterObject): Effect {
  const fields = (rollingFields[after.kind] ?? []).filter((field) => changed(before, after, `spec.${field}`));
  // What is made new has no nodes yet.
  if (before === undefined || fields.length === 0) return nothing;
  const { name } = after.metadata;
  return {
    effect: 'reboot',
    reason: `${after.kind} ${name} changes ${fields.join(', ')}`,
    hostedPools: after.kind === 'NodePool' ? `node pool ${name}` : `every node pool of ${name}`,
  };
}

function changed(before: ClusterObject | undefined, after: ClusterObject, path: string): boolean {
  return JSON.stringify(fieldAt(before, path) ?? null) !== JSON.stringify(fieldAt(after, path) ?? null);
}
