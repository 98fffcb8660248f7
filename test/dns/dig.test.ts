import { expect, onTestFinished, test } from 'vitest';
import { quietRun } from '../../src/core/run.ts';
import { buildZones, type DnsServer, startDnsServer } from '../../src/dns/index.ts';
import { describeReal } from '../helpers/real.ts';
import { harbourSite, harbourSiteV6 } from './harbour-site.ts';
import { kitchenZone } from './kitchen-zone.ts';
import { dig, program } from './program.ts';

async function start(
  zones = [...buildZones(harbourSite()), kitchenZone()],
  addresses = ['127.0.0.1', '::1'],
): Promise<DnsServer> {
  const server = await startDnsServer(
    { zones, listen: addresses.map((address) => ({ address, port: 0 })) },
    quietRun(),
  );
  onTestFinished(() => server.close());
  return server;
}

describeReal('the embedded server asked by dig', ['dig'], () => {
  test.each([
    ['+notcp'],
    ['+tcp'],
    ['+noedns'],
    ['+bufsize=512'],
    ['+bufsize=4096'],
    ['+dnssec'],
    ['+cookie'],
    ['+nsid'],
    ['+padding=128'],
  ])('answers on both families with %s', async (flag) => {
    for (const at of (await start()).addresses) {
      expect(await dig(at, flag, '+short', 'oauth.apps.hosted1.lab.example.com', 'AAAA')).toEqual(['2001:db8:10::40']);
      expect(await dig(at, flag, '+short', 'api.hosted1.lab.example.com', 'A')).toEqual([
        '192.0.2.20',
        '192.0.2.21',
        '192.0.2.22',
      ]);
    }
  });

  test('finds names by address of either family', async () => {
    for (const at of (await start()).addresses) {
      expect(await dig(at, '+short', '-x', '192.0.2.20')).toEqual(['master-0.hub.lab.example.com.']);
      expect(await dig(at, '+short', '-x', '2001:db8:10::41')).toEqual(['api.hosted2.lab.example.com.']);
    }
  });

  test('goes over to TCP by itself for a large set', async () => {
    for (const at of (await start()).addresses) expect(await dig(at, '+short', 'big.kitchen.test')).toHaveLength(90);
  });

  test('takes several queries on one connection', async () => {
    const [at] = (await start()).addresses;
    if (!at) throw new Error('no address');
    const lines = await dig(
      at,
      '+tcp',
      '+keepopen',
      '+short',
      'web.lab.example.com',
      'A',
      'web.lab.example.com',
      'AAAA',
    );
    expect(lines).toEqual(['192.0.2.1', '2001:db8:10::1']);
  });

  test('refuses a transfer', async () => {
    const [at] = (await start()).addresses;
    const result = await program('dig', '-p', String(at?.port), `@${at?.address}`, 'lab.example.com', 'AXFR');
    expect(result.stdout).toContain('Transfer failed');
  });

  test('serves a site without IPv4', async () => {
    const [at] = (await start(buildZones(harbourSiteV6()), ['::1'])).addresses;
    if (!at) throw new Error('no address');
    expect(await dig(at, '+short', 'registry.lab.example.com', 'AAAA')).toEqual(['2001:db8:10::1']);
    const empty = await program('dig', '-p', String(at.port), `@${at.address}`, 'registry.lab.example.com', 'A');
    expect(empty.stdout).toMatch(/status: NOERROR.*\n.*flags: qr aa rd;.*ANSWER: 0, AUTHORITY: 1/);
  });
});
