import type { Site } from '../../config/index.ts';
import type { ZoneInput } from '../../dns/index.ts';

/** What the zones of a site follow from. `serial` is the SOA serial of every zone. */
export function zoneInput(site: Site, serial: number): ZoneInput {
  const hub = site.managementCluster;
  return {
    baseDomain: site.baseDomain,
    bastion: { name: site.bastion.host, addresses: site.bastion.addresses },
    registry: { name: site.registry.host, addresses: site.registry.addresses },
    web: { name: site.web.host, addresses: site.web.addresses },
    ...(hub
      ? { managementCluster: { name: hub.name, apiVIPs: hub.apiVIPs, ingressVIPs: hub.ingressVIPs, nodes: hub.nodes } }
      : {}),
    hostedClusters: site.hostedClusters.map((cluster) => ({
      name: cluster.name,
      publishing: cluster.publishing,
      apiAddresses: cluster.apiAddresses,
      ingressVIPs: cluster.ingressVIPs ?? [],
      hosts: cluster.nodePools.flatMap((pool) =>
        pool.hosts.map((host) => ({ name: host.name, addresses: host.addresses })),
      ),
    })),
    extraHosts: site.dns.records,
    ttlSeconds: site.dns.ttl,
    reverse: site.dns.reverse,
    serial,
  };
}
