import { findIpFamily } from '../core/ip.ts';
import type { Faults } from './faults.ts';
import type { ConfigPath } from './node.ts';
import type { IpFailover, Site } from './site.ts';

/** The addresses of an IP failover entry: `192.0.2.60-62` and `192.0.2.60-192.0.2.62` are ranges. undefined when it is neither. */
export function expandVirtualAddresses(text: string): string[] | undefined {
  const [first = '', last] = text.split('-');
  const family = findIpFamily(first);
  if (family === undefined) return undefined;
  if (last === undefined) return [first];
  const dot = first.lastIndexOf('.');
  const end = last.includes('.') ? last.slice(last.lastIndexOf('.') + 1) : last;
  const sameNetwork = !last.includes('.') || last.startsWith(first.slice(0, dot + 1));
  const [low, high] = [Number(first.slice(dot + 1)), Number(end)];
  if (family !== 4 || !sameNetwork || !(low <= high && high <= 255)) return undefined;
  return Array.from({ length: high - low + 1 }, (_, index) => `${first.slice(0, dot)}.${low + index}`);
}

/** VRRP ids of one cluster must not overlap, and there are 255 of them (hosted-clusters-disconnected.md §27). */
export function checkIpFailover(site: Site, faults: Faults): void {
  const groups = [
    { list: site.managementCluster?.ipFailover ?? [], path: ['spec', 'managementCluster', 'ipFailover'] },
    ...site.hostedClusters.map((cluster, index) => ({
      list: cluster.ipFailover,
      path: ['spec', 'hostedClusters', index, 'ipFailover'],
    })),
  ];
  for (const { list, path } of groups) checkGroup(list, path, faults);
}

function checkGroup(list: readonly IpFailover[], path: ConfigPath, faults: Faults): void {
  const used: { low: number; high: number; name: string }[] = [];
  const seen = new Map<string, string>();
  list.forEach((entry, index) => {
    const addresses = entry.virtualAddresses.flatMap((text, at) => {
      const expanded = expandVirtualAddresses(text);
      if (!expanded)
        faults.error(
          'CONFIG_VALUE',
          [...path, index, 'virtualAddresses', at],
          `"${text}" is neither an address nor a range`,
          'for example 192.0.2.60-62',
        );
      for (const address of expanded ?? []) {
        const other = seen.get(address);
        if (other !== undefined)
          faults.error(
            'CONFIG_DUPLICATE',
            [...path, index, 'virtualAddresses', at],
            `${address} is already held by "${other}"`,
          );
        seen.set(address, entry.name);
      }
      return expanded ?? [];
    });
    const ids = entry.groups ?? addresses.length;
    if (entry.groups === undefined && addresses.length > 254)
      faults.error(
        'CONFIG_MISSING',
        [...path, index],
        `${addresses.length} addresses are more than 254 VRRP ids`,
        'add groups',
      );
    const range = { low: entry.vrrpIdOffset + 1, high: entry.vrrpIdOffset + ids, name: entry.name };
    const at = [...path, index, 'vrrpIdOffset'];
    if (range.high > 255 && addresses.length <= 254)
      faults.error(
        'CONFIG_VALUE',
        at,
        `VRRP ids ${range.low} to ${range.high} go beyond 255`,
        'choose a lower offset, or fewer groups',
      );
    const other = used.find((one) => one.low <= range.high && range.low <= one.high);
    if (other)
      faults.error(
        'CONFIG_CONFLICT',
        at,
        `VRRP ids ${range.low} to ${range.high} overlap those of "${other.name}" (${other.low} to ${other.high})`,
        `write an offset of ${Math.max(...used.map((one) => one.high))} or more`,
      );
    used.push(range);
  });
}
