import { AirlockError, isAirlockError } from '../core/errors.ts';
import type { Run } from '../core/run.ts';
import type { ClusterClient } from './client.ts';
import { fieldAt, listAt } from './fields.ts';
import { settleNetwork } from './network-growth.ts';
import { ownsApplied } from './own-fields.ts';
import { type ApplyStage, type ClusterObject, describeRef, refOf, type StageObject } from './types.ts';

interface FixedField {
  readonly path: string;
  /** Read when the object is made and never again: one that is there keeps it, and none can be given later. */
  readonly onlyAtCreation?: true;
}

const volume = 'spec.etcd.managed.storage.persistentVolume';

/**
 * What Airlock writes and can never change in an object that is there: refused by the rules (CEL) or webhooks of the kinds, or, for volumes of the assisted
 * service, without effect.
 * @see openshift/hypershift api/hypershift/v1beta1; metal3-io/baremetal-operator, webhook of BareMetalHost
 */
const fixedFields: Readonly<Record<string, readonly FixedField[]>> = {
  HostedCluster: [
    ...[
      'spec.platform.type',
      'spec.services',
      'spec.dns.baseDomain',
      'spec.networking.clusterNetwork',
      'spec.networking.serviceNetwork',
      'spec.networking.machineNetwork',
      'spec.networking.networkType',
      'spec.etcd.managementType',
      `${volume}.size`,
      `${volume}.storageClassName`,
      'spec.secretEncryption.type',
      'spec.controllerAvailabilityPolicy',
      'spec.olmCatalogPlacement',
      'spec.fips',
      'spec.capabilities',
      'spec.configuration.featureGate.featureSet',
      'spec.operatorConfiguration.clusterNetworkOperator.ovnKubernetesConfig',
    ].map((path) => ({ path })),
    { path: 'spec.etcd.managed.storage.restoreSnapshotURL', onlyAtCreation: true },
  ],
  NodePool: ['spec.clusterName', 'spec.arch', 'spec.management.upgradeType', 'spec.platform.type'].map((path) => ({
    path,
  })),
  BareMetalHost: [{ path: 'spec.bootMACAddress' }],
  AgentServiceConfig: ['databaseStorage', 'filesystemStorage', 'imageStorage'].map((name) => ({
    path: `spec.${name}.storageClassName`,
  })),
};

/** A field that would have to change and cannot. */
export interface FixedDifference {
  readonly object: string;
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/**
 * Our object with the fixed fields as they are stored where both say the same, since even another order or a default that was filled in would
 * be refused; and what differs.
 */
export function settleFixedFields(
  object: ClusterObject,
  live: ClusterObject | undefined,
): { readonly object: ClusterObject; readonly differences: readonly FixedDifference[] } {
  if (live && isClusterNetwork(object)) {
    const { object: grown, differences } = settleNetwork(object, live);
    return { object: grown, differences: differences.map((one) => ({ object: describeRef(refOf(object)), ...one })) };
  }
  const fields = Object.hasOwn(fixedFields, object.kind) ? (fixedFields[object.kind] ?? []) : [];
  if (!live || fields.length === 0) return { object, differences: [] };
  const settled = structuredClone(object) as ClusterObject;
  const differences: FixedDifference[] = [];
  for (const { path, onlyAtCreation } of fields) {
    const [before, after] = [fieldAt(live, path), fieldAt(object, path)];
    if (onlyAtCreation) {
      if (before !== undefined) setField(settled, path, before);
      else if (after !== undefined) differences.push({ object: describeRef(refOf(object)), path, before, after });
    } else if (before === undefined) continue;
    else if (after === undefined) {
      // What we set once and leave out now would be taken away; what others set stays.
      if (ownsApplied(live, path)) differences.push({ object: describeRef(refOf(object)), path, before, after });
    } else if (path === 'spec.services' ? agreeOnServices(before, after) : agree(before, after))
      // Also their order and what was filled in, or the server takes it for a change.
      setField(settled, path, before);
    else differences.push({ object: describeRef(refOf(object)), path, before, after });
  }
  return { object: settled, differences };
}

/**
 * Looks at everything that is there before anything is changed.
 * @throws AirlockError FIELD_IMMUTABLE, CLUSTER_*, CANCELLED
 */
export async function refuseFixedChanges(
  stages: readonly ApplyStage[],
  client: ClusterClient,
  run: Run,
): Promise<void> {
  const objects = stages
    .filter((stage) => stage.cluster === 'management')
    .flatMap((stage) => stage.objects)
    .filter(
      ({ object, mode }) => mode !== 'create' && (isClusterNetwork(object) || Object.hasOwn(fixedFields, object.kind)),
    );
  const found: FixedDifference[] = [];
  for (const { object } of objects)
    found.push(...settleFixedFields(object, await findIfServed(object, client, run)).differences);
  const [first] = found;
  if (!first) return;
  throw new AirlockError(
    'FIELD_IMMUTABLE',
    found
      .map(
        ({ object, path, before, after }) =>
          `${path} of ${object} is ${say(before)} and can never become ${say(after)}`,
      )
      .join('; '),
    {
      hint: 'put the former value back into the site file, or delete the object and make it anew (airlock hosted delete)',
      details: { differences: found },
    },
  );
}

/** `Network` of config.openshift.io; other groups have kinds of that name too. */
function isClusterNetwork({ apiVersion, kind }: ClusterObject): boolean {
  return kind === 'Network' && apiVersion.startsWith('config.openshift.io/');
}

async function findIfServed(
  object: StageObject['object'],
  client: ClusterClient,
  run: Run,
): Promise<ClusterObject | undefined> {
  try {
    return await client.find(refOf(object), run);
  } catch (error) {
    // An earlier stage brings the kind.
    if (isAirlockError(error, 'CLUSTER_KIND_UNKNOWN')) return undefined;
    throw error;
  }
}

/** Whether what is there says what we want, more fields than ours allowed: defaults, and what the operator fills in. */
function agree(there: unknown, ours: unknown): boolean {
  if (Array.isArray(there) && Array.isArray(ours))
    return there.length === ours.length && ours.every((one, at) => agree(there[at], one));
  if (!isObject(there) || !isObject(ours)) return there === ours;
  return Object.entries(ours).every(([key, one]) =>
    Object.hasOwn(there, key) ? agree(there[key], one) : isDefault(key, one, ours),
  );
}

/** What the operator takes where nothing was written: the prefix of nodes, and the name of the API by our own rule. */
function isDefault(key: string, value: unknown, owner: Readonly<Record<string, unknown>>): boolean {
  if (key === 'hostPrefix') return value === (String(owner['cidr']).includes(':') ? 64 : 23);
  return key === 'loadBalancer';
}

/** The same services, published the same way, in whatever order; of those that are there OIDC and OVNSbDb have no use and are let be. */
function agreeOnServices(before: unknown, after: unknown): boolean {
  const [there, ours] = [before, after].map(
    (list) => new Map(listAt({ list }, 'list').map((one) => [String(fieldAt(one, 'service')), one])),
  );
  if (!there || !ours) return false;
  const more = [...there.keys()].filter((name) => !ours.has(name));
  return (
    [...ours].every(([name, one]) => there.has(name) && agree(there.get(name), one)) &&
    more.every((name) => name === 'OIDC' || name === 'OVNSbDb')
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function setField(object: ClusterObject, path: string, value: unknown): void {
  const steps = path.split('.');
  const last = steps.pop() ?? '';
  let at = object as Record<string, unknown>;
  for (const step of steps) {
    if (!isObject(at[step])) at[step] = {};
    at = at[step] as Record<string, unknown>;
  }
  at[last] = value;
}

function say(value: unknown): string {
  if (value === undefined) return 'nothing';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
