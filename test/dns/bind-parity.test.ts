import { expect, onTestFinished, test } from 'vitest';
import { quietRun } from '../../src/core/run.ts';
import { buildZones, type DnsAddress, type DnsServer, startDnsServer, type Zone } from '../../src/dns/index.ts';
import { describeReal } from '../helpers/real.ts';
import { harbourSite } from './harbour-site.ts';
import { annexZone, kitchenZone } from './kitchen-zone.ts';
import { type RealServer, startNamed } from './named.ts';
import { askTcp, askUdp, describeAnswer, type Query, queryBytes } from './questioner.ts';
import { randomName, randomOf, randomZone } from './random-zones.ts';

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

/** The questions that two servers answer differently, with both answers. */
async function differences(
  queries: readonly Query[],
  bind: DnsAddress | undefined,
  ours: DnsAddress | undefined,
  ask: typeof askUdp,
): Promise<string[]> {
  if (!bind || !ours) throw new Error('both servers have two addresses');
  const messages = queries.map(queryBytes);
  const [expected, got] = await Promise.all([ask(bind, messages), ask(ours, messages)]);
  return queries.flatMap((query, i) => {
    const [want, have] = [describeAnswer(expected[i] ?? Buffer.alloc(0)), describeAnswer(got[i] ?? Buffer.alloc(0))];
    return want === have ? [] : [`${query.name} ${query.type} edns ${query.ednsBytes}\nBIND: ${want}\nours: ${have}`];
  });
}

async function startBoth(zones: readonly Zone[]): Promise<{ bind: RealServer; ours: DnsServer }> {
  const bind = await startNamed(zones);
  onTestFinished(() => bind.stop());
  const listen = ['127.0.0.1', '::1'].map((address) => ({ address, port: 0 }));
  const ours = await startDnsServer({ zones, listen }, quietRun());
  onTestFinished(() => ours.close());
  return { bind, ours };
}

describeReal('the embedded server beside BIND', ['named'], () => {
  test('gives the same answers for a site, and for all that is easy to get wrong, over every transport', async () => {
    const reverse = ['192.0.2.0/26', '198.51.100.0/24', '2001:db8:10::/62'];
    const zones = [...buildZones(harbourSite({ reverse })), kitchenZone(), annexZone()];
    const queries = parityQueries(zones);
    expect(queries.length).toBeGreaterThan(3000);
    expect(queries.length).toBeLessThan(65_536);
    const { bind, ours } = await startBoth(zones);
    for (const address of [0, 1]) {
      for (const ask of [askUdp, askTcp]) {
        const found = await differences(queries, bind.addresses[address], ours.addresses[address], ask);
        expect(found.slice(0, 5).join('\n\n')).toBe('');
      }
    }
  });

  // The first: an alias to the apex of a zone that is served as well, asked for its DS.
  test.each([135_371, Date.now() % 1_000_000])('gives the same answers for random zones of seed %i', async (seed) => {
    const random = randomOf(seed);
    const apexes = Array.from({ length: 30 }, (_, i) => `zone${i}.test`);
    const zones = apexes.flatMap((apex, i) => {
      const zone = randomZone(random, apex, 4 + i);
      // Where a cut leads to a zone that is served here as well.
      const cut = zone.rrsets.find((rrset) => rrset.type === 'NS' && rrset.name !== zone.name);
      return cut && i % 2 ? [zone, randomZone(random, cut.name, 6)] : [zone];
    });
    const queries = apexes.flatMap((apex) =>
      Array.from({ length: 150 }, () => ({
        name: randomName(random, apex),
        type: types[Math.floor(random() * types.length)] ?? 1,
        ednsBytes: 1232,
      })),
    );
    const { bind, ours } = await startBoth(zones);
    const found = await differences(queries, bind.addresses[0], ours.addresses[0], askUdp);
    expect(found.slice(0, 5).join('\n\n')).toBe('');
  });
});
