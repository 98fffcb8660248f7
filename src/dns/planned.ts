import { type DomainName, isWildcard, joinLabels, nameLabels, parentName } from './name.ts';
import { findRRset, type Zone } from './zone.ts';

/** A name that has to be answered, with everything that it has to be answered with; a family without addresses is empty. */
export interface PlannedName {
  /** For a wildcard a made-up label under it. */
  readonly name: DomainName;
  readonly addresses: Readonly<Record<'A' | 'AAAA', readonly string[]>>;
}

/** A reverse name (`10.2.0.192.in-addr.arpa`) and the names that it leads to. */
export interface PlannedPointer {
  readonly name: DomainName;
  readonly values: readonly string[];
}

/** Every name of a zone that has addresses, each once. */
export function plannedNames(zone: Zone): PlannedName[] {
  const owners = new Set(zone.rrsets.filter(({ type }) => type === 'A' || type === 'AAAA').map(({ name }) => name));
  return [...owners].map((owner) => ({
    name: isWildcard(owner) ? joinLabels(['airlock-probe', ...nameLabels(parentName(owner))]) : owner,
    addresses: { A: valuesOf(zone, owner, 'A'), AAAA: valuesOf(zone, owner, 'AAAA') },
  }));
}

export function plannedPointers(zone: Zone): PlannedPointer[] {
  return zone.rrsets.flatMap((rrset) => (rrset.type === 'PTR' ? [{ name: rrset.name, values: rrset.values }] : []));
}

function valuesOf(zone: Zone, name: DomainName, type: 'A' | 'AAAA'): readonly string[] {
  return findRRset(zone, name, type)?.values ?? [];
}
