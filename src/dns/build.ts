import { parseIp, prefixContains } from '../core/ip.ts';
import { clusterDomain, type PlannedName, planNames } from './forward.ts';
import type { ZoneInput } from './input.ts';
import { compareNames, type DomainName, isWithin, parentName, parseDomainName, qualifyName } from './name.ts';
import { classlessName, type ReverseZone, reverseName, reverseZones } from './reverse.ts';
import { addressRRsets, type RRset, type SoaValue } from './rrset.ts';
import { assembleZone, type Zone } from './zone.ts';

/**
 * The site's zones, forward ones first, each group in canonical order; same input, same zones. What lies in the base domain goes into one
 * zone; a cluster or host elsewhere gets a zone of exactly its own name, so that nothing of a foreign domain is hidden.
 * @throws AirlockError DNS_NAME_INVALID, ADDRESS_INVALID, DNS_ZONE_INVALID
 * @see hosted-clusters-disconnected §4.1, §4.2
 */
export function buildZones(input: ZoneInput): Zone[] {
  const names = planNames(input);
  return [...forwardZones(input, names), ...allReverseZones(input, names)];
}

function forwardZones(input: ZoneInput, names: readonly PlannedName[]): Zone[] {
  const base = parseDomainName(input.baseDomain);
  const clusters = [...(input.managementCluster ? [input.managementCluster] : []), ...input.hostedClusters];
  const known = [
    base,
    ...clusters.map((cluster) => clusterDomain(cluster, base)).filter((one) => !isWithin(one, base)),
  ];
  const lonely = names.map((one) => one.name).filter((name) => !known.some((zone) => isWithin(name, zone)));
  const zoneNames = [...new Set([...known, ...lonely])].sort(compareNames);
  return zoneNames.map((zone) => {
    const own = names.filter((one) => owningZone(one.name, zoneNames) === zone);
    const rrsets = own.flatMap((one) => addressRRsets(one.name, one.addresses, input.ttlSeconds));
    return zoneOf(input, zone, [...rrsets, ...delegations(input, zone, zoneNames)]);
  });
}

function allReverseZones(input: ZoneInput, names: readonly PlannedName[]): Zone[] {
  const zones = new Map(input.reverse.flatMap(reverseZones).map((zone) => [zone.name, zone]));
  const zoneNames = [...zones.keys()].sort(compareNames);
  const pointers = pointerTargets(names);
  return zoneNames.flatMap((name) => {
    const zone = zones.get(name);
    if (!zone) return [];
    const rrsets = [...pointers].flatMap(([address, target]) =>
      pointerOwner(address, zone, zoneNames).map(
        (owner): RRset => ({ name: owner, type: 'PTR', ttlSeconds: input.ttlSeconds, values: [target] }),
      ),
    );
    return [zoneOf(input, name, [...rrsets, ...delegations(input, name, zoneNames)])];
  });
}

/** One name per address: the first that claims it. */
function pointerTargets(names: readonly PlannedName[]): Map<string, DomainName> {
  const targets = new Map<string, DomainName>();
  for (const one of names.filter((name) => name.reverse)) {
    for (const address of one.addresses) if (!targets.has(address)) targets.set(address, one.name);
  }
  return targets;
}

function pointerOwner(address: string, zone: ReverseZone, zoneNames: readonly DomainName[]): DomainName[] {
  if (!prefixContains(zone.prefix, parseIp(address))) return [];
  if (zone.classless) return [classlessName(address, zone)];
  const owner = reverseName(address);
  return owningZone(owner, zoneNames) === zone.name ? [owner] : [];
}

/** The NS records by which a zone hands a part of itself to another of ours. */
function delegations(input: ZoneInput, zone: DomainName, zoneNames: readonly DomainName[]): RRset[] {
  return zoneNames
    .filter((child) => child !== zone && owningZone(parentName(child), zoneNames) === zone)
    .map((child) => nameServerSet(input, child));
}

function owningZone(name: DomainName, zoneNames: readonly DomainName[]): DomainName | undefined {
  return zoneNames
    .filter((zone) => isWithin(name, zone))
    .reduce<DomainName | undefined>((best, zone) => (best && best.length >= zone.length ? best : zone), undefined);
}

function nameServerSet(input: ZoneInput, name: DomainName): RRset {
  return { name, type: 'NS', ttlSeconds: input.ttlSeconds, values: nameServerNames(input) };
}

function nameServerNames(input: ZoneInput): DomainName[] {
  return (input.nameServers ?? [input.bastion]).map((host) => qualifyName(host.name, input.baseDomain));
}

function zoneOf(input: ZoneInput, name: DomainName, rrsets: readonly RRset[]): Zone {
  return assembleZone(name, startOfAuthority(input), input.ttlSeconds, [nameServerSet(input, name), ...rrsets]);
}

function startOfAuthority(input: ZoneInput): SoaValue {
  return {
    primary: nameServerNames(input)[0] ?? parseDomainName(input.baseDomain),
    mailbox: qualifyName(input.mailbox ?? 'hostmaster', input.baseDomain),
    serial: input.serial,
    refreshSeconds: 3600,
    retrySeconds: 600,
    expireSeconds: 604_800,
    // A name that is missing today is asked for again soon, while a site is being brought up.
    negativeSeconds: input.ttlSeconds,
  };
}
