import { findNetwork, type IpPrefix, ipBytes, parseIpPrefix, prefixContains } from '../../../core/ip.ts';
import { ruleApplies } from '../../version-rules.ts';
import { type AddFault, type FieldPath, type LintedObject, listAt, textAt, valueAt } from '../faults.ts';
import { lintRules, readRules } from '../mirror-grammar.ts';

const needed = ['APIServer', 'OAuthServer', 'Konnectivity', 'Ignition'];
const releaseRepositories = [
  'quay.io/openshift-release-dev/ocp-release',
  'quay.io/openshift-release-dev/ocp-v4.0-art-dev',
];

/** HostedCluster: what the API server lets pass and the operator does not. */
export function lintHostedCluster({ value, name, namespace }: LintedObject, add: AddFault): void {
  if (textAt(value, 'spec', 'platform', 'type') === 'Agent' && !valueAt(value, 'spec', 'platform', 'agent'))
    add(
      'LINT_HOST',
      ['spec', 'platform'],
      'platform.agent is missing',
      'set agentNamespace, where the Agents are: the API server lets it pass, the operator does not',
    );
  lintReleaseImage(value, add);
  lintSources(value, add);
  lintServices(value, add);
  lintNetworking(value, add);
  const length = name.length + (namespace?.length ?? 0);
  if (length > 62)
    add(
      'LINT_NAME',
      ['metadata', 'name'],
      `namespace and name have ${length} characters together`,
      'use at most 62: they make a namespace name',
    );
  if (name === 'clusters' || (name !== '' && name === namespace))
    add(
      'LINT_NAME',
      ['metadata', 'name'],
      `a HostedCluster must not be named ${name === 'clusters' ? 'clusters' : 'as its namespace'}`,
      'choose another name: it becomes that of a managed cluster with a namespace of its own',
    );
  if (valueAt(value, 'spec', 'pausedUntil') === '')
    add('LINT_PAUSED', ['spec', 'pausedUntil'], 'an empty pausedUntil is refused', 'leave it out, or patch null');
  const restore = valueAt(value, 'spec', 'etcd', 'managed', 'storage', 'restoreSnapshotURL');
  if (Array.isArray(restore) && restore.length !== 1)
    add(
      'LINT_SCHEMA',
      ['spec', 'etcd', 'managed', 'storage', 'restoreSnapshotURL'],
      `restoreSnapshotURL has ${restore.length} entries`,
      'name exactly one, or leave it out',
    );
  const placement = textAt(value, 'spec', 'olmCatalogPlacement') ?? 'management';
  const disabled = valueAt(value, 'spec', 'configuration', 'operatorhub', 'disableAllDefaultSources') === true;
  const overrides = Object.keys((valueAt(value, 'metadata', 'annotations') ?? {}) as object).some((key) =>
    /olm-catalogs-is-registry-overrides|-catalog-image$/.test(key),
  );
  const mirrored = listAt(value, 'spec', 'imageContentSources').length > 0;
  if (mirrored && !disabled && !overrides && textAt(value, 'spec', 'platform', 'type') === 'Agent')
    add(
      'LINT_CATALOGS',
      ['spec'],
      'the default catalogs stay on, which come from the internet',
      placement === 'guest'
        ? 'set configuration.operatorhub.disableAllDefaultSources: true before the cluster is made, or switch them off inside it'
        : 'set configuration.operatorhub.disableAllDefaultSources: true, or the catalog annotations',
      'info',
    );
  if (placement === 'management' && disabled && overrides)
    add(
      'LINT_CATALOGS',
      ['spec', 'configuration', 'operatorhub'],
      'default sources are disabled, and the catalog annotations have no effect',
      'choose one of the two',
      'warning',
    );
}

/** Release images of HostedCluster and NodePool. */
export function lintReleaseImage(value: unknown, add: AddFault): void {
  const image = valueAt(value, 'spec', 'release', 'image');
  const path = ['spec', 'release', 'image'];
  if (image === '') add('LINT_RELEASE_TAG', path, 'the release image is empty', 'name the mirrored release by digest');
  const text = textAt(value, ...path);
  if (!text) return;
  if (/^\[/.test(text))
    add('LINT_MIRROR_GRAMMAR', path, `${text} has an IPv6 literal`, 'use a DNS name for the registry');
  if (!text.includes('@'))
    add(
      'LINT_RELEASE_TAG',
      path,
      `${text} is not named by digest`,
      'name it by digest: mirror sets for digests do not serve tags, and upgrades compare digests',
      'warning',
    );
  const version = /:(\d+\.\d+)\.\d+/.exec(text)?.[1];
  const pinned = 'hypershift.openshift.io/control-plane-operator-image';
  const isPinned = valueAt(value, 'metadata', 'annotations', pinned) !== undefined;
  if (
    version !== undefined &&
    !isPinned &&
    listAt(value, 'spec', 'imageContentSources').length > 0 &&
    ruleApplies('control-plane-operator-annotation', version)
  )
    add(
      'LINT_VERSION_RULE',
      path,
      `release ${version} finds no control plane operator at a mirror by itself`,
      `name the image of component hypershift, by digest, in the annotation ${pinned}`,
      'warning',
    );
  if (version !== undefined && isPinned && !ruleApplies('control-plane-operator-annotation', version))
    add(
      'LINT_VERSION_RULE',
      ['metadata', 'annotations', pinned],
      `the annotation pins the control plane operator, which release ${version} finds by itself`,
      'take it away: it has to change with every upgrade otherwise',
      'warning',
    );
}

function lintSources(value: unknown, add: AddFault): void {
  const path = ['spec', 'imageContentSources'];
  lintRules(value, path, add);
  const sources = readRules(value, path).flatMap((rule) => (rule.source === undefined ? [] : [rule.source]));
  if (sources.length === 0) return;
  // Without its host: a release that is built elsewhere names its repositories elsewhere.
  const paths = sources.map(pathOf);
  const missing = releaseRepositories.filter(
    (repository) => !paths.some((source) => `${pathOf(repository)}/`.startsWith(source === '' ? source : `${source}/`)),
  );
  if (missing.length > 0)
    add(
      'LINT_RELEASE_SOURCES',
      path,
      `no mirror for ${missing.join(' and ')}`,
      'add both: nodes pull the payload by these names',
      'warning',
    );
}

function lintServices(value: unknown, add: AddFault): void {
  const services = listAt(value, 'spec', 'services');
  if (services.length === 0) return;
  const names = services.map((service) => textAt(service, 'service'));
  for (const service of needed) {
    const count = names.filter((one) => one === service).length;
    if (count !== 1)
      add(
        'LINT_SERVICES',
        ['spec', 'services'],
        `${service} stands in the list ${count} times`,
        'publish each of APIServer, OAuthServer, Konnectivity and Ignition once',
      );
  }
  const agent = textAt(value, 'spec', 'platform', 'type') === 'Agent';
  const hosts = new Set<string>();
  services.forEach((service, index) => {
    const path: FieldPath = ['spec', 'services', index, 'servicePublishingStrategy'];
    const name = names[index];
    const type = textAt(service, 'servicePublishingStrategy', 'type');
    if (type === 'LoadBalancer' && (name === 'OAuthServer' || name === 'Ignition') && agent)
      add(
        'LINT_SERVICES',
        path,
        `${name} cannot be published by LoadBalancer on this platform`,
        'use Route or NodePort',
      );
    if ((name === 'OIDC' || name === 'OVNSbDb') && agent)
      add(
        'LINT_SERVICES',
        ['spec', 'services', index],
        `${name} has no use on bare metal`,
        'leave it out of new clusters; the list of one that is there can never be changed',
        'info',
      );
    if ((type === 'None' || type === 'S3') && agent)
      add('LINT_SERVICES', path, `${name} cannot be published by ${type}`, 'use Route or NodePort');
    if (type === 'Route' && name === 'APIServer' && !textAt(service, 'servicePublishingStrategy', 'route', 'hostname'))
      add(
        'LINT_SERVICES',
        path,
        'the API needs a host name to be published by Route',
        'set route.hostname, or use LoadBalancer',
      );
    if (type === 'NodePort' && valueAt(service, 'servicePublishingStrategy', 'nodePort') === undefined)
      add('LINT_SERVICES', path, 'nodePort is missing', 'set nodePort.address');
    const address = textAt(service, 'servicePublishingStrategy', 'nodePort', 'address');
    if (address?.startsWith('['))
      add(
        'LINT_SERVICES',
        [...path, 'nodePort', 'address'],
        `${address} is in brackets`,
        'write the IPv6 address without brackets',
      );
    if (address !== undefined && /^\d+\.\d+\.\d+\.\d+$/.test(address) && !isAddress(address))
      add(
        'LINT_SERVICES',
        [...path, 'nodePort', 'address'],
        `${address} is not an address`,
        'write an address or a host name',
      );
    const host =
      textAt(service, 'servicePublishingStrategy', 'route', 'hostname') ??
      textAt(service, 'servicePublishingStrategy', 'loadBalancer', 'hostname');
    if (host !== undefined && hosts.has(host))
      add('LINT_SERVICES', path, `host name ${host} is used twice`, 'give every service its own name');
    if (host !== undefined) hosts.add(host);
  });
}

function lintNetworking(value: unknown, add: AddFault): void {
  const lists = ['clusterNetwork', 'serviceNetwork', 'machineNetwork'] as const;
  const found: { readonly prefix: IpPrefix; readonly path: FieldPath }[] = [];
  const primary = new Map<string, number>();
  for (const list of lists)
    listAt(value, 'spec', 'networking', list).forEach((entry, index) => {
      const text = textAt(entry, 'cidr');
      const path: FieldPath = ['spec', 'networking', list, index, 'cidr'];
      if (text === undefined) return;
      let prefix: IpPrefix;
      try {
        prefix = parseIpPrefix(text);
      } catch {
        add(
          'LINT_NETWORK',
          path,
          `${text} is no address prefix`,
          'correct it: one such object stops the operator for every cluster',
        );
        return;
      }
      const network = findNetwork(text);
      if (network !== undefined)
        add(
          'LINT_NETWORK',
          path,
          `${text} is an address in a network; the network is ${network}`,
          `write ${network}: the API server takes both, and neither can be changed later`,
          'warning',
        );
      if (index === 0) primary.set(list, prefix.family);
      for (const other of found)
        if (overlaps(prefix, other.prefix))
          add(
            'LINT_NETWORK',
            path,
            `${text} overlaps ${other.prefix.text} (${other.path.slice(2, 4).join(' ')})`,
            'use prefixes that are apart: they can never be changed',
          );
      found.push({ prefix, path });
    });
  if (new Set(primary.values()).size > 1)
    add(
      'LINT_NETWORK',
      ['spec', 'networking'],
      'the first entries of the network lists are of different families',
      'put the primary family first in every list',
    );
  const machine = new Set(found.filter(({ path }) => path[2] === 'machineNetwork').map(({ prefix }) => prefix.family));
  const cluster = new Set(found.filter(({ path }) => path[2] === 'clusterNetwork').map(({ prefix }) => prefix.family));
  if (machine.size > 0 && cluster.size > 0 && [...machine].some((family) => !cluster.has(family)))
    add(
      'LINT_NETWORK',
      ['spec', 'networking', 'clusterNetwork'],
      'the pod network lacks a family of the machine network',
      'set every list for each family: what is left out is IPv4',
      'warning',
    );
}

function overlaps(a: IpPrefix, b: IpPrefix): boolean {
  return prefixContains(a, b.address) || prefixContains(b, a.address);
}

function isAddress(text: string): boolean {
  try {
    return ipBytes(text).length > 0;
  } catch {
    return false;
  }
}

/** What follows the host of a source. */
function pathOf(source: string): string {
  return source.split('/').slice(1).join('/');
}
