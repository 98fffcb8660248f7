import { findIpFamily } from '../../core/ip.ts';
import { isWildcard, parentName } from '../name.ts';
import type { RRset } from '../rrset.ts';
import type { DnsAddress } from '../server.ts';
import type { Zone } from '../zone.ts';

/** A DHCP reservation. */
export interface DhcpHost {
  readonly macAddress: string;
  readonly name: string;
  readonly addresses: readonly string[];
}

export interface DnsmasqOptions {
  /** Empty or left out: what dnsmasq does by itself (every interface, port 53). All have to share one port. */
  readonly listen?: readonly DnsAddress[];
  /** Addresses that are asked about everything else; none: foreign names are refused. */
  readonly forwarders?: readonly string[];
  readonly dhcpHosts?: readonly DhcpHost[];
}

/**
 * A dnsmasq 2.86+ configuration with the same names and addresses. Unlike a BIND wildcard its `address=` answers for the wildcard's parent
 * too; everything else agrees.
 * @see hosted-clusters-disconnected §4.3
 */
export function renderDnsmasq(zones: readonly Zone[], options: DnsmasqOptions = {}): string {
  const rrsets = zones.flatMap((zone) => zone.rrsets);
  const lines = [
    '# the host itself: only what is said here',
    'no-hosts',
    'no-resolv',
    'domain-needed',
    ...listenLines(options.listen ?? []),
    ...(options.forwarders ?? []).map((address) => `server=${address}`),
    // Without local= a missing name is forwarded, or refused where there is nobody to ask, instead of NXDOMAIN.
    ...zones.map((zone) => `local=/${zone.name}/`),
    ...ttlLines(zones),
    ...pointerLines(rrsets),
    ...rrsets.flatMap(recordLines),
    ...wildcardLocals(rrsets),
    ...(options.dhcpHosts ?? []).map(dhcpLine),
  ];
  return `${lines.join('\n')}\n`;
}

function listenLines(listen: readonly DnsAddress[]): string[] {
  const ports = [...new Set(listen.map((at) => at.port))];
  return [
    ...ports.slice(0, 1).map((port) => `port=${port}`),
    ...listen.map((at) => `listen-address=${at.address}`),
    ...(listen.length > 0 ? ['bind-interfaces'] : []),
  ];
}

function ttlLines(zones: readonly Zone[]): string[] {
  const ttlSeconds = Math.min(...zones.map((zone) => zone.ttlSeconds));
  return Number.isFinite(ttlSeconds) ? [`local-ttl=${ttlSeconds}`, `neg-ttl=${ttlSeconds}`] : [];
}

/** host-record makes PTRs by itself, for whichever name of an address comes first; said outright, no order matters. */
function pointerLines(rrsets: readonly RRset[]): string[] {
  return rrsets.flatMap((rrset) =>
    rrset.type === 'PTR' ? rrset.values.map((target) => `ptr-record=${rrset.name},${target}`) : [],
  );
}

function recordLines(rrset: RRset): string[] {
  switch (rrset.type) {
    case 'A':
    case 'AAAA':
      // Two addresses of one family on one line: dnsmasq keeps the last, silently. So one line each.
      return rrset.values.map((address) =>
        isWildcard(rrset.name)
          ? `address=/${parentName(rrset.name)}/${address}`
          : `host-record=${rrset.name},${address}`,
      );
    case 'CNAME':
      return rrset.values.map((target) => `cname=${rrset.name},${target}`);
    case 'SRV':
      return rrset.values.map(
        (srv) => `srv-host=${rrset.name},${srv.target},${srv.port},${srv.priority},${srv.weight}`,
      );
    case 'TXT':
      return rrset.values.map((text) => `txt-record=${rrset.name},"${text.replace(/["\\]/g, '\\$&')}"`);
    default:
      return [];
  }
}

/** With it a wildcard of one family gives the right empty answer for the other; without it NXDOMAIN, or the upstream's answer. */
function wildcardLocals(rrsets: readonly RRset[]): string[] {
  const parents = rrsets.filter((rrset) => isWildcard(rrset.name)).map((rrset) => parentName(rrset.name));
  return [...new Set(parents)].map((parent) => `local=/${parent}/`);
}

function dhcpLine(host: DhcpHost): string {
  const addresses = host.addresses.map((address) => (findIpFamily(address) === 6 ? `[${address}]` : address));
  return `dhcp-host=${[host.macAddress, host.name, ...addresses].join(',')}`;
}
