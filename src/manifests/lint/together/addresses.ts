import { findIpFamily, ipBytes, parseIp, parseIpPrefix, prefixContains } from '../../../core/ip.ts';
import { type FieldPath, type LintedObject, listAt, textAt, valueAt } from '../faults.ts';
import type { ObjectSet } from './object-set.ts';

/** Addresses and ports that two objects of the set claim. */
export function lintAddresses(set: ObjectSet): void {
  lintPoolsAgainstHosts(set);
  lintFixedPorts(set);
}

/** The static addresses of an NMStateConfig, in their short spelling. */
export function staticAddresses({ value }: LintedObject): { readonly path: FieldPath; readonly address: string }[] {
  const at: FieldPath = ['spec', 'config', 'interfaces'];
  return listAt(value, ...at).flatMap((_, index) =>
    ['ipv4', 'ipv6'].flatMap((family) => {
      const list: FieldPath = [...at, index, family, 'address'];
      return listAt(value, ...list).flatMap((one, position) => {
        const text = textAt(one, 'ip');
        if (text === undefined || findIpFamily(text) === undefined) return [];
        return [{ path: [...list, position, 'ip'], address: parseIp(text).text }];
      });
    }),
  );
}

/** Pools of MetalLB that give away what a host has. */
function lintPoolsAgainstHosts(set: ObjectSet): void {
  const hosts = set
    .of('NMStateConfig')
    .flatMap(({ object }) => staticAddresses(object).map(({ address }) => ({ address, host: object.name })));
  for (const { object, add } of set.of('IPAddressPool'))
    for (const [index, entry] of listAt(object.value, 'spec', 'addresses').entries()) {
      const taken = hosts.find(({ address }) => typeof entry === 'string' && holdsAddress(entry, address));
      if (taken)
        add(
          'LINT_ADDRESS_POOL',
          ['spec', 'addresses', index],
          `${entry} holds ${taken.address}, which NMStateConfig ${taken.host} gives to a host`,
          'keep addresses of hosts out of the pool',
        );
    }
}

/** Whether `first-last` or a prefix holds the address; false for what is neither, which has a rule of its own. */
function holdsAddress(entry: string, address: string): boolean {
  const [first = '', last] = entry.split('-').map((part) => part.trim());
  if (last !== undefined) {
    const ends = [first, last].map((end) => findIpFamily(end));
    if (ends.some((family) => family !== findIpFamily(address))) return false;
    const [low, high, one] = [first, last, address].map((text) => Buffer.from(ipBytes(text)));
    return (
      low !== undefined && high !== undefined && one !== undefined && low.compare(one) <= 0 && one.compare(high) <= 0
    );
  }
  try {
    return prefixContains(parseIpPrefix(entry), parseIp(address));
  } catch {
    return false;
  }
}

/** A NodePort that two services of hosted clusters ask for: all of them are opened on the nodes of one management cluster. */
function lintFixedPorts(set: ObjectSet): void {
  const owners = new Map<number, string>();
  for (const { object, add } of set.of('HostedCluster'))
    listAt(object.value, 'spec', 'services').forEach((service, index) => {
      const path: FieldPath = ['spec', 'services', index, 'servicePublishingStrategy', 'nodePort', 'port'];
      const port = valueAt(object.value, ...path);
      if (typeof port !== 'number' || port === 0) return;
      const owner = `${object.namespace ?? ''}/${object.name} ${textAt(service, 'service') ?? ''}`;
      const other = owners.get(port);
      if (other !== undefined && other !== owner)
        add('LINT_SERVICES', path, `port ${port} belongs to ${other} already`, 'give every service its own port');
      owners.set(port, other ?? owner);
    });
}
