import { describe, expect, onTestFinished, test } from 'vitest';
import { quietRun } from '../../src/core/run.ts';
import { buildZones, type DnsServer, lookup, lookupAddresses, startDnsServer } from '../../src/dns/index.ts';
import { harbourSite } from './harbour-site.ts';

async function start(): Promise<DnsServer> {
  const listen = ['127.0.0.1', '::1'].map((address) => ({ address, port: 0 }));
  const server = await startDnsServer({ zones: buildZones(harbourSite()), listen }, quietRun());
  onTestFinished(() => server.close());
  return server;
}

describe('the embedded server', () => {
  test('answers on both families with one port', async () => {
    const server = await start();
    expect(new Set(server.addresses.map((at) => at.port)).size).toBe(1);
    for (const at of server.addresses) {
      const addresses = await lookupAddresses({ server: at, name: 'registry.lab.example.com' }, quietRun());
      expect(addresses).toEqual(['192.0.2.1', '2001:db8:10::1']);
      const tcp = await lookup(
        { server: at, name: 'x.apps.hub.lab.example.com', type: 'A', transport: 'tcp' },
        quietRun(),
      );
      expect(tcp).toMatchObject({ rcode: 'NOERROR', authoritative: true, transport: 'tcp' });
      expect(tcp.answers).toEqual([
        { name: 'x.apps.hub.lab.example.com', type: 'A', ttlSeconds: 300, value: '192.0.2.11' },
      ]);
    }
  });
});
