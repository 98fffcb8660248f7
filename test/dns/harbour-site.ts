import type { ZoneInput } from '../../src/dns/index.ts';

/** A dual-stack site with one hosted cluster of each publishing strategy; `overrides` replace whole fields. */
export function harbourSite(overrides: Partial<ZoneInput> = {}): ZoneInput {
  return {
    baseDomain: 'lab.example.com',
    bastion: { name: 'bastion', addresses: ['192.0.2.1', '2001:db8:10::1'] },
    registry: { name: 'registry', addresses: ['192.0.2.1', '2001:db8:10::1'] },
    web: { name: 'web', addresses: ['192.0.2.1', '2001:db8:10::1'] },
    managementCluster: {
      name: 'hub',
      apiVIPs: ['192.0.2.10', '2001:db8:10::10'],
      ingressVIPs: ['192.0.2.11', '2001:db8:10::11'],
      nodes: [20, 21, 22].map((n, i) => ({ name: `master-${i}`, addresses: [`192.0.2.${n}`, `2001:db8:10::${n}`] })),
    },
    hostedClusters: [
      {
        name: 'hosted1',
        publishing: 'NodePort',
        apiAddresses: [],
        ingressVIPs: ['192.0.2.40', '2001:db8:10::40'],
        hosts: [30, 31].map((n, i) => ({ name: `worker-${i}`, addresses: [`192.0.2.${n}`, `2001:db8:10::${n}`] })),
      },
      {
        name: 'hosted2',
        publishing: 'LoadBalancer',
        apiAddresses: ['192.0.2.41', '2001:db8:10::41'],
        ingressVIPs: [],
        hosts: [{ name: 'quay-crane-0', addresses: ['192.0.2.50', '2001:db8:10::50'] }],
      },
    ],
    ttlSeconds: 300,
    reverse: ['192.0.2.0/24', '2001:db8:10::/64'],
    serial: 2026112300,
    ...overrides,
  };
}

/** The same site without any IPv4. */
export function harbourSiteV6(): ZoneInput {
  const only6 = <T>(value: T): T =>
    JSON.parse(JSON.stringify(value), (_, one: unknown) =>
      Array.isArray(one) ? one.filter((item) => typeof item !== 'string' || item.includes(':')) : one,
    ) as T;
  return only6(harbourSite());
}
