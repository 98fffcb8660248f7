import { describe, expect, test } from 'vitest';
import { buildZones, findRRset, findZone, reverseName, reverseZones } from '../../src/dns/index.ts';
import { lintZones } from '../../src/dns/lint-zones.ts';
import { harbourSite } from './harbour-site.ts';

const names = (prefix: string): string[] => reverseZones(prefix).map((zone) => zone.name);

test('reverse names are octets or nibbles, backwards', () => {
  expect(reverseName('192.0.2.1')).toBe('1.2.0.192.in-addr.arpa');
  expect(reverseName('2001:DB8:10::1')).toBe(
    '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.8.b.d.0.1.0.0.2.ip6.arpa',
  );
});

describe('reverseZones', () => {
  test.each([
    ['10.0.0.0/8', ['10.in-addr.arpa']],
    ['192.0.2.0/24', ['2.0.192.in-addr.arpa']],
    ['192.0.2.7/32', ['7.2.0.192.in-addr.arpa']],
    ['10.4.0.0/22', ['0.4.10.in-addr.arpa', '1.4.10.in-addr.arpa', '2.4.10.in-addr.arpa', '3.4.10.in-addr.arpa']],
    ['172.16.0.0/15', ['16.172.in-addr.arpa', '17.172.in-addr.arpa']],
    ['192.0.2.64/26', ['2.0.192.in-addr.arpa', '64-26.2.0.192.in-addr.arpa']],
    ['192.0.2.77/26', ['2.0.192.in-addr.arpa', '64-26.2.0.192.in-addr.arpa']],
    ['0.0.0.0/0', ['in-addr.arpa']],
    ['2001:db8:10::/64', ['0.0.0.0.0.1.0.0.8.b.d.0.1.0.0.2.ip6.arpa']],
    ['2001:db8::/31', ['8.b.d.0.1.0.0.2.ip6.arpa', '9.b.d.0.1.0.0.2.ip6.arpa']],
    ['fd77:fea5::/30', ['4', '5', '6', '7'].map((nibble) => `${nibble}.a.e.f.7.7.d.f.ip6.arpa`)],
    ['::/0', ['ip6.arpa']],
  ])('cuts %s into its zones', (prefix, zones) => {
    expect(names(prefix)).toEqual(zones);
  });

  test("cuts every prefix length so that each address of it lies in one zone, and nobody else's does", () => {
    for (let bits = 0; bits <= 128; bits += 1) {
      const zones = reverseZones(`2001:db8:ffff:5555:aaaa:3333:cccc:f0f0/${bits}`);
      expect(zones.length).toBe(2 ** ((4 - (bits % 4)) % 4));
      const owner = reverseName('2001:db8:ffff:5555:aaaa:3333:cccc:f0f0');
      expect(zones.filter((zone) => owner === zone.name || owner.endsWith(`.${zone.name}`))).toHaveLength(1);
    }
    for (let bits = 0; bits <= 32; bits += 1) {
      const owner = reverseName('203.0.113.201');
      const zones = reverseZones(`203.0.113.201/${bits}`).filter((zone) => !zone.classless);
      expect(zones.filter((zone) => owner === zone.name || owner.endsWith(`.${zone.name}`))).toHaveLength(1);
    }
  });
});

describe('reverse zones of a site', () => {
  test.each(['192.0.2.0/24', '192.0.0.0/21', '192.0.2.0/26', '192.0.2.30/32', '0.0.0.0/0', '128.0.0.0/1'])(
    'give a PTR to worker-0 out of %s',
    (prefix) => {
      const zones = buildZones(harbourSite({ reverse: [prefix] }));
      const owner = reverseName('192.0.2.30');
      const zone = findZone(zones, owner);
      expect(zone && findRRset(zone, owner, 'PTR')?.values).toEqual(['worker-0.hosted1.lab.example.com']);
      expect(lintZones(zones)).toEqual([]);
    },
  );

  test('nested prefixes are delegated from the larger to the smaller, and each PTR stands once', () => {
    const zones = buildZones(harbourSite({ reverse: ['192.0.0.0/16', '192.0.2.0/24'] }));
    const parent = zones.find((zone) => zone.name === '0.192.in-addr.arpa');
    expect(parent?.rrsets.map((rrset) => `${rrset.name} ${rrset.type}`)).toEqual([
      '0.192.in-addr.arpa NS',
      '2.0.192.in-addr.arpa NS',
    ]);
  });

  test('an address has one PTR: nodes before services before virtual addresses', () => {
    const zones = buildZones(harbourSite());
    const ptr = (address: string): unknown => {
      const zone = findZone(zones, reverseName(address));
      return zone && findRRset(zone, reverseName(address), 'PTR')?.values;
    };
    expect(ptr('192.0.2.20')).toEqual(['master-0.hub.lab.example.com']);
    expect(ptr('192.0.2.1')).toEqual(['registry.lab.example.com']);
    expect(ptr('2001:db8:10::10')).toEqual(['api.hub.lab.example.com']);
    expect(ptr('192.0.2.41')).toEqual(['api.hosted2.lab.example.com']);
    expect(ptr('192.0.2.11')).toBeUndefined();
    expect(ptr('192.0.2.40')).toBeUndefined();
  });
});
