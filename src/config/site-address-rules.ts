import type { IpFamily } from '../core/ip.ts';
import type { Faults } from './faults.ts';
import { type IpRange, rangeContains, toRange } from './ip-range.ts';
import type { ConfigPath } from './node.ts';
import type { HostedCluster, Site } from './site.ts';
import { type AddressUse, hostedUses, listAddressUses } from './site-addresses.ts';
import { familiesOf } from './site-complete.ts';

// Addresses that no service or node can have: unspecified, multicast, link-local.
const unusable = ['0.0.0.0/8', '224.0.0.0/4', '::/128', 'ff00::/8', 'fe80::/10'].map(toRange);

/** Whose address is whose, whether it can be one, and whether the families fit (design §2). */
export function checkAddresses(site: Site, faults: Faults): void {
  const uses = listAddressUses(site);
  const first = new Map<string, AddressUse>();
  for (const use of uses) {
    const other = first.get(use.address);
    if (!other) first.set(use.address, use);
    else if (!mayShare(other, use)) {
      const line = faults.lineOf(other.path);
      faults.error(
        'CONFIG_DUPLICATE',
        use.path,
        `${use.address} is already the address of ${other.what}, on line ${line}`,
      );
    } else if (other.what === use.what && other.path.length === use.path.length) {
      faults.error('CONFIG_DUPLICATE', use.path, `${use.address} is there twice`, 'remove one');
    }
    const range = unusable.find((one) => rangeContains(one, use.bytes));
    if (range)
      faults.error(
        'CONFIG_VALUE',
        use.path,
        `${use.address} cannot be the address of ${use.what}: it lies in ${range.text}`,
      );
  }
  site.hostedClusters.forEach((cluster, index) => {
    checkClusterAddresses(site, cluster, ['spec', 'hostedClusters', index], uses, faults);
  });
  checkReverse(site, uses, faults);
}

/** Services of the bastion may share its addresses; on a single node the VIPs of the management cluster are the node's own. */
function mayShare(a: AddressUse, b: AddressUse): boolean {
  const single = [a.owner, b.owner].includes('hub') && /^node/.test(a.owner === 'hub' ? b.owner : a.owner);
  return a.owner === b.owner || single;
}

function checkClusterAddresses(
  site: Site,
  cluster: HostedCluster,
  path: ConfigPath,
  uses: readonly AddressUse[],
  faults: Faults,
): void {
  const machine = cluster.network.machine.map(toRange);
  for (const use of hostedUses(cluster, Number(path.at(-1)))) {
    if (!isInside(use, machine)) {
      const say = use.owner.startsWith('host') ? 'error' : 'warning';
      faults[say](
        'CONFIG_CONFLICT',
        use.path,
        `${use.address} lies in none of the machine networks (${cluster.network.machine.join(', ')})`,
      );
    }
  }
  const inner = (['cluster', 'service'] as const).flatMap((name) =>
    cluster.network[name].map((text) => ({ name, prefix: toRange(text) })),
  );
  for (const use of uses) {
    const hit = inner.find(({ prefix }) => rangeContains(prefix, use.bytes));
    if (hit)
      faults.error(
        'CONFIG_CONFLICT',
        use.path,
        `${use.address} of ${use.what} lies in the ${hit.name} network ${hit.prefix.text} of ${cluster.name}`,
      );
  }
  checkApiAddresses(cluster, path, faults);
  checkClusterFamilies(site, cluster, path, faults);
}

function checkApiAddresses(cluster: HostedCluster, path: ConfigPath, faults: Faults): void {
  if (cluster.apiAddresses.length === 0) {
    const hint =
      cluster.publishing === 'NodePort'
        ? 'add apiAddresses, or the nodes of the management cluster'
        : 'add apiAddresses: the address that MetalLB gives it';
    faults.error('CONFIG_MISSING', [...path, 'apiAddresses'], `api.${cluster.domain} has no address`, hint);
  }
  const hosts = cluster.nodePools.flatMap((pool) => pool.hosts).flatMap((host) => host.addresses);
  cluster.apiAddresses.forEach((address, index) => {
    if (cluster.publishing === 'NodePort' && hosts.includes(address)) {
      const message = `${address} is a host of the hosted cluster, but its API answers on nodes of the management cluster`;
      faults.error(
        'CONFIG_CONFLICT',
        [...path, 'apiAddresses', index],
        message,
        "write the management cluster's nodes",
      );
    }
  });
}

/** Everything that a cluster's hosts talk to needs an address of their families. */
function checkClusterFamilies(site: Site, cluster: HostedCluster, path: ConfigPath, faults: Faults): void {
  const missing = (addresses: readonly string[]): IpFamily[] =>
    cluster.families.filter((family) => !familiesOf(addresses).includes(family));
  const words = (families: readonly IpFamily[]): string => families.map((family) => `IPv${family}`).join(' and ');
  cluster.nodePools.forEach((pool, poolIndex) => {
    pool.hosts.forEach((host, index) => {
      const lacking = missing(host.addresses);
      if (lacking.length > 0)
        faults.error(
          'CONFIG_MISSING',
          [...path, 'nodePools', poolIndex, 'hosts', index, 'addresses'],
          `host "${host.name}" has no ${words(lacking)} address, but its machine network has`,
        );
    });
  });
  const others = [
    { what: 'the registry', addresses: site.registry.addresses, at: ['spec', 'bastion', 'addresses'] },
    { what: `api.${cluster.domain}`, addresses: cluster.apiAddresses, at: [...path, 'apiAddresses'] },
    { what: `*.apps.${cluster.domain}`, addresses: cluster.ingressAddresses, at: [...path, 'ingressVIPs'] },
    {
      what: "the management cluster's ingress",
      addresses: site.managementCluster?.ingressVIPs ?? [],
      at: ['spec', 'managementCluster', 'ingressVIPs'],
    },
  ];
  for (const { what, addresses, at } of others) {
    const lacking = missing(addresses);
    if (addresses.length === 0 || lacking.length === 0) continue;
    // One family in common is enough to get through; none is not. The dual-stack trap of §4.4: A without AAAA.
    const say = lacking.length === cluster.families.length ? 'error' : 'warning';
    faults[say](
      'CONFIG_MISSING',
      at,
      `${what} has no ${words(lacking)} address, but hosted cluster "${cluster.name}" uses ${words(cluster.families)}`,
    );
  }
}

/** Explicit prefixes should hold every node's address, as nodes take their names from PTR records (§4.2). */
function checkReverse(site: Site, uses: readonly AddressUse[], faults: Faults): void {
  const prefixes = site.dns.reverse.map(toRange);
  if (prefixes.length === 0) return;
  const node = uses.find((use) => /^(?:node|host) /.test(use.what) && !isInside(use, prefixes));
  if (node)
    faults.warning(
      'CONFIG_MISSING',
      ['spec', 'dns', 'reverse'],
      `holds no prefix for ${node.address} of ${node.what}: it gets no PTR record`,
      'add one, or leave "reverse" out',
    );
}

function isInside(use: AddressUse, ranges: readonly IpRange[]): boolean {
  return ranges.some((range) => rangeContains(range, use.bytes));
}
