import { isAirlockError } from '../core/errors.ts';
import type { Run } from '../core/run.ts';
import { parseYaml } from '../core/yaml.ts';
import type { ClusterClient } from './client.ts';
import { fieldAt, findCondition, listAt } from './fields.ts';
import { firstProblem } from './hosted/status.ts';
import { findUnsettledPool } from './pools.ts';
import { type ClusterObject, describeRef, type Gate } from './types.ts';

/** Whether a gate is open; `why` says what is missing, for people. `failed` never becomes true by waiting. */
export type GateState =
  | { readonly open: true }
  | { readonly open: false; readonly why: string; readonly failed?: boolean };

const open: GateState = { open: true };

/** Looks once. @throws AirlockError as ClusterClient */
export async function lookAtGate(gate: Gate, client: ClusterClient, run: Run): Promise<GateState> {
  switch (gate.kind) {
    case 'machineConfigPools':
      return poolsGate(client, run);
    case 'nodesReady':
      return nodesGate(client, run);
    case 'defaultCatalogsGone':
      return defaultCatalogsGate(client, run);
    case 'catalogReady':
      return catalogGate(gate, client, run);
    case 'packageServed':
      return packageGate(gate, client, run);
    case 'subscriptionInstalled':
      return subscriptionGate(gate, client, run);
    case 'field': {
      const object = await client.find(gate.object, run);
      if (!object) return closed(`${describeRef(gate.object)} is not there`);
      const value = String(fieldAt(object, gate.path) ?? 'not set');
      return value === gate.value ? open : closed(`${describeRef(gate.object)}: ${gate.path} is ${value}`);
    }
    case 'conditions':
      return conditionsGate(gate, client, run);
    case 'exists':
      return (await client.find(gate.object, run)) ? open : closed(`${describeRef(gate.object)} is not there`);
    case 'nodePortRange':
      return nodePortGate(gate.range, client, run);
    case 'releaseRolledOut':
      return rolloutGate(gate, client, run);
    case 'agentsReady':
    case 'agentsBound':
      return agentsGate(gate, client, run);
  }
}

function closed(why: string, failed = false): GateState {
  return { open: false, why, ...(failed ? { failed } : {}) };
}

/** The operator writes the configuration of the API servers into a ConfigMap, which is where the range is in use. */
async function nodePortGate(range: string, client: ClusterClient, run: Run): Promise<GateState> {
  const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'openshift-kube-apiserver', name: 'config' };
  const data = fieldAt(await client.find(ref, run), 'data') as Readonly<Record<string, string>> | undefined;
  const arguments_ = fieldAt(parseYaml(data?.['config.yaml'] ?? '{}'), 'apiServerArguments');
  const found = listAt(arguments_, 'service-node-port-range')[0] ?? 'not set';
  return found === range ? open : closed(`the API servers run with the NodePort range ${String(found)}`);
}

async function poolsGate(client: ClusterClient, run: Run): Promise<GateState> {
  const pools = await client.list(
    { apiVersion: 'machineconfiguration.openshift.io/v1', kind: 'MachineConfigPool' },
    run,
  );
  const unsettled = pools.map(findUnsettledPool).find((one) => one !== undefined);
  return unsettled === undefined ? open : closed(unsettled);
}

async function nodesGate(client: ClusterClient, run: Run): Promise<GateState> {
  const nodes = await client.list({ apiVersion: 'v1', kind: 'Node' }, run);
  const down = nodes.filter((node) => findCondition(node, 'Ready')?.status !== 'True');
  return down.length === 0 ? open : closed(`nodes not Ready: ${down.map(({ metadata }) => metadata.name).join(', ')}`);
}

async function defaultCatalogsGate(client: ClusterClient, run: Run): Promise<GateState> {
  const names = ['redhat-operators', 'certified-operators', 'community-operators', 'redhat-marketplace'];
  const query = {
    apiVersion: 'operators.coreos.com/v1alpha1',
    kind: 'CatalogSource',
    namespace: 'openshift-marketplace',
  };
  const left = (await client.list(query, run))
    .map((catalog) => catalog.metadata.name)
    .filter((name) => names.includes(name));
  return left.length === 0 ? open : closed(`${left.join(', ')} still there`);
}

async function catalogGate(gate: Gate & { kind: 'catalogReady' }, client: ClusterClient, run: Run): Promise<GateState> {
  const ref = {
    apiVersion: 'operators.coreos.com/v1alpha1',
    kind: 'CatalogSource',
    name: gate.name,
    namespace: gate.namespace,
  };
  const state = fieldAt(await client.find(ref, run), 'status.connectionState.lastObservedState');
  return state === 'READY' ? open : closed(`CatalogSource ${gate.name} is ${String(state ?? 'not connected yet')}`);
}

async function packageGate(
  gate: Gate & { kind: 'packageServed' },
  client: ClusterClient,
  run: Run,
): Promise<GateState> {
  const apiVersion = 'packages.operators.coreos.com/v1';
  const place = { apiVersion, kind: 'PackageManifest', namespace: 'openshift-marketplace' };
  try {
    await client.find({ ...place, name: gate.name }, run);
  } catch (error) {
    // A cluster without this API has no package server to wait for.
    if (isAirlockError(error, 'CLUSTER_KIND_UNKNOWN')) return open;
    throw error;
  }
  const found = (await client.list(place, run)).some(
    (one) => one.metadata.name === gate.name && fieldAt(one, 'status.catalogSource') === gate.catalog,
  );
  return found ? open : closed(`package ${gate.name} is not served by ${gate.catalog} yet`);
}

async function subscriptionGate(
  gate: Gate & { kind: 'subscriptionInstalled' },
  client: ClusterClient,
  run: Run,
): Promise<GateState> {
  const apiVersion = 'operators.coreos.com/v1alpha1';
  const subscription = await client.find(
    { apiVersion, kind: 'Subscription', name: gate.name, namespace: gate.namespace },
    run,
  );
  const csv = fieldAt(subscription, 'status.installedCSV');
  if (typeof csv !== 'string' || csv === '') {
    const problem = ['ResolutionFailed', 'CatalogSourcesUnhealthy']
      .map((type) => findCondition(subscription, type))
      .find((condition) => condition?.status === 'True');
    return closed(`Subscription ${gate.name} has installed nothing yet${problem ? `: ${problem.message}` : ''}`);
  }
  const found = await client.find(
    { apiVersion, kind: 'ClusterServiceVersion', name: csv, namespace: gate.namespace },
    run,
  );
  const phase = fieldAt(found, 'status.phase');
  if (phase === 'Succeeded') return open;
  return closed(`CSV ${csv} is ${String(phase ?? 'not there')}: ${String(fieldAt(found, 'status.message') ?? '')}`);
}

async function conditionsGate(
  gate: Gate & { kind: 'conditions' },
  client: ClusterClient,
  run: Run,
): Promise<GateState> {
  const object = await client.find(gate.object, run);
  if (!object) return closed(`${describeRef(gate.object)} is not there`);
  // A status of an older generation says nothing of what was just applied.
  const seen = fieldAt(object, 'status.observedGeneration');
  if (typeof seen === 'number' && seen < (object.metadata.generation ?? 0))
    return closed(`${describeRef(gate.object)} was not looked at yet`);
  for (const [type, wanted] of Object.entries(gate.wanted)) {
    const condition = findCondition(object, type);
    if (condition?.status === wanted) continue;
    // Of a hosted cluster many conditions are wrong at once: the first one is the cause.
    const cause = gate.object.kind === 'HostedCluster' ? firstProblem(object) : undefined;
    const said = `${type} is ${condition?.status ?? 'not known'}`;
    if (cause !== undefined && cause.condition !== type)
      return closed(`${describeRef(gate.object)}: ${said}, ${cause.condition} is ${cause.status}: ${cause.message}`);
    return closed(`${describeRef(gate.object)}: ${said}${condition?.message ? `: ${condition.message}` : ''}`);
  }
  return open;
}

/** A pool must never be newer than its control plane, which is moved first. */
async function rolloutGate(
  gate: Gate & { kind: 'releaseRolledOut' },
  client: ClusterClient,
  run: Run,
): Promise<GateState> {
  const cluster = await client.find(gate.object, run);
  const history = listAt(cluster, 'status.version.history');
  if (!history.some((entry) => fieldAt(entry, 'state') === 'Completed')) return open;
  const wanted = fieldAt(cluster, 'spec.release.image');
  const [newest] = history;
  const same = digestOf(fieldAt(newest, 'image')) === digestOf(wanted);
  if (fieldAt(newest, 'state') === 'Completed' && same) return open;
  const problem = firstProblem(cluster);
  return closed(
    `${describeRef(gate.object)} moves to ${String(wanted)}${problem ? `, ${problem.condition} is ${problem.status}: ${problem.message}` : ''}`,
  );
}

/** Mirror and original name the same release by the same digest. */
function digestOf(image: unknown): string | undefined {
  return /@(.+)$/.exec(String(image))?.[1];
}

async function agentsGate(
  gate: Gate & { kind: 'agentsReady' | 'agentsBound' },
  client: ClusterClient,
  run: Run,
): Promise<GateState> {
  const query = { apiVersion: 'agent-install.openshift.io/v1beta1', kind: 'Agent', namespace: gate.namespace };
  const agents = (await client.list(query, run)).filter((agent) => isAmong(agent, gate.labels));
  const bound = agents.filter((agent) => findCondition(agent, 'Bound')?.status === 'True');
  if (gate.kind === 'agentsBound')
    return bound.length >= gate.count ? open : closed(`${bound.length} of ${gate.count} Agents are bound`);
  const faults = agents.filter((agent) => !bound.includes(agent)).map(findAgentFault);
  const good = bound.length + faults.filter((fault) => fault === undefined).length;
  if (good >= gate.count) return open;
  const first = faults.find((fault) => fault !== undefined);
  return closed(`${good} of ${gate.count} Agents are ready${first === undefined ? '' : `: ${first}`}`);
}

/** Agents of another hosted cluster carry its labels; one that carries none is anybody's. */
function isAmong(agent: ClusterObject, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(labels).every(([key, value]) => (agent.metadata.labels?.[key] ?? value) === value);
}

function findAgentFault(agent: ClusterObject): string | undefined {
  const name = fieldAt(agent, 'spec.hostname') ?? agent.metadata.name;
  if (fieldAt(agent, 'spec.approved') !== true) return `${String(name)} is not approved`;
  const wrong = ['RequirementsMet', 'Validated']
    .map((type) => ({ type, condition: findCondition(agent, type) }))
    .find(({ condition }) => condition?.status !== 'True');
  return (
    wrong &&
    `${String(name)}: ${wrong.type} is ${wrong.condition?.status ?? 'not known'}: ${wrong.condition?.message ?? ''}`
  );
}
