import type { Run } from '../../core/run.ts';
import type { ClusterClient } from '../client.ts';
import { fieldAt, listAt } from '../fields.ts';
import type { ClusterObject } from '../types.ts';
import { textAt } from './objects.ts';
import { controlPlaneNamespace } from './quiesce.ts';

/**
 * What Agents of a hosted cluster are not free yet, in words; undefined when all are. Bound ones name a cluster in the namespace of the control
 * plane; one that is let go of names none any more, and is free once it is back in discovery.
 * @throws AirlockError CLUSTER_*
 */
export async function findBoundAgents(
  cluster: ClusterObject,
  client: ClusterClient,
  run: Run,
): Promise<string | undefined> {
  const namespace = textAt(cluster, 'spec.platform.agent.agentNamespace');
  if (namespace === undefined) return undefined;
  const query = { apiVersion: 'agent-install.openshift.io/v1beta1', kind: 'Agent', namespace };
  const { name: hosted, namespace: beside = '' } = cluster.metadata;
  const own = controlPlaneNamespace({ name: hosted, namespace: beside });
  const held = (await client.list(query, run)).filter(
    (agent) => textAt(agent, 'spec.clusterDeploymentName.namespace') === own || isUnbinding(agent),
  );
  const [first] = held;
  if (!first) return undefined;
  const name = textAt(first, 'spec.hostname') ?? first.metadata.name;
  const state = textAt(first, 'status.debugInfo.state') ?? reasonOf(first) ?? 'bound';
  // Without a BareMetalHost nobody boots it for us.
  const hand = reasonOf(first) === 'UnbindingPendingUserAction' ? ', boot its discovery image' : '';
  return `${held.length} ${held.length === 1 ? 'Agent is' : 'Agents are'} not free yet: ${name} is ${state}${hand}`;
}

function isUnbinding(agent: ClusterObject): boolean {
  return reasonOf(agent)?.startsWith('Unbinding') === true;
}

function reasonOf(agent: ClusterObject): string | undefined {
  const bound = listAt(agent, 'status.conditions').find((condition) => fieldAt(condition, 'type') === 'Bound');
  return textAt(bound, 'reason');
}
