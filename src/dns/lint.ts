import type { Finding } from '../core/findings.ts';
import { buildZones } from './build.ts';
import { planNames } from './forward.ts';
import type { ZoneInput } from './input.ts';
import { addressFindings } from './lint-addresses.ts';
import { clusterFindings } from './lint-clusters.ts';
import { lintZones } from './lint-zones.ts';
import { findMustNotResolve } from './must-not-resolve.ts';
import { type DomainName, isWithin, nameLabels, parseDomainName } from './name.ts';
import type { Zone } from './zone.ts';
import { findIndexedZone, findNode, indexZones } from './zone-index.ts';

/**
 * What is wrong, or will be a trap, in a site's naming plan and in the zones that follow from it. Codes are in `docs/dns.md`.
 * @throws AirlockError DNS_NAME_INVALID, ADDRESS_INVALID for input of which no zones can be made
 * @see hosted-clusters-disconnected §4.4
 */
export function lintZoneInput(input: ZoneInput): Finding[] {
  const zones = buildZones(input);
  const all = [
    ...baseDomainFindings(input),
    ...clusterFindings(input),
    ...addressFindings(input),
    ...sharedNameFindings(input),
    ...searchFindings(input, zones),
    ...lintZones(zones),
  ];
  // The plan and the zones that follow from it may show one fault twice; the plan's hint is the better one.
  const first = new Map([...all].reverse().map((finding) => [`${finding.code} ${finding.subject}`, finding]));
  return all.filter((finding) => first.get(`${finding.code} ${finding.subject}`) === finding);
}

function baseDomainFindings(input: ZoneInput): Finding[] {
  const base = parseDomainName(input.baseDomain);
  const labels = nameLabels(base);
  const last = labels.at(-1) ?? '';
  if (isWithin(base, parseDomainName('cluster.local')) || isWithin(base, parseDomainName('svc')))
    return [
      {
        code: 'DNS_BASE_DOMAIN_RESERVED',
        severity: 'error',
        subject: base,
        message: 'lies in the search domains of every pod, which would ask the cluster and never the site',
        hint: 'choose another baseDomain',
      },
    ];
  if (last === 'local')
    return [
      {
        code: 'DNS_BASE_DOMAIN_LOCAL',
        severity: 'warning',
        subject: base,
        message: 'ends in .local, which many hosts ask by multicast and never from a server (RFC 6762)',
        hint: 'choose a domain of the organisation, or one below home.arpa or internal',
      },
    ];
  if (labels.length === 1)
    return [
      {
        code: 'DNS_BASE_DOMAIN_SINGLE_LABEL',
        severity: 'warning',
        subject: base,
        message: 'has one label; some resolvers send such names nowhere, and no public CA or search list accepts them',
      },
    ];
  return [];
}

/** One name for two things with other addresses: who asks for one of them gets the other half of the time. */
function sharedNameFindings(input: ZoneInput): Finding[] {
  const first = new Map<DomainName, string>();
  return planNames(input).flatMap((one): Finding[] => {
    const addresses = [...one.addresses].sort().join(', ');
    const other = first.get(one.name) ?? addresses;
    first.set(one.name, other);
    if (other === addresses) return [];
    return [
      {
        code: 'DNS_NAME_SHARED',
        severity: 'warning',
        subject: one.name,
        message: `is planned twice, with ${other} and with ${addresses}; it gets them all`,
        hint: 'give the two different names, or the same addresses',
      },
    ];
  });
}

/** Names that the plan itself would answer although nobody means them. */
function searchFindings(input: ZoneInput, zones: readonly Zone[]): Finding[] {
  const table = indexZones(zones);
  return findMustNotResolve(input).flatMap(({ name, why }): Finding[] => {
    const zone = findIndexedZone(table, nameLabels(name));
    const node = zone && findNode(zone, name);
    if (!node?.has('A') && !node?.has('AAAA')) return [];
    return [
      { code: 'DNS_MUST_NOT_RESOLVE', severity: 'error', subject: name, message: `would have an address: ${why}` },
    ];
  });
}
