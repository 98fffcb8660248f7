import { findNetwork, ipBytes, parseIpPrefix } from '../core/ip.ts';
import type { Faults } from './faults.ts';
import { rangeContains, rangesOverlap, toRange } from './ip-range.ts';
import type { ConfigPath } from './node.ts';
import type { HostedCluster, Site } from './site.ts';
import { familiesOf } from './site-complete.ts';
import { listSiteTexts } from './site-texts.ts';

const lists = ['machine', 'cluster', 'service'] as const;

// Used inside OVN-Kubernetes of a hosted cluster where the site names no others (hosted-clusters-disconnected.md §15.3).
const ovnDefaults = {
  ipv4: { join: '100.64.0.0/16', transit: '100.88.0.0/16' },
  ipv6: { join: 'fd98::/64', transit: 'fd97::/64' },
} as const;
const advertiseAddresses = ['172.20.0.1', 'fd00::1'].map((text) => ({ text, bytes: ipBytes(text) }));

/**
 * Networks of one hosted cluster: one prefix per family in each list, the same families in the same order, nothing overlapping. The API server
 * checks none of this, and the networks cannot be changed later (§15.3).
 */
export function checkNetworks(site: Site, cluster: HostedCluster, path: ConfigPath, faults: Faults): void {
  checkFamilies(cluster, path, faults);
  const all = lists.flatMap((name) =>
    cluster.network[name].map((text, index) => ({
      at: [...path, name, index],
      what: `the ${name} network`,
      prefix: toRange(text),
    })),
  );
  const ovn = ovnPrefixes(cluster, path, faults);
  const hub = (site.managementCluster?.network?.cluster ?? []).map(toRange);
  all.forEach((one, index) => {
    const other = all.slice(0, index).find(({ prefix }) => rangesOverlap(prefix, one.prefix));
    if (other)
      faults.error(
        'CONFIG_CONFLICT',
        one.at,
        `${one.prefix.text} overlaps ${other.what} ${other.prefix.text}`,
        'choose another prefix',
      );
    const inner = ovn.find(({ prefix }) => rangesOverlap(prefix, one.prefix));
    if (inner)
      faults.error(
        'CONFIG_CONFLICT',
        one.at,
        `${one.prefix.text} overlaps ${inner.prefix.text}, which OVN-Kubernetes uses itself`,
        `choose another prefix, or give OVN-Kubernetes another one: ${inner.field}`,
      );
    const advertised = advertiseAddresses.find(({ bytes }) => rangeContains(one.prefix, bytes));
    if (advertised)
      faults.error(
        'CONFIG_CONFLICT',
        one.at,
        `${one.prefix.text} holds ${advertised.text}, where nodes reach their API server`,
      );
    const hubs = hub.find((prefix) => rangesOverlap(prefix, one.prefix));
    if (hubs)
      faults.error(
        'CONFIG_CONFLICT',
        one.at,
        `${one.prefix.text} overlaps the pod network ${hubs.text} of the management cluster`,
      );
  });
  checkPodPrefixes(cluster, path, faults);
  checkPortRange(cluster.network.nodePortRange, [...path, 'nodePortRange'], faults);
}

/**
 * Prefixes with bits beyond their length. The API server takes them everywhere, HyperShift and Go's proxies mean the network by them; only
 * the installer refuses them (LINT_NETWORK of its configuration).
 */
export function checkHostBits(spec: unknown, faults: Faults): void {
  const prefixes = [...listSiteTexts(spec, 'prefix'), ...listSiteTexts(spec, 'proxy exception')];
  for (const { path, text } of prefixes) {
    const network = findNetwork(text);
    if (network !== undefined)
      faults.warning(
        'CONFIG_VALUE',
        ['spec', ...path],
        `${text} is an address in a network; the network is ${network}`,
        `write ${network}: it is taken for that`,
      );
  }
}

/** What OVN-Kubernetes uses itself: prefixes of the right family that are apart, each with its field in the site. */
function ovnPrefixes(
  { network }: HostedCluster,
  path: ConfigPath,
  faults: Faults,
): { readonly prefix: ReturnType<typeof toRange>; readonly field: string }[] {
  const found: { readonly prefix: ReturnType<typeof toRange>; readonly field: string }[] = [];
  for (const family of ['ipv4', 'ipv6'] as const)
    for (const use of ['join', 'transit'] as const) {
      const text = network.ovn?.[family]?.[use];
      const at = [...path, 'ovn', family, use];
      if (text !== undefined && text.includes(':') !== (family === 'ipv6'))
        faults.error('CONFIG_VALUE', at, `${text} is no prefix of this family`);
      const prefix = toRange(text ?? ovnDefaults[family][use]);
      const other = found.find((one) => rangesOverlap(one.prefix, prefix));
      if (other && text !== undefined)
        faults.error('CONFIG_CONFLICT', at, `${text} overlaps ${other.prefix.text} of ${other.field}`);
      found.push({ prefix, field: `network.ovn.${family}.${use}` });
    }
  return found;
}

function checkFamilies(cluster: HostedCluster, path: ConfigPath, faults: Faults): void {
  for (const name of lists) {
    const families = familiesOf(cluster.network[name]);
    if (families.length < cluster.network[name].length) {
      faults.error('CONFIG_VALUE', [...path, name], 'takes one prefix of each family at most');
    } else if (families.join() !== cluster.families.join()) {
      const wanted = cluster.families.map((family) => `IPv${family}`).join(', then ');
      faults.error(
        'CONFIG_CONFLICT',
        [...path, name],
        `has to hold ${wanted}, as machine does`,
        'the first entry of all lists is of the primary family',
      );
    }
  }
  if (cluster.families[0] === 6 && cluster.families.length === 2)
    faults.warning(
      'CONFIG_VALUE',
      [...path, 'machine'],
      'dual stack with IPv6 first is not supported everywhere',
      'list IPv4 first',
    );
}

function checkPodPrefixes(cluster: HostedCluster, path: ConfigPath, faults: Faults): void {
  cluster.network.cluster.forEach((text, index) => {
    const { family, lengthBits } = parseIpPrefix(text);
    const key = family === 4 ? 'ipv4' : 'ipv6';
    const hostBits = cluster.network.hostPrefix[key];
    if (hostBits <= lengthBits)
      faults.error(
        'CONFIG_CONFLICT',
        [...path, 'cluster', index],
        `${text} has no room for the pods of a node, a /${hostBits} each`,
        'write a shorter prefix length',
      );
  });
}

/** Whether `LOW-HIGH` is a range of ports; else a fault. */
export function checkPortRange(range: string, path: ConfigPath, faults: Faults): boolean {
  const [low = 0, high = 0] = range.split('-').map(Number);
  if (low >= 1 && low <= high && high <= 65_535) return true;
  faults.error('CONFIG_VALUE', path, `"${range}" is not a range of ports`, 'for example 30000-32767');
  return false;
}
