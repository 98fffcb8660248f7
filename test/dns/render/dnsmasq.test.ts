import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { quietRun } from '../../../src/core/run.ts';
import { buildZones, lookup, renderDnsmasq, renderHosts, verifyServer } from '../../../src/dns/index.ts';
import { describeReal } from '../../helpers/real.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { harbourSite, harbourSiteV6 } from '../harbour-site.ts';
import { kitchenZone } from '../kitchen-zone.ts';
import { startDnsmasq } from '../named.ts';
import { program } from '../program.ts';

describeReal('rendered dnsmasq configuration', ['dnsmasq'], () => {
  const dhcpHosts = [
    { macAddress: '52:54:00:00:00:01', name: 'worker-0', addresses: ['192.0.2.30', '2001:db8:10::30'] },
  ];

  test.each([
    ['dual stack', buildZones(harbourSite())],
    ['IPv6 only', buildZones(harbourSiteV6())],
    // dnsmasq refuses to start with an alias loop.
    ['every record type', [kitchenZone((name) => !name.startsWith('loop'))]],
  ])('passes dnsmasq --test: %s', async (_, zones) => {
    const file = path.join(await temporaryFolder(), 'dnsmasq.conf');
    const listen = [{ address: '127.0.0.1', port: 5353 }];
    writeFileSync(file, renderDnsmasq(zones, { dhcpHosts, listen, forwarders: ['192.0.2.250', '2001:db8::250'] }));
    const result = await program('dnsmasq', '--test', '-C', file);
    expect(result.stderr).toContain('syntax check OK');
    expect(result.exitCode).toBe(0);
  });

  test.each([
    ['dual stack', buildZones(harbourSite())],
    ['IPv6 only', buildZones(harbourSiteV6())],
    ['classless', buildZones(harbourSite({ reverse: ['192.0.2.0/26', '2001:db8:10::/62'] }))],
  ])('gives the planned sets on both families: %s', async (_, zones) => {
    const dnsmasq = await startDnsmasq((listen) => renderDnsmasq(zones, { listen }), zones);
    onTestFinished(() => dnsmasq.stop());
    for (const server of dnsmasq.addresses) expect(await verifyServer({ server, zones }, quietRun())).toEqual([]);
    const [server] = dnsmasq.addresses;
    if (!server) throw new Error('no address');
    const missing = await lookup({ server, name: 'absent.lab.example.com', type: 'A' }, quietRun());
    expect(missing.rcode).toBe('NXDOMAIN');
    const foreign = await lookup({ server, name: 'quay.io', type: 'A' }, quietRun());
    expect(foreign.rcode).toBe('REFUSED');
  });
});

describe('renderHosts', () => {
  const text = renderHosts(buildZones(harbourSite()));

  test('puts the name of the PTR first, and every name of an address on its line', () => {
    expect(text).toContain(
      '192.0.2.20 master-0.hub.lab.example.com api.hosted1.lab.example.com api-int.hosted1.lab.example.com\n',
    );
    expect(text).toMatch(/^2001:db8:10::1 registry\.lab\.example\.com bastion/m);
  });

  test('writes wildcards out as the known routes', () => {
    expect(text).not.toContain('*');
    expect(text).toMatch(/^192\.0\.2\.11 .*assisted-image-service-multicluster-engine\.apps\.hub\.lab\.example\.com/m);
  });
});
