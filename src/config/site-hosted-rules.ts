import { findBmcFault } from './bmc-address.ts';
import type { Faults } from './faults.ts';
import type { ConfigPath } from './node.ts';
import type { Host, HostedCluster, NodePool, Site } from './site.ts';
import { checkNetworks } from './site-network-rules.ts';
import { checkImagePolicy, checkProxy } from './site-policy-rules.ts';

/** What a cluster has records for itself. */
export const reservedNames: readonly string[] = ['api', 'api-int', 'apps'];

/** Hosted clusters, their pools and hosts: what the API server would take and the operators would not. */
export function checkHostedClusters(site: Site, faults: Faults): void {
  const clusters = site.hostedClusters;
  const list: ConfigPath = ['spec', 'hostedClusters'];
  checkDistinct(
    clusters.map(({ name }) => name),
    (index) => [...list, index, 'name'],
    'hosted cluster',
    faults,
  );
  if (clusters.length > 0 && !/(?:^|\.)[a-z]{2,}$/.test(site.baseDomain))
    faults.error(
      'CONFIG_VALUE',
      ['spec', 'baseDomain'],
      'has to end in a label of two letters or more, for hosted clusters',
    );
  const hosts = clusters.flatMap((cluster, number) => hostsOf(cluster, [...list, number]));
  for (const { host, path } of hosts) checkHostName(host, path, faults);
  checkDistinct(
    hosts.map((one) => `${one.namespace}/${one.host.name}`),
    (index) => [...(hosts[index]?.path ?? []), 'name'],
    'host',
    faults,
  );
  checkMacAddresses(hosts, faults);
  clusters.forEach((cluster, index) => {
    checkCluster(site, cluster, [...list, index], faults);
  });
}

interface PlacedHost {
  readonly host: Host;
  readonly namespace: string;
  readonly path: ConfigPath;
}

function checkCapabilities({ capabilities }: HostedCluster, path: ConfigPath, faults: Faults): void {
  const { enabled = [], disabled = [] } = capabilities ?? {};
  disabled.forEach((one, index) => {
    if (enabled.includes(one)) faults.error('CONFIG_CONFLICT', [...path, 'disabled', index], `${one} is enabled too`);
  });
  const ingress = disabled.indexOf('Ingress');
  if (ingress >= 0 && !disabled.includes('Console'))
    faults.error(
      'CONFIG_CONFLICT',
      [...path, 'disabled', ingress],
      'Ingress is disabled without Console',
      'the console needs it: disable both',
    );
}

function hostsOf(cluster: HostedCluster, path: ConfigPath): PlacedHost[] {
  return cluster.nodePools.flatMap((pool, poolIndex) =>
    pool.hosts.map((host, index) => ({
      host,
      namespace: cluster.hostNamespace,
      path: [...path, 'nodePools', poolIndex, 'hosts', index],
    })),
  );
}

function checkHostName(host: Host, path: ConfigPath, faults: Faults): void {
  if (reservedNames.includes(host.name))
    faults.error(
      'CONFIG_VALUE',
      [...path, 'name'],
      `"${host.name}" is the name of the cluster's own endpoint`,
      'choose another one',
    );
  if (host.fqdn.length > 63)
    faults.warning(
      'CONFIG_VALUE',
      [...path, 'name'],
      `makes the node name ${host.fqdn}, which is longer than the 63 characters of a node's label`,
      'choose shorter names',
    );
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(host.name))
    faults.error('CONFIG_VALUE', [...path, 'name'], 'a bare-metal host must not have a UUID for a name');
}

function checkMacAddresses(hosts: readonly PlacedHost[], faults: Faults): void {
  const seen = new Map<string, { host: Host; path: ConfigPath }>();
  for (const { host, path } of hosts) {
    const all = [
      { mac: host.macAddress, at: [...path, 'macAddress'] },
      ...(host.interfaces ?? []).map((one, index) => ({
        mac: one.macAddress,
        at: [...path, 'interfaces', index, 'macAddress'],
      })),
    ];
    for (const { mac, at } of all) {
      const other = seen.get(mac);
      if (other && other.host !== host)
        faults.error(
          'CONFIG_DUPLICATE',
          at,
          `${mac} is already the MAC address of host "${other.host.name}", on line ${faults.lineOf(other.path)}`,
        );
      if (!other) seen.set(mac, { host, path: at });
    }
  }
}

function checkCluster(site: Site, cluster: HostedCluster, path: ConfigPath, faults: Faults): void {
  if (cluster.name === site.managementCluster?.name)
    faults.error('CONFIG_DUPLICATE', [...path, 'name'], `"${cluster.name}" is also the name of the management cluster`);
  if (cluster.namespace === cluster.name)
    faults.error(
      'CONFIG_VALUE',
      [...path, 'namespace'],
      "cannot be the hosted cluster's own name",
      'write another, for example clusters',
    );
  if (cluster.controlPlaneNamespace.length > 63)
    faults.error(
      'CONFIG_VALUE',
      [...path, 'name'],
      `makes the namespace "${cluster.controlPlaneNamespace}" longer than 63 characters`,
    );
  if (cluster.routeHosts && cluster.publishing === 'NodePort')
    faults.warning('CONFIG_NO_EFFECT', [...path, 'routeHosts'], 'is only read with publishing LoadBalancer');
  checkNetworks(site, cluster, [...path, 'network'], faults);
  checkCapabilities(cluster, [...path, 'capabilities'], faults);
  checkProxy(cluster.proxy, [...path, 'proxy'], faults);
  checkImagePolicy(cluster.images, [...path, 'images'], faults);
  checkSriov(cluster, path, faults);
  const hosts = cluster.nodePools.flatMap((pool) => pool.hosts).length;
  if (cluster.infrastructureAvailability === 'HighlyAvailable' && hosts < 2)
    faults.warning(
      'CONFIG_CONFLICT',
      [...path, 'infrastructureAvailability'],
      'HighlyAvailable needs two hosts or more',
    );
  checkDistinct(
    cluster.nodePools.map(({ name }) => name),
    (index) => [...path, 'nodePools', index, 'name'],
    'node pool',
    faults,
  );
  cluster.nodePools.forEach((pool, index) => {
    checkPool(cluster, pool, [...path, 'nodePools', index], faults);
  });
}

function checkPool(cluster: HostedCluster, pool: NodePool, path: ConfigPath, faults: Faults): void {
  if (pool.architecture === 's390x')
    faults.error(
      'CONFIG_VALUE',
      [...path, 'architecture'],
      'node pools of bare-metal hosts take amd64, arm64 and ppc64le only',
    );
  if (pool.architecture !== cluster.architecture)
    faults.warning(
      'CONFIG_CONFLICT',
      [...path, 'architecture'],
      `differs from the cluster's ${cluster.architecture}: the release has to be mirrored as "multi"`,
    );
  const { autoScaling } = pool;
  if (autoScaling && autoScaling.max < autoScaling.min)
    faults.error('CONFIG_CONFLICT', [...path, 'autoScaling'], `max ${autoScaling.max} is below min ${autoScaling.min}`);
  const wanted = autoScaling?.min ?? pool.replicas ?? 0;
  if (wanted > pool.hosts.length) {
    const count = pool.hosts.length === 1 ? 'one host' : `${pool.hosts.length} hosts`;
    faults.warning(
      'CONFIG_CONFLICT',
      [...path, autoScaling ? 'autoScaling' : 'replicas'],
      `asks for ${wanted} nodes, but lists ${count}`,
    );
  }
  pool.hosts.forEach((host, index) => {
    const at = [...path, 'hosts', index];
    const fault = findBmcFault(host.bmc.address);
    if (fault) faults.error('CONFIG_VALUE', [...at, 'bmc', 'address'], fault.message, fault.hint);
    if (host.interfaces && host.nmstate === undefined)
      faults.warning('CONFIG_NO_EFFECT', [...at, 'interfaces'], 'is only read together with nmstate');
  });
}

function checkSriov(cluster: HostedCluster, path: ConfigPath, faults: Faults): void {
  const resources = cluster.sriov?.policies.map((policy) => policy.resourceName) ?? [];
  cluster.sriov?.networks.forEach((network, index) => {
    if (!resources.includes(network.resourceName))
      faults.error(
        'CONFIG_MISSING',
        [...path, 'sriov', 'networks', index, 'resourceName'],
        `no policy has the resource "${network.resourceName}"`,
      );
  });
}

function checkDistinct(
  names: readonly string[],
  at: (index: number) => ConfigPath,
  what: string,
  faults: Faults,
): void {
  names.forEach((name, index) => {
    const first = names.indexOf(name);
    if (first < index)
      faults.error(
        'CONFIG_DUPLICATE',
        at(index),
        `${what} "${name.replace(/^.*\//, '')}" is already on line ${faults.lineOf(at(first))}`,
        'rename one of the two',
      );
  });
}
