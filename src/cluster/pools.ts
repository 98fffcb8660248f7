import { fieldAt, findCondition, listAt } from './fields.ts';
import type { ClusterObject } from './types.ts';

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

/** An object before and after; `before` undefined when it is new. */
export interface ObjectPair {
  readonly before: ClusterObject | undefined;
  readonly after: ClusterObject;
}

/**
 * The strongest effect of the changes, with a reason for each that has one. `hostedPools` names what is rolled of hosted clusters; `own` is whether
 * the pools of the cluster itself are touched.
 */
export function nodeEffect(pairs: readonly ObjectPair[]): {
  readonly effect: NodeEffect;
  readonly reasons: readonly string[];
  readonly hostedPools: readonly string[];
  readonly own: boolean;
} {
  const found = pairs.map(effectOf).filter((one) => one.effect !== 'none');
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
    case 'ImageDigestMirrorSet':
      return lostDigestRules(before, after)
        ? { effect: 'drain', reason: `${name} takes away or changes rules that nodes have` }
        : nothing;
    case 'ImageTagMirrorSet':
      return changed(before, after, 'spec') ? { effect: 'drain', reason: `${name} changes pulls by tag` } : nothing;
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

/**
 * The machine config operator drains unless a change of the registries only adds mirrors for pulls by digest: nothing that a running pod was
 * started with goes away then.
 * @see openshift/machine-config-operator, pkg/daemon/drain.go
 */
function lostDigestRules(before: ClusterObject | undefined, after: ClusterObject): boolean {
  const rules = (object: ClusterObject | undefined): Map<string, string> =>
    new Map(
      listAt(object, 'spec.imageDigestMirrors').map((rule) => [
        String(fieldAt(rule, 'source')),
        JSON.stringify([listAt(rule, 'mirrors'), fieldAt(rule, 'mirrorSourcePolicy') ?? null]),
      ]),
    );
  const kept = rules(after);
  for (const [source, text] of rules(before)) {
    const now = kept.get(source);
    if (now === undefined) return true;
    const [mirrors, policy] = JSON.parse(text) as [unknown[], unknown];
    const [nowMirrors, nowPolicy] = JSON.parse(now) as [unknown[], unknown];
    if (policy !== nowPolicy || mirrors.some((mirror, index) => nowMirrors[index] !== mirror)) return true;
  }
  // A rule that blocks its source changes pulls that work today.
  return listAt(after, 'spec.imageDigestMirrors').some(
    (rule) =>
      fieldAt(rule, 'mirrorSourcePolicy') === 'NeverContactSource' &&
      !rules(before).has(String(fieldAt(rule, 'source'))),
  );
}

function changed(before: ClusterObject | undefined, after: ClusterObject, path: string): boolean {
  return JSON.stringify(fieldAt(before, path) ?? null) !== JSON.stringify(fieldAt(after, path) ?? null);
}
