import { ipBytes } from '../core/ip.ts';
import type { WritableRRset } from './message-writer.ts';
import { type DomainName, isWithin, joinLabels, nameLabels, parentName } from './name.ts';
import type { RecordType, RRset } from './rrset.ts';
import type { Zone } from './zone.ts';

/** The RRsets of one name, by type. Empty for a name that exists only because others lie below it (RFC 8020). */
export type ZoneNode = ReadonlyMap<RecordType, WritableRRset>;

/** A zone laid out for look-ups. */
export interface IndexedZone {
  readonly name: DomainName;
  readonly nodes: ReadonlyMap<DomainName, ZoneNode>;
  /** Apex of another zone: everything there and below is not ours to answer. */
  readonly cuts: ReadonlySet<DomainName>;
  /** For negative answers: its TTL is already the smaller of the two of RFC 2308 §3. */
  readonly negative: RRset;
}

/** All zones of a server, by apex. */
export type ZoneTable = ReadonlyMap<DomainName, IndexedZone>;

/** Lays zones out for look-ups; the last of two with one name wins. */
export function indexZones(zones: readonly Zone[]): ZoneTable {
  return new Map(zones.map((zone) => [zone.name, indexZone(zone)]));
}

/** The closest zone at or above a name; `above` leaves out a zone of exactly this name. */
export function findIndexedZone(table: ZoneTable, labels: readonly string[], above = false): IndexedZone | undefined {
  for (let i = above ? 1 : 0; i <= labels.length; i += 1) {
    const zone = table.get(joinLabels(labels.slice(i)));
    if (zone) return zone;
  }
  return undefined;
}

/** The topmost cut at or above a name inside a zone. */
export function findCut(zone: IndexedZone, name: DomainName): DomainName | undefined {
  if (zone.cuts.size === 0) return undefined;
  let found: DomainName | undefined;
  for (let at = name; at !== zone.name && at !== ''; at = parentName(at)) if (zone.cuts.has(at)) found = at;
  return found;
}

/** The node that answers for a name: its own, or that of the wildcard at its closest encloser (RFC 4592 §3.3.1); undefined: no such name. */
export function findNode(zone: IndexedZone, name: DomainName): ZoneNode | undefined {
  const own = zone.nodes.get(name);
  if (own) return own;
  let encloser = parentName(name);
  while (!zone.nodes.has(encloser) && encloser !== zone.name && encloser !== '') encloser = parentName(encloser);
  return zone.nodes.get(joinLabels(['*', ...nameLabels(encloser)]));
}

function indexZone(zone: Zone): IndexedZone {
  const soa: RRset = { name: zone.name, type: 'SOA', ttlSeconds: zone.ttlSeconds, values: [zone.soa] };
  const nodes = new Map<DomainName, Map<RecordType, WritableRRset>>();
  for (const rrset of [soa, ...zone.rrsets]) {
    // Every name between the owner and the apex exists too, if only as an empty non-terminal.
    for (let at = rrset.name; isWithin(at, zone.name); at = parentName(at)) {
      if (!nodes.has(at)) nodes.set(at, new Map());
      if (at === zone.name) break;
    }
    nodes.get(rrset.name)?.set(rrset.type, withAddressBytes(rrset));
  }
  const cuts = zone.rrsets
    .filter((rrset) => rrset.type === 'NS' && rrset.name !== zone.name)
    .map((rrset) => rrset.name);
  const negative = { ...soa, ttlSeconds: Math.min(zone.ttlSeconds, zone.soa.negativeSeconds) };
  return { name: zone.name, nodes, cuts: new Set(cuts), negative };
}

function withAddressBytes(rrset: RRset): WritableRRset {
  return rrset.type === 'A' || rrset.type === 'AAAA' ? { ...rrset, addressBytes: rrset.values.map(ipBytes) } : rrset;
}
