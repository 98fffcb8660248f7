import type { HostedCluster, Site, SiteProxy } from '../config/index.ts';

/**
 * What must never go through the proxy: the site's own names, and every address that clusters and hosts talk to. Order is kept, each once.
 * `.domain` covers names below a domain, not the domain itself.
 */
export function noProxyList(site: Site, extra: readonly string[]): string[] {
  const hub = site.managementCluster;
  const clusters = site.hostedClusters;
  const hosts = clusters.flatMap((cluster) => cluster.nodePools.flatMap((pool) => pool.hosts));
  return [
    ...new Set([
      `.${site.baseDomain}`,
      site.registry.host,
      site.web.host,
      ...site.registry.addresses,
      ...site.web.addresses,
      ...(hub
        ? [`.${hub.domain}`, ...hub.apiVIPs, ...hub.ingressVIPs, ...hub.nodes.flatMap((node) => node.addresses)]
        : []),
      ...clusters.flatMap((cluster) => [
        `.${cluster.domain}`,
        ...cluster.network.machine,
        ...cluster.network.cluster,
        ...cluster.network.service,
        ...cluster.apiAddresses,
        ...cluster.ingressAddresses,
      ]),
      ...hosts.map((host) => bmcHost(host.bmc.address)).filter((host) => host !== undefined),
      ...extra,
    ]),
  ];
}

/** The `spec` of `Proxy/cluster`, and of a hosted cluster's proxy. `trustedCA` is a ConfigMap with key `ca-bundle.crt`. */
export function proxySpec(
  site: Site,
  proxy: SiteProxy | undefined,
  trustedCA: string | undefined,
): Readonly<Record<string, unknown>> {
  return {
    ...(proxy?.httpProxy ? { httpProxy: proxy.httpProxy } : {}),
    ...(proxy?.httpsProxy ? { httpsProxy: proxy.httpsProxy } : {}),
    ...(proxy?.httpProxy || proxy?.httpsProxy ? { noProxy: noProxyList(site, proxy.noProxy).join(',') } : {}),
    ...(proxy && proxy.readinessEndpoints.length > 0 ? { readinessEndpoints: [...proxy.readinessEndpoints] } : {}),
    ...(trustedCA ? { trustedCA: { name: trustedCA } } : {}),
  };
}

/** The proxy of a hosted cluster: its own, else the site's. */
export function hostedProxy(site: Site, cluster: HostedCluster): SiteProxy | undefined {
  return cluster.proxy ?? site.proxy;
}

function bmcHost(address: string): string | undefined {
  // `+http` schemes are no URLs to everybody; the host is what stands between `//` and the path.
  const [, bracketed, plain] = /\/\/(?:\[([^\]]+)\]|([^/:]+))/.exec(address) ?? [];
  return bracketed ?? plain;
}
