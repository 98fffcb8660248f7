import { AirlockError } from '../core/errors.ts';
import { compareNames, type DomainName, isWithin } from './name.ts';
import { type RecordType, type RRset, recordTexts, recordTypes, type SoaValue } from './rrset.ts';

/** One zone: its apex, start of authority, and every other RRset, sorted by name and type. */
export interface Zone {
  readonly name: DomainName;
  readonly soa: SoaValue;
  /** Of the SOA record and of the zone file's `$TTL`. */
  readonly ttlSeconds: number;
  readonly rrsets: readonly RRset[];
}

/**
 * Puts RRsets into a zone: those of one name and type are merged, all are sorted.
 * @throws AirlockError DNS_ZONE_INVALID when a name lies outside, a CNAME has company, or the apex has no name server
 */
export function assembleZone(name: DomainName, soa: SoaValue, ttlSeconds: number, rrsets: readonly RRset[]): Zone {
  const merged = mergeRRsets(rrsets);
  for (const rrset of merged) assertFits(name, rrset, merged);
  if (!merged.some((rrset) => rrset.name === name && rrset.type === 'NS'))
    throw new AirlockError('DNS_ZONE_INVALID', `zone ${name} has no name server`);
  return { name, soa, ttlSeconds, rrsets: merged };
}

/** The RRset of a name and type in a zone, undefined where there is none. The SOA is not among them. */
export function findRRset<T extends RecordType>(zone: Zone, name: DomainName, type: T): RRset<T> | undefined {
  const isWanted = (rrset: RRset): rrset is RRset<T> & RRset => rrset.name === name && rrset.type === type;
  return zone.rrsets.find(isWanted);
}

/** The zone that holds a name: the longest of those at or above it. */
export function findZone(zones: readonly Zone[], name: DomainName): Zone | undefined {
  return zones
    .filter((zone) => isWithin(name, zone.name))
    .reduce<Zone | undefined>((best, zone) => (best && best.name.length >= zone.name.length ? best : zone), undefined);
}

function mergeRRsets(rrsets: readonly RRset[]): RRset[] {
  const byKey = new Map<string, RRset>();
  for (const rrset of rrsets) {
    const key = `${rrset.name} ${rrset.type}`;
    const held = byKey.get(key);
    byKey.set(key, held ? withValues(held, [...held.values, ...rrset.values]) : rrset);
  }
  return [...byKey.values()].map((rrset) => withValues(rrset, rrset.values)).sort(compareRRsets);
}

/** The same set with other values, double ones dropped (RFC 2181 §5: a set has no doubles). */
function withValues(rrset: RRset, values: readonly unknown[]): RRset {
  const all = { ...rrset, values } as RRset;
  const texts = recordTexts(all);
  return { ...all, values: values.filter((_, index) => texts.indexOf(texts[index] ?? '') === index) } as RRset;
}

function compareRRsets(a: RRset, b: RRset): number {
  return compareNames(a.name, b.name) || recordTypes.indexOf(a.type) - recordTypes.indexOf(b.type);
}

function assertFits(zone: DomainName, rrset: RRset, all: readonly RRset[]): void {
  if (!isWithin(rrset.name, zone)) throw new AirlockError('DNS_ZONE_INVALID', `${rrset.name} lies outside ${zone}`);
  if (rrset.type === 'SOA') throw new AirlockError('DNS_ZONE_INVALID', `${rrset.name}: the SOA is a field of the zone`);
  if (rrset.type !== 'CNAME') return;
  const alone = rrset.values.length === 1 && !all.some((other) => other !== rrset && other.name === rrset.name);
  if (!alone || rrset.name === zone)
    throw new AirlockError('DNS_ZONE_INVALID', `${rrset.name} has a CNAME beside other records`, {
      hint: 'a CNAME stands alone at its name (RFC 1034 §3.6.2)',
    });
}
