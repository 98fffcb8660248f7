import { ipBytes } from '../core/ip.ts';
import type { ConfigPath } from './node.ts';
import type { HostedCluster, Site } from './site.ts';

/** An address that stands in the file. Two uses of one `owner` may share it. */
export interface AddressUse {
  readonly address: string;
  readonly bytes: Uint8Array;
  readonly what: string;
  readonly owner: string;
  readonly path: ConfigPath;
}

const spec: ConfigPath = ['spec'];

/** Every address of the site with its place in the file, hosted clusters last. */
export function listAddressUses(site: Site): AddressUse[] {
  return [...serviceUses(site), ...site.hostedClusters.flatMap(hostedUses)];
}

function serviceUses(site: Site): AddressUse[] {
  const { managementCluster: hub } = site;
  const list = (addresses: readonly string[], what: string, owner: string, path: ConfigPath): AddressUse[] =>
    addresses.map((address, index) => ({ address, bytes: ipBytes(address), what, owner, path: [...path, index] }));
  return [
    ...list(site.bastion.addresses, 'the bastion', 'bastion', [...spec, 'bastion', 'addresses']),
    ...list(site.registry.addresses, 'the registry', 'bastion', [...spec, 'registry', 'addresses']),
    ...list(site.web.addresses, 'the web server', 'bastion', [...spec, 'web', 'addresses']),
    ...(hub?.nodes.flatMap((node, index) =>
      list(node.addresses, `node "${node.name}"`, `node ${index}`, [
        ...spec,
        'managementCluster',
        'nodes',
        index,
        'addresses',
      ]),
    ) ?? []),
    ...list(hub?.apiVIPs ?? [], "the management cluster's API", 'hub', [...spec, 'managementCluster', 'apiVIPs']),
    ...list(hub?.ingressVIPs ?? [], "the management cluster's ingress", 'hub', [
      ...spec,
      'managementCluster',
      'ingressVIPs',
    ]),
  ];
}

/** Those of one hosted cluster: its hosts and the VIPs that are its own. */
export function hostedUses(cluster: HostedCluster, number: number): AddressUse[] {
  const path: ConfigPath = [...spec, 'hostedClusters', number];
  const hosts = cluster.nodePools.flatMap((pool, poolIndex) =>
    pool.hosts.flatMap((host, index) =>
      host.addresses.map((address, at) => ({
        address,
        bytes: ipBytes(address),
        what: `host "${host.name}" of ${cluster.name}`,
        owner: `host ${number}/${poolIndex}/${index}`,
        path: [...path, 'nodePools', poolIndex, 'hosts', index, 'addresses', at],
      })),
    ),
  );
  const vips = (name: 'apiAddresses' | 'ingressVIPs', what: string): AddressUse[] =>
    (cluster[name] ?? []).map((address, at) => ({
      address,
      bytes: ipBytes(address),
      what: `${what} of ${cluster.name}`,
      owner: `${name} ${number}`,
      path: [...path, name, at],
    }));
  // With NodePort the API's addresses are those of the management cluster's nodes, or of a load balancer that others may share.
  return [
    ...hosts,
    ...vips('ingressVIPs', 'the ingress'),
    ...(cluster.publishing === 'LoadBalancer' ? vips('apiAddresses', 'the API') : []),
  ];
}
