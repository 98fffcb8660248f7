import { afterAll, beforeAll, expect, test } from 'vitest';
import { quietRun } from '../../src/core/run.ts';
import { buildZones, type DnsServer, startDnsServer, type Zone } from '../../src/dns/index.ts';
import { describeReal } from '../helpers/real.ts';
import { harbourSite } from './harbour-site.ts';
import { kitchenZone } from './kitchen-zone.ts';
import { type RealServer, startNamed } from './named.ts';
import { askTcp, askUdp, describeAnswer, type Query, queryBytes } from './questioner.ts';

const types = [1, 2, 5, 6, 12, 15, 16, 24, 25, 28, 30, 33, 43, 46, 47, 48, 65, 99, 257, 1234];

/** Names in, out, above and below, random ones, and each with its case mixed. */
function parityQueries(zones: readonly Zone[]): Query[] {
  const owners = [...new Set(zones.flatMap((zone) => zone.rrsets.map((rrset) => rrset.name as string)))];
  const around = owners.flatMap((name) => [
    name,
    `sub.${name}`,
    `a.b.${name}`,
    name.split('.').slice(1).join('.'),
    name.replace(/^\*\./, 'random-label.'),
    name.replace(/^\*\./, 'two.labels.'),
    `x${name}`,
  ]);
  const foreign = [
    '',
    'com',
    'example.com',
    'quay.io',
    'arpa',
    'test',
    'ip6.arpa',
    'host.cellar.kitchen.test',
    'cellar.kitchen.test',
  ];
  const extra = [
    'down.oven.kitchen.test',
    'x.down.oven.kitchen.test',
    'x.grill.oven.kitchen.test',
    'a.*.oven.kitchen.test',
    '*.kitchen.test',
    '*.b.c.kitchen.test',
    'x.alias.kitchen.test',
    'alias.kitchen.test',
  ];
  const names = [...new Set([...around, ...foreign, ...extra])].filter(
    (name) => !name.startsWith('.') && name.length < 240,
  );
  return names.flatMap((name) =>
    types.map((type, i) => ({
      name: i % 3 === 1 ? name.replace(/[a-z]/g, (c, at: number) => (at % 2 ? c.toUpperCase() : c)) : name,
      type,
      ednsBytes: [0, 512, 1232, 4096][(i + name.length) % 4] ?? 0,
    })),
  );
}

describeReal('the embedded server beside BIND', ['named'], () => {
  const zones = [
    ...buildZones(harbourSite({ reverse: ['192.0.2.0/26', '198.51.100.0/24', '2001:db8:10::/62'] })),
    kitchenZone(),
  ];
  let ours: DnsServer;
  let bind: RealServer;
  beforeAll(async () => {
    bind = await startNamed(zones);
    const listen = ['127.0.0.1', '::1'].map((address) => ({ address, port: 0 }));
    ours = await startDnsServer({ zones, listen }, quietRun());
  });
  afterAll(async () => {
    await ours?.close();
    await bind?.stop();
  });

  const queries = parityQueries(zones);
  test.each([
    ['UDP', 0, askUdp],
    ['TCP', 0, askTcp],
    ['UDP', 1, askUdp],
    ['TCP', 1, askTcp],
  ] as const)('gives the same answers over %s on address %i', async (_, address, ask) => {
    expect(queries.length).toBeGreaterThan(3000);
    expect(queries.length).toBeLessThan(65_536);
    const messages = queries.map(queryBytes);
    const [theirs, own] = [bind.addresses[address], ours.addresses[address]];
    if (!theirs || !own) throw new Error('two addresses each');
    const [expected, got] = await Promise.all([ask(theirs, messages), ask(own, messages)]);
    const different = queries.flatMap((query, i) => {
      const [want, have] = [describeAnswer(expected[i] ?? Buffer.alloc(0)), describeAnswer(got[i] ?? Buffer.alloc(0))];
      return want === have ? [] : [`${query.name} ${query.type} edns ${query.ednsBytes}\nBIND: ${want}\nours: ${have}`];
    });
    expect(different.slice(0, 5).join('\n\n')).toBe('');
    expect(different).toHaveLength(0);
  });
});
