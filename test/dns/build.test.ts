import { describe, expect, test } from 'vitest';
import {
  assembleZone,
  buildZones,
  findRRset,
  findZone,
  parseDomainName,
  type RRset,
  type Zone,
  type ZoneInput,
} from '../../src/dns/index.ts';
import { harbourSite, harbourSiteV6 } from './harbour-site.ts';

function values(zones: readonly Zone[], name: string, type: 'A' | 'AAAA'): readonly string[] | undefined {
  const owner = parseDomainName(name);
  const zone = findZone(zones, owner);
  return zone && findRRset(zone, owner, type)?.values;
}

describe('buildZones', () => {
  test('points the API of a NodePort cluster at every management node, of both families', () => {
    const zones = buildZones(harbourSite());
    for (const name of ['api.hosted1.lab.example.com', 'api-int.hosted1.lab.example.com']) {
      expect(values(zones, name, 'A')).toEqual(['192.0.2.20', '192.0.2.21', '192.0.2.22']);
      expect(values(zones, name, 'AAAA')).toEqual(['2001:db8:10::20', '2001:db8:10::21', '2001:db8:10::22']);
    }
  });

  test('points the API of a LoadBalancer cluster at its own addresses, and routes without VIP at the hosts', () => {
    const zones = buildZones(harbourSite());
    expect(values(zones, 'api.hosted2.lab.example.com', 'A')).toEqual(['192.0.2.41']);
    expect(values(zones, '*.apps.hosted2.lab.example.com', 'AAAA')).toEqual(['2001:db8:10::50']);
  });

  test('leaves out a family that nothing has', () => {
    const zones = buildZones(harbourSiteV6());
    expect(zones.map((zone) => zone.name)).toEqual(['lab.example.com', '0.0.0.0.0.1.0.0.8.b.d.0.1.0.0.2.ip6.arpa']);
    expect(zones.flatMap((zone) => zone.rrsets).filter((rrset) => rrset.type === 'A')).toEqual([]);
  });

  test('writes addresses in canonical form, once', () => {
    const zones = buildZones(
      harbourSite({ web: { name: 'web', addresses: ['2001:DB8:0010:0::1', '2001:db8:10::1'] } }),
    );
    expect(values(zones, 'web.lab.example.com', 'AAAA')).toEqual(['2001:db8:10::1']);
  });

  test('gives what lies elsewhere a zone of exactly its own name', () => {
    const site = harbourSite({ reverse: [] });
    const [first, ...rest] = site.hostedClusters;
    if (!first) throw new Error('the site has hosted clusters');
    const input: ZoneInput = {
      ...site,
      registry: { name: 'registry.corp.example', addresses: ['192.0.2.1'] },
      hostedClusters: [{ ...first, baseDomain: 'prod.example.com' }, ...rest],
    };
    const zones = buildZones(input);
    expect(zones.map((zone) => zone.name)).toEqual([
      'lab.example.com',
      'hosted1.prod.example.com',
      'registry.corp.example',
    ]);
    expect(values(zones, 'registry.corp.example', 'A')).toEqual(['192.0.2.1']);
    expect(values(zones, 'api.hosted1.prod.example.com', 'A')).toHaveLength(3);
  });

  test('works without clusters, and with name servers of its own', () => {
    const { managementCluster: _, ...bare } = harbourSite({
      hostedClusters: [],
      nameServers: [{ name: 'ns1', addresses: ['192.0.2.53'] }],
    });
    const zones = buildZones(bare);
    const [zone] = zones;
    expect(zone && findRRset(zone, zone.name, 'NS')?.values).toEqual(['ns1.lab.example.com']);
    expect(values(zones, 'ns1.lab.example.com', 'A')).toEqual(['192.0.2.53']);
  });

  test('refuses a name and an address that are none', () => {
    expect(() => buildZones(harbourSite({ baseDomain: 'lab example' }))).toThrow(
      expect.objectContaining({ code: 'DNS_NAME_INVALID' }),
    );
    const web = { name: 'web', addresses: ['192.0.2.300'] };
    expect(() => buildZones(harbourSite({ web }))).toThrow(expect.objectContaining({ code: 'ADDRESS_INVALID' }));
  });
});

describe('assembleZone', () => {
  const apex = parseDomainName('kitchen.test');
  const soa = {
    primary: apex,
    mailbox: apex,
    serial: 1,
    refreshSeconds: 1,
    retrySeconds: 1,
    expireSeconds: 1,
    negativeSeconds: 1,
  };
  const ns: RRset = { name: apex, type: 'NS', ttlSeconds: 1, values: [apex] };
  const alias: RRset = { name: parseDomainName('spoon.kitchen.test'), type: 'CNAME', ttlSeconds: 1, values: [apex] };
  const address: RRset = { name: alias.name, type: 'A', ttlSeconds: 1, values: ['192.0.2.1'] };

  test.each([
    ['a name outside', [ns, { ...address, name: parseDomainName('spoon.test') }]],
    ['an alias beside an address', [ns, alias, address]],
    ['two aliases', [ns, alias, { ...alias, values: [parseDomainName('x.test')] } as RRset]],
    ['an alias at the apex', [ns, { ...alias, name: apex }]],
    ['no name server', [alias]],
  ])('refuses %s', (_, rrsets) => {
    expect(() => assembleZone(apex, soa, 1, rrsets)).toThrow(expect.objectContaining({ code: 'DNS_ZONE_INVALID' }));
  });
});
