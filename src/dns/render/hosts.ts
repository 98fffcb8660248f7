import { type DomainName, isWildcard, nameLabels, parentName } from '../name.ts';
import type { Zone } from '../zone.ts';

/** Routes that every cluster, or the assisted service on the management cluster, has below `*.apps`. */
const knownRoutes = [
  'assisted-image-service-multicluster-engine',
  'assisted-service-multicluster-engine',
  'canary-openshift-ingress-canary',
  'console-openshift-console',
  'downloads-openshift-console',
  'oauth-openshift',
];

/**
 * Lines for a hosts file, for tests and for hosts without a resolver. A hosts file has no wildcards (a `*` line is ignored silently), so
 * each is written out as `routes` below it.
 */
export function renderHosts(zones: readonly Zone[], routes: readonly string[] = knownRoutes): string {
  const pointers = new Set(
    zones.flatMap((zone) => zone.rrsets.flatMap((rrset) => (rrset.type === 'PTR' ? rrset.values : []))),
  );
  const byAddress = new Map<string, DomainName[]>();
  for (const rrset of zones.flatMap((zone) => zone.rrsets)) {
    if (rrset.type !== 'A' && rrset.type !== 'AAAA') continue;
    const names = isWildcard(rrset.name) ? expand(rrset.name, routes) : [rrset.name];
    for (const address of rrset.values) byAddress.set(address, [...(byAddress.get(address) ?? []), ...names]);
  }
  const lines = [...byAddress].map(([address, names]) => {
    // The first name of a line is what a reverse look-up gives.
    const sorted = [...names.filter((name) => pointers.has(name)), ...names.filter((name) => !pointers.has(name))];
    return `${address} ${sorted.join(' ')}\n`;
  });
  return lines.join('');
}

function expand(wildcard: DomainName, routes: readonly string[]): DomainName[] {
  // Only an application domain has known routes.
  const parent = parentName(wildcard);
  return nameLabels(parent)[0] === 'apps' ? routes.map((route) => `${route}.${parent}` as DomainName) : [];
}
