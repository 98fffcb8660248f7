import type { Finding } from '../core/findings.ts';
import { apiNameFindings } from './lint-api-names.ts';
import { type DomainName, isWildcard, isWithin, nameLabels, parentName } from './name.ts';
import { reverseName } from './reverse.ts';
import type { RRset } from './rrset.ts';
import { findRRset, findZone, type Zone } from './zone.ts';
import { findIndexedZone, findNode, indexZones, type ZoneTable } from './zone-index.ts';

/** Traps in any zones, ours or those of somebody else: wildcards too wide, hidden names, dangling targets, PTRs that lead elsewhere. */
export function lintZones(zones: readonly Zone[]): Finding[] {
  const table = indexZones(zones);
  return zones.flatMap((zone) => [
    ...apiNameFindings(zone),
    ...zone.rrsets.flatMap((rrset) => wildcardFindings(zone, rrset)),
    ...zone.rrsets.flatMap((rrset) => shadowFindings(zone, rrset)),
    ...zone.rrsets.flatMap((rrset) => doubledFindings(zone, rrset)),
    ...zone.rrsets.flatMap((rrset) => targetFindings(table, rrset)),
    ...zone.rrsets.flatMap((rrset) => loopFindings(table, rrset)),
    ...zone.rrsets.flatMap(sizeFindings),
    ...zone.rrsets.flatMap((rrset) => pointerFindings(zones, rrset)),
  ]);
}

/** A wildcard anywhere but below `apps` catches names that are missing, and whatever a search list makes up. */
function wildcardFindings(zone: Zone, rrset: RRset): Finding[] {
  const parent = parentName(rrset.name);
  if (!isWildcard(rrset.name) || nameLabels(parent)[0] === 'apps') return [];
  const covered = zone.rrsets.some((other) => other.name !== rrset.name && isWithin(other.name, parent));
  return [
    {
      code: 'DNS_WILDCARD_WIDE',
      severity: parent === zone.name || covered ? 'error' : 'warning',
      subject: rrset.name,
      message: `answers for every name below ${parent}: a missing api is hidden, and hosts that search ${parent} find any name there`,
      hint: 'put wildcards below an apps label only',
    },
  ];
}

/** An explicit name below a wildcard hides it for every type, and everything below itself (RFC 4592 §2.2.2). */
function shadowFindings(zone: Zone, rrset: RRset): Finding[] {
  if (!isWildcard(rrset.name) || (rrset.type !== 'A' && rrset.type !== 'AAAA')) return [];
  const parent = parentName(rrset.name);
  const below = new Set(
    zone.rrsets
      .filter((other) => isWithin(other.name, parent) && !isWildcard(other.name) && other.name !== parent)
      .map((other) => other.name),
  );
  return [...below].flatMap((name): Finding[] => {
    const direct = parentName(name) === parent;
    if (direct && (findRRset(zone, name, rrset.type) || findRRset(zone, name, 'CNAME'))) return [];
    return [
      {
        code: 'DNS_WILDCARD_HIDDEN',
        severity: direct ? 'error' : 'warning',
        subject: name,
        message: direct
          ? `has no ${rrset.type}, and hides that of ${rrset.name}`
          : `makes the names between it and ${parent} exist, where ${rrset.name} answers no more`,
        hint: direct ? 'give every family for names below a wildcard' : 'use names of one label below a wildcard',
      },
    ];
  });
}

/** `web.lab.example.com` without its final dot loads as `web.lab.example.com.lab.example.com`, and no checker objects. */
function doubledFindings(zone: Zone, rrset: RRset): Finding[] {
  const doubled = (name: DomainName): boolean =>
    zone.name !== '' && isWithin(name, `${zone.name}.${zone.name}` as DomainName);
  const names = [rrset.name, ...targetsOf(rrset)].filter(doubled);
  return names.slice(0, 1).map((name) => ({
    code: 'DNS_NAME_DOUBLED',
    severity: 'error',
    subject: name,
    message: `ends in ${zone.name} twice: it was written without its final dot`,
  }));
}

function targetFindings(table: ZoneTable, rrset: RRset): Finding[] {
  if (rrset.type === 'PTR') return [];
  return targetsOf(rrset).flatMap((target): Finding[] => {
    const zone = findIndexedZone(table, nameLabels(target));
    const node = zone && findNode(zone, target);
    if (!zone || node?.has('A') || node?.has('AAAA') || (rrset.type === 'CNAME' && node?.has('CNAME'))) return [];
    // A classless delegation's CNAME leads to a PTR, not to an address.
    if (rrset.type === 'CNAME' && node && node.size > 0) return [];
    return [
      {
        code: 'DNS_TARGET_MISSING',
        severity: 'error',
        subject: rrset.name,
        message: `has a ${rrset.type} that leads to ${target}, which has no address`,
      },
    ];
  });
}

function loopFindings(table: ZoneTable, rrset: RRset): Finding[] {
  if (rrset.type !== 'CNAME') return [];
  const seen = new Set<DomainName>([rrset.name]);
  for (let at = rrset.values[0]; at !== undefined; ) {
    if (seen.has(at)) {
      const message = `is an alias that comes back to ${at}`;
      return [{ code: 'DNS_ALIAS_LOOP', severity: 'error', subject: rrset.name, message }];
    }
    seen.add(at);
    const zone = findIndexedZone(table, nameLabels(at));
    const next = zone && findNode(zone, at)?.get('CNAME');
    at = next?.type === 'CNAME' ? next.values[0] : undefined;
  }
  return [];
}

/** BIND 9.18.28 and newer refuse a zone with more records of one name and type than this. */
const maxSetSize = 100;

function sizeFindings(rrset: RRset): Finding[] {
  if (rrset.values.length <= maxSetSize) return [];
  return [
    {
      code: 'DNS_SET_TOO_LARGE',
      severity: 'error',
      subject: rrset.name,
      message: `has ${rrset.values.length} ${rrset.type} records, and BIND loads no more than ${maxSetSize}`,
    },
  ];
}

/** A PTR has to lead to a name that leads back. */
function pointerFindings(zones: readonly Zone[], rrset: RRset): Finding[] {
  if (rrset.type !== 'PTR') return [];
  const findings: Finding[] = [];
  if (rrset.values.length > 1)
    findings.push({
      code: 'DNS_PTR_SEVERAL',
      severity: 'warning',
      subject: rrset.name,
      message: `has ${rrset.values.length} names; a host takes any of them for its own`,
    });
  for (const target of rrset.values) {
    const zone = findZone(zones, target);
    const addresses = zone ? [findRRset(zone, target, 'A'), findRRset(zone, target, 'AAAA')] : [];
    const back = addresses.flatMap((set) => set?.values ?? []).some((address) => leadsTo(address, rrset.name));
    if (!zone || back) continue;
    findings.push({
      code: 'DNS_PTR_ONE_WAY',
      severity: 'error',
      subject: rrset.name,
      message: `leads to ${target}, which does not have this address`,
    });
  }
  return findings;
}

/** Whether an address's reverse name is `owner`, or lies at `owner` in a classless zone (`5.0-25.2.0.192.in-addr.arpa`). */
function leadsTo(address: string, owner: DomainName): boolean {
  const labels = nameLabels(owner);
  const withoutZone = [labels[0], ...labels.slice(2)].join('.');
  return [owner, withoutZone].includes(reverseName(address));
}

function targetsOf(rrset: RRset): readonly DomainName[] {
  if (rrset.type === 'NS' || rrset.type === 'CNAME' || rrset.type === 'PTR') return rrset.values;
  return rrset.type === 'SRV' ? rrset.values.map((srv) => srv.target) : [];
}
