import type { Run } from '../core/run.ts';
import type { ClusterClient } from './client.ts';
import { fieldAt, findCondition } from './fields.ts';
import { findUnsettledPool } from './pools.ts';
import { describeRef, type Gate } from './types.ts';

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
    case 'agentsBound':
      return agentsGate(gate, client, run);
  }
}

function closed(why: string, failed = false): GateState {
  return { open: false, why, ...(failed ? { failed } : {}) };
}

async function poolsGate(client: ClusterClient, run: Run): Promise<GateState> {
  const pools = await client.list(
    { apiVersion: 'machineconfiguration.openshift.io/v1', kind: 'MachineConfigPool' },
    run,
  );
  const unsettled = pools.map(findUnsettledPool).find((one) => one !== undefined);
  return unsettled === undefined ? open : closed(unsettled);
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
  const query = {
    apiVersion: 'packages.operators.coreos.com/v1',
    kind: 'PackageManifest',
    namespace: 'openshift-marketplace',
  };
  const found = (await client.list(query, run)).some(
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
    if (condition?.status !== wanted)
      return closed(
        `${describeRef(gate.object)}: ${type} is ${condition?.status ?? 'not known'}${condition?.message ? `: ${condition.message}` : ''}`,
      );
  }
  return open;
}

async function agentsGate(gate: Gate & { kind: 'agentsBound' }, client: ClusterClient, run: Run): Promise<GateState> {
  const query = { apiVersion: 'agent-install.openshift.io/v1beta1', kind: 'Agent', namespace: gate.namespace };
  const agents = await client.list(query, run);
  const bound = agents.filter((agent) => findCondition(agent, 'Bound')?.status === 'True').length;
  return bound >= gate.count ? open : closed(`${bound} of ${gate.count} Agents are bound`);
}
