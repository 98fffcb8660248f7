import { getServers } from 'node:dns';
import type { Site } from '../../config/index.ts';
import { hostPort } from '../../core/ip.ts';
import type { DnsAddress } from '../../dns/index.ts';
import type { MirrorTarget } from '../../manifests/index.ts';

/** Where the site's clusters find the mirror: the registry's name as they write it, and the namespace below it. */
export function siteTarget(site: Site): MirrorTarget {
  return { registry: site.registry.reference, prefix: site.registry.namespace };
}

/** Base URLs of the web server: plain HTTP first, which image services and BMCs can always read. */
export function webUrls(site: Site): { readonly http: string; readonly https: string } {
  const { host, httpPort, httpsPort } = site.web;
  return { http: `http://${hostPort(host, httpPort)}`, https: `https://${hostPort(host, httpsPort)}` };
}

/** Where the bastion answers for the zones: its own addresses, first family first. */
export function dnsListeners(site: Site): DnsAddress[] {
  return site.bastion.addresses.map((address) => ({ address, port: site.dns.port }));
}

/**
 * Who answers the hosts of the site: the servers that the site file names, else the bastion where it serves, else whom this host asks,
 * since a bastion without a DNS server of its own is a host like the others.
 */
export function dnsServers(site: Site, ownResolvers: readonly string[] = getServers()): DnsAddress[] {
  if (site.dns.servers.length > 0) return site.dns.servers.map((address) => ({ address, port: usualPort }));
  return site.dns.serve ? dnsListeners(site) : ownResolvers.flatMap(parseResolver);
}

const usualPort = 53;

/** As Node gives them: `192.0.2.1`, `2001:db8::1`, with another port `192.0.2.1:1053` and `[2001:db8::1]:1053`. */
function parseResolver(text: string): DnsAddress[] {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? [];
  return [{ address: bracketed ?? plain ?? text, port: port === undefined ? usualPort : Number(port) }];
}
