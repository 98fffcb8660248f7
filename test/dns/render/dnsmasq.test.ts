import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { quietRun } from '../../../src/core/run.ts';
import {
  buildZones,
  lookup,
  renderDnsmasq,
  renderHosts,
  verifyServer,
  type ZoneInput,
} from '../../../src/dns/index.ts';
import { describeReal, describeShared } from '../../helpers/real.ts';
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

describeShared('the dnsmasq files of the published IPv6 lab', 'data/dns/dnsmasq-jparrill-ipv6/include.d', (folder) => {
  const lab = (last: string): string => `2620:52:0:1305::${last}`;
  const input: ZoneInput = {
    baseDomain: 'hypershiftbm.lab',
    bastion: { name: 'registry', addresses: [lab('1')] },
    registry: { name: 'registry', addresses: [lab('1')] },
    web: { name: 'registry', addresses: [lab('1')] },
    managementCluster: {
      name: 'hub-ipv6',
      apiVIPs: [lab('2')],
      ingressVIPs: [lab('3')],
      nodes: ['5', '6', '7'].map((last, i) => ({ name: `ocp-master-${i}`, addresses: [lab(last)] })),
    },
    hostedClusters: [
      {
        name: 'hosted',
        publishing: 'NodePort',
        apiAddresses: ['1b', '17', '14'].map(lab),
        ingressVIPs: [lab('13')],
        hosts: ['11', '12', '13'].map((last, i) => ({ name: `hosted-worker${i}`, addresses: [lab(last)] })),
      },
    ],
    ttlSeconds: 300,
    reverse: ['2620:52:0:1305::/64'],
    serial: 1,
  };

  test.each(['infra.ipv6', 'hub.ipv6', 'hosted-nodeport.ipv6'])(
    'every line of %s follows from the same site',
    (file) => {
      const dhcpHosts = [
        ...['5', '6', '7'].map((last, i) => ({
          macAddress: `aa:aa:aa:aa:03:0${i + 1}`,
          name: `ocp-master-${i}`,
          addresses: [lab(last)],
        })),
        ...['11', '12', '13'].map((last, i) => ({
          macAddress: `aa:aa:aa:aa:04:${last}`,
          name: `hosted-worker${i}`,
          addresses: [lab(last)],
        })),
      ];
      const ours = new Set(renderDnsmasq(buildZones(input), { dhcpHosts }).split('\n'));
      const theirs = readFileSync(path.join(folder, file), 'utf8').split('\n');
      // Hosts of the lab's own installation have no place in a site.
      const wanted = theirs.filter(
        (line) => line !== '' && !line.startsWith('#') && !/ocp-(installer|bootstrap)/.test(line),
      );
      expect(wanted.length).toBeGreaterThan(0);
      expect(wanted.filter((line) => !ours.has(line))).toEqual([]);
    },
  );
});
