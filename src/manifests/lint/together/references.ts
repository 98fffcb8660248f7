import { type AddFault, type LintedObject, textAt, valueAt } from '../faults.ts';
import { assistedNamespaces, type NamedReference, referencesOf } from '../references.ts';
import {
  annotationsPath,
  controlPlaneNamespace,
  type LintedEntry,
  labelsPath,
  lvmClasses,
  type ObjectSet,
} from './object-set.ts';

/** Namespaces that every cluster of this kind has. */
export const givenNamespaces =
  /^(openshift-.*|kube-.*|default|local-cluster|hypershift|multicluster-engine|open-cluster-management.*)$/;

/**
 * Names that lead nowhere within the set. An object that is missing may be on the cluster already, so it is a warning, and said only where
 * the set holds others of its sort; an object that lies in another namespace is an error.
 */
export function lintReferences(set: ObjectSet): void {
  for (const { object, add } of set.entries) {
    const references = referencesOf(object);
    const found = references.filter((reference) => isThere(reference, set));
    for (const reference of references) {
      if (found.includes(reference)) tellKeys(reference, set, add);
      if (found.includes(reference) || isMadeByOperator(reference, object, set)) continue;
      const elsewhere = findElsewhere(reference, set);
      const expected = isExpected(reference, references, found, set);
      if (elsewhere && (expected || isOfHosted(elsewhere, set)))
        tellMisplaced(
          reference,
          elsewhere,
          isPlain(reference) && !isOfHosted(elsewhere, set) ? 'warning' : 'error',
          add,
        );
      else if (expected)
        add(
          'LINT_REFERENCE',
          reference.path,
          `${nameOf(reference)} is in none of the given files`,
          'correct the name, or see that the object is there before this one',
          // What `hcp` renders never holds the namespace of the hosts.
          reference.kind === 'Namespace' ? 'info' : 'warning',
        );
    }
  }
  lintOverrideMap(set);
}

/** Namespaces that nobody makes, where the set makes others: a HostedCluster is invalid until that of its hosts is there. */
export function lintNamespaces(set: ObjectSet): void {
  const made = set.of('Namespace').map(({ object }) => object.name);
  if (made.length === 0) return;
  const operators = set.of('HostedCluster').map(({ object }) => controlPlaneNamespace(object));
  const told = new Set<string>();
  for (const { object, add } of set.entries) {
    const { namespace } = object;
    if (namespace === undefined || [...made, ...operators].includes(namespace) || isForUsers(object)) continue;
    if (givenNamespaces.test(namespace) || /[<>${}]/.test(namespace) || told.has(namespace)) continue;
    told.add(namespace);
    add(
      'LINT_REFERENCE',
      ['metadata', 'namespace'],
      `Namespace ${namespace} is in none of the given files, which hold others`,
      'add it, or see that it is there before',
      'info',
    );
  }
}

/** Objects that go into namespaces of users, which are there already. */
function isForUsers({ kind, value }: LintedObject): boolean {
  return (
    kind === 'NetworkAttachmentDefinition' ||
    valueAt(value, ...labelsPath, 'config.openshift.io/inject-trusted-cabundle') !== undefined
  );
}

function isThere({ kind, name, namespaces }: NamedReference, set: ObjectSet): boolean {
  const anywhere = namespaces.every((one) => one === undefined);
  // Without a namespace an object goes where whoever applies it says.
  return set
    .named(kind, name)
    .some(({ namespace }) => anywhere || namespace === undefined || namespaces.includes(namespace));
}

/** Storage classes of LVM Storage; the pull secret of an InfraEnv beside the control plane, and that namespace itself. */
function isMadeByOperator({ kind, name }: NamedReference, { namespace }: LintedObject, set: ObjectSet): boolean {
  if (kind === 'StorageClass') return lvmClasses(set).includes(name);
  const made = set.of('HostedCluster').map(({ object }) => controlPlaneNamespace(object));
  if (kind === 'Namespace') return made.includes(name) || givenNamespaces.test(name);
  return kind === 'Secret' && name === 'pull-secret' && namespace !== undefined && made.includes(namespace);
}

/** The only object of that name, when it lies where nobody looks; objects of the cluster itself share names with those of users. */
function findElsewhere({ kind, name, namespaces }: NamedReference, set: ObjectSet): LintedObject | undefined {
  const [only, ...more] = set.named(kind, name).filter(({ namespace }) => namespace !== undefined);
  const own = only?.namespace !== undefined && !/^openshift-|^kube-/.test(only.namespace);
  return own && more.length === 0 && namespaces.some((one) => one !== undefined) ? only : undefined;
}

/** Keys that are read and that no candidate has. */
function tellKeys(reference: NamedReference, set: ObjectSet, add: AddFault): void {
  const { kind, name, namespaces, path, keys } = reference;
  const candidates = set.named(kind, name).filter((one) => namespaces.includes(one.namespace));
  const lacking = keys.filter((key) =>
    candidates.every((one) =>
      ['data', 'stringData', 'binaryData'].every((at) => valueAt(one.value, at, key) === undefined),
    ),
  );
  if (candidates.length > 0 && lacking.length > 0)
    add(
      'LINT_REFERENCE',
      path,
      `${kind} ${name} has no ${lacking.join(' and ')}, which is read from it`,
      'put the value under that key',
    );
}

/** Whether it lies in a namespace that belongs to a hosted cluster of the set. */
function isOfHosted({ namespace }: LintedObject, set: ObjectSet): boolean {
  return set
    .of('HostedCluster')
    .some(({ object }) =>
      [
        object.namespace,
        textAt(object.value, 'spec', 'platform', 'agent', 'agentNamespace'),
        controlPlaneNamespace(object),
      ].includes(namespace),
    );
}

function tellMisplaced(
  { kind, name, namespaces, path }: NamedReference,
  found: LintedObject,
  severity: 'error' | 'warning',
  add: AddFault,
): void {
  add(
    'LINT_NAMESPACE',
    path,
    `${kind} ${name} is looked for in ${namespaces[0]}, and lies in ${found.namespace}`,
    'put both into one namespace',
    severity,
  );
}

/**
 * Whether the set is meant to hold it: other Secrets or ConfigMaps that the object names are there; or, where it names no other, something of
 * that kind is in that place.
 */
function isExpected(
  reference: NamedReference,
  references: readonly NamedReference[],
  found: readonly NamedReference[],
  set: ObjectSet,
): boolean {
  if (isPlain(reference) && references.filter(isPlain).length > 1) return found.some(isPlain);
  const { kind, namespaces } = reference;
  const clusterWide = kind === 'Namespace' || kind === 'StorageClass';
  return set
    .of(kind)
    .some(
      ({ object: { namespace } }) =>
        namespaces.length === 0 || (namespaces.includes(namespace) && (clusterWide || namespace !== undefined)),
    );
}

function isPlain({ kind }: NamedReference): boolean {
  return kind === 'Secret' || kind === 'ConfigMap';
}

function nameOf({ kind, name, namespaces }: NamedReference): string {
  return `${kind} ${namespaces[0] === undefined ? '' : `${namespaces[0]}/`}${name}`;
}

/** The settings of the assisted service are read only when the AgentServiceConfig names them. */
function lintOverrideMap(set: ObjectSet): void {
  const services = set.of('AgentServiceConfig');
  const annotation = 'unsupported.agent-install.openshift.io/assisted-service-configmap';
  const named = services.map(({ object }) => textAt(object.value, ...annotationsPath, annotation));
  const isOverride = ({ object }: LintedEntry): boolean =>
    object.kind === 'ConfigMap' &&
    assistedNamespaces.includes(object.namespace ?? '') &&
    ['ALLOW_CONVERGED_FLOW', 'PUBLIC_CONTAINER_REGISTRIES', 'ISO_IMAGE_TYPE'].some(
      (key) => textAt(object.value, 'data', key) !== undefined,
    );
  for (const { object, add } of services.length === 0 ? [] : set.entries.filter(isOverride))
    if (!named.includes(object.name))
      add(
        'LINT_REFERENCE',
        ['metadata', 'name'],
        `no AgentServiceConfig names ${object.name}, so nobody reads it`,
        `name it in the annotation ${annotation}`,
        'warning',
      );
}
