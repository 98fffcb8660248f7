import type { Site } from '../../config/index.ts';
import { hostPort } from '../../core/ip.ts';
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

/** Where the site's DNS is asked: the bastion's own addresses, first family first. */
export function dnsServers(site: Site): { readonly address: string; readonly port: number }[] {
  return site.bastion.addresses.map((address) => ({ address, port: site.dns.port }));
}
