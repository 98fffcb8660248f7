import { describe, expect, onTestFinished, test } from 'vitest';
import { quietRun } from '../../src/core/run.ts';
import {
  assembleZone,
  buildZones,
  findMustNotResolve,
  lintZoneInput,
  lintZones,
  parseDomainName as n,
  type RRset,
  startDnsServer,
  verifyServer,
  type Zone,
  type ZoneInput,
} from '../../src/dns/index.ts';
import { harbourSite, harbourSiteV6 } from './harbour-site.ts';

function hosted(change: Partial<ZoneInput['hostedClusters'][number]>): ZoneInput {
  const [first, ...rest] = harbourSite().hostedClusters;
  if (!first) throw new Error('the site has hosted clusters');
  return harbourSite({ hostedClusters: [{ ...first, ...change }, ...rest] });
}

const codes = (input: ZoneInput): string[] => [...new Set(lintZoneInput(input).map((finding) => finding.code))];

describe('lintZoneInput', () => {
  test('has nothing to say about a good site', () => {
    expect(lintZoneInput(harbourSite())).toEqual([]);
    expect(lintZoneInput(harbourSiteV6())).toEqual([]);
    expect(lintZoneInput(harbourSite({ reverse: ['192.0.2.0/26', '2001:db8:10::/62'] }))).toEqual([]);
  });

  test.each<[string, string, ZoneInput]>([
    [
      "a base domain inside the pods' search list",
      'DNS_BASE_DOMAIN_RESERVED',
      harbourSite({ baseDomain: 'lab.cluster.local' }),
    ],
    ['a base domain of multicast names', 'DNS_BASE_DOMAIN_LOCAL', harbourSite({ baseDomain: 'lab.local' })],
    ['a base domain of one label', 'DNS_BASE_DOMAIN_SINGLE_LABEL', harbourSite({ baseDomain: 'lab' })],
    ['two clusters of one name', 'DNS_CLUSTER_DOMAIN_TAKEN', hosted({ name: 'hub' })],
    ['a published API without addresses', 'DNS_API_MISSING', hosted({ publishing: 'LoadBalancer', apiAddresses: [] })],
    ['routes that lead nowhere', 'DNS_INGRESS_MISSING', hosted({ ingressVIPs: [], hosts: [] })],
    [
      'a cluster below the routes of the hub',
      'DNS_CLUSTER_BELOW_APPS',
      hosted({ baseDomain: 'apps.hub.lab.example.com' }),
    ],
    [
      'a NodePort API on hosted nodes',
      'DNS_API_ON_HOSTED_NODE',
      hosted({ apiAddresses: ['192.0.2.30', '2001:db8:10::30'] }),
    ],
    ['an API of one family on a dual-stack site', 'DNS_FAMILY_MISSING', hosted({ apiAddresses: ['192.0.2.20'] })],
    [
      'hosts that search below a wildcard',
      'DNS_MUST_NOT_RESOLVE',
      harbourSite({ searchDomains: ['apps.hub.lab.example.com'] }),
    ],
    [
      'a wildcard over the site',
      'DNS_MUST_NOT_RESOLVE',
      harbourSite({ extraHosts: [{ name: '*.lab.example.com', addresses: ['192.0.2.9'] }] }),
    ],
    [
      'a name of two things',
      'DNS_NAME_SHARED',
      harbourSite({ extraHosts: [{ name: 'web', addresses: ['192.0.2.9'] }] }),
    ],
    [
      'one address for two hosts',
      'DNS_ADDRESS_TAKEN',
      hosted({ hosts: [{ name: 'w', addresses: ['192.0.2.20', '2001:db8:10::30'] }] }),
    ],
    ['a node outside every reverse prefix', 'DNS_REVERSE_UNCOVERED', harbourSite({ reverse: ['192.0.2.0/24'] })],
    [
      'a prefix of very many zones',
      'DNS_REVERSE_MANY_ZONES',
      harbourSite({ reverse: ['192.0.2.0/24', '2001:db8:10::/64', '10.0.0.0/9'] }),
    ],
  ])('finds %s', (_, code, input) => {
    expect(codes(input)).toContain(code);
  });
});

test('a fault that plan and zones both show is said once', () => {
  const found = lintZoneInput(hosted({ publishing: 'LoadBalancer', apiAddresses: [] })).map(
    (one) => `${one.code} ${one.subject}`,
  );
  expect(found).toEqual([
    'DNS_API_MISSING api.hosted1.lab.example.com',
    'DNS_API_MISSING api-int.hosted1.lab.example.com',
  ]);
});

describe('lintZones', () => {
  const apex = n('kitchen.test');
  const a = (name: string, ...values: string[]): RRset => ({ name: n(name), type: 'A', ttlSeconds: 60, values });
  const soa = {
    primary: n('ns.kitchen.test'),
    mailbox: apex,
    serial: 1,
    refreshSeconds: 1,
    retrySeconds: 1,
    expireSeconds: 1,
    negativeSeconds: 1,
  };
  const base: RRset[] = [
    { name: apex, type: 'NS', ttlSeconds: 60, values: [n('ns.kitchen.test')] },
    a('ns.kitchen.test', '192.0.2.1'),
  ];
  const zone = (...rrsets: RRset[]): Zone => assembleZone(apex, soa, 60, [...base, ...rrsets]);
  const v6: RRset = { name: n('*.apps.kitchen.test'), type: 'AAAA', ttlSeconds: 60, values: ['2001:db8::1'] };
  const alias = (from: string, to: string): RRset => ({
    name: n(from),
    type: 'CNAME',
    ttlSeconds: 60,
    values: [n(to)],
  });
  const reverse = (...values: string[]): Zone =>
    assembleZone(n('2.0.192.in-addr.arpa'), soa, 60, [
      { name: n('2.0.192.in-addr.arpa'), type: 'NS', ttlSeconds: 60, values: [n('ns.kitchen.test')] },
      { name: n('9.2.0.192.in-addr.arpa'), type: 'PTR', ttlSeconds: 60, values: values.map(n) },
    ]);

  test.each<[string, string, Zone[]]>([
    ['a wildcard over the whole zone', 'DNS_WILDCARD_WIDE', [zone(a('*.kitchen.test', '192.0.2.9'))]],
    ['a wildcard that also covers api', 'DNS_WILDCARD_WIDE', [zone(a('*.hosted1.kitchen.test', '192.0.2.9'))]],
    ['a cluster without api-int', 'DNS_API_MISSING', [zone(v6, { ...v6, name: n('api.kitchen.test') })]],
    [
      'an api of one family',
      'DNS_FAMILY_MISSING',
      [zone(v6, a('*.apps.kitchen.test', '192.0.2.7'), a('api.kitchen.test', '192.0.2.8'))],
    ],
    [
      'a name that hides a family of a wildcard',
      'DNS_WILDCARD_HIDDEN',
      [zone(v6, a('oauth.apps.kitchen.test', '192.0.2.9'))],
    ],
    ['names deep below a wildcard', 'DNS_WILDCARD_HIDDEN', [zone(v6, a('api.x.apps.kitchen.test', '192.0.2.9'))]],
    ['a forgotten final dot', 'DNS_NAME_DOUBLED', [zone(a('web.kitchen.test.kitchen.test', '192.0.2.9'))]],
    ['a target without address', 'DNS_TARGET_MISSING', [zone(alias('spoon.kitchen.test', 'ladle.kitchen.test'))]],
    [
      'aliases in a ring',
      'DNS_ALIAS_LOOP',
      [zone(alias('a.kitchen.test', 'b.kitchen.test'), alias('b.kitchen.test', 'a.kitchen.test'))],
    ],
    [
      'a set that BIND does not load',
      'DNS_SET_TOO_LARGE',
      [zone(a('big.kitchen.test', ...Array.from({ length: 101 }, (_, i) => `192.0.2.${i}`)))],
    ],
    ['a PTR that leads elsewhere', 'DNS_PTR_ONE_WAY', [zone(), reverse('ns.kitchen.test')]],
    [
      'several PTRs of one address',
      'DNS_PTR_SEVERAL',
      [zone(a('x.kitchen.test', '192.0.2.9')), reverse('ns.kitchen.test', 'x.kitchen.test')],
    ],
  ])('finds %s', (_, code, zones) => {
    expect(lintZones(zones).map((finding) => finding.code)).toContain(code);
  });
});

describe('verifyServer', () => {
  async function serve(zones: readonly Zone[]): Promise<{ address: string; port: number }> {
    const server = await startDnsServer({ zones, listen: [{ address: '::1', port: 0 }] }, quietRun());
    onTestFinished(() => server.close());
    const [at] = server.addresses;
    if (!at) throw new Error('no address');
    return at;
  }
  const zones = buildZones(harbourSite());
  const absent = findMustNotResolve(harbourSite());

  test('has nothing to say about a server with the planned zones', async () => {
    expect(await verifyServer({ server: await serve(zones), zones, absent }, quietRun())).toEqual([]);
  });

  test('tells a missing name, another address, and a server without the zone apart', async () => {
    const other = harbourSite({
      web: { name: 'web', addresses: ['192.0.2.99'] },
      registry: { name: 'reg', addresses: ['192.0.2.1'] },
      reverse: [],
    });
    const findings = await verifyServer({ server: await serve(buildZones(other)), zones }, quietRun());
    const found = findings.map((finding) => `${finding.code} ${finding.subject}`);
    expect(found).toContain('DNS_NAME_MISSING registry.lab.example.com A');
    expect(found).toContain('DNS_ANSWER_DIFFERS web.lab.example.com A');
    expect(found).toContain('DNS_ANSWER_DIFFERS web.lab.example.com AAAA');
    expect(found).toContain('DNS_ANSWER_REFUSED 1.2.0.192.in-addr.arpa PTR');
  });

  test('finds names that must not resolve', async () => {
    const [first, ...rest] = zones;
    if (!first) throw new Error('no zone');
    const wide: RRset = { name: n('*.lab.example.com'), type: 'A', ttlSeconds: 60, values: ['192.0.2.66'] };
    const server = await serve([{ ...first, rrsets: [...first.rrsets, wide] }, ...rest]);
    const found = (await verifyServer({ server, zones, absent }, quietRun())).map(
      (one) => `${one.code} ${one.subject}`,
    );
    expect(found).toContain('DNS_MUST_NOT_RESOLVE quay.io.lab.example.com');
    expect(found).toContain('DNS_MUST_NOT_RESOLVE lab.example.com.lab.example.com');
  });

  test('says once that a server is silent', async () => {
    const { port } = await serve(zones);
    const findings = await verifyServer(
      { server: { address: '127.0.0.1', port }, zones, absent, timeoutMs: 200 },
      quietRun(),
    );
    expect(findings.map((finding) => finding.code)).toEqual(['DNS_SERVER_SILENT']);
  });
});
