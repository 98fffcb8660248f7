import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { quietRun } from '../../../src/core/run.ts';
import {
  buildZones,
  lookup,
  renderBindZone,
  renderClasslessDelegation,
  renderNamedConf,
  type Zone,
  zoneFileName,
} from '../../../src/dns/index.ts';
import { describeReal } from '../../helpers/real.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { harbourSite, harbourSiteV6 } from '../harbour-site.ts';
import { kitchenZone } from '../kitchen-zone.ts';
import { startNamed, writeNamedFolder } from '../named.ts';
import { program } from '../program.ts';

const sites: Record<string, Zone[]> = {
  'dual stack': buildZones(harbourSite()),
  'IPv6 only': buildZones(harbourSiteV6()),
  'odd prefixes': buildZones(
    harbourSite({
      reverse: ['192.0.2.0/26', '10.0.0.0/22', '2001:db8:10::/62', '2001:db8:20::8/125', '203.0.113.7/32'],
    }),
  ),
  'nested prefixes': buildZones(
    harbourSite({ reverse: ['192.0.0.0/16', '192.0.2.0/24', '192.0.2.32/27', '2001:db8::/32', '2001:db8:10::/64'] }),
  ),
  'every record type': [kitchenZone()],
};

describe('renderBindZone', () => {
  test('gives the same bytes for the same input in another order', () => {
    const input = harbourSite();
    const turned = { ...input, reverse: [...input.reverse].reverse() };
    const texts = [input, turned].map((one) => buildZones(one).map(renderBindZone).join('\n'));
    expect(texts[0]).toBe(texts[1]);
  });

  test('writes owners relative and targets absolute', () => {
    const [zone] = buildZones(harbourSite());
    const text = renderBindZone(zone as Zone);
    expect(text).toContain('\n*.apps.hosted1       IN A     192.0.2.40\n');
    expect(text).toContain('IN NS    bastion.lab.example.com.\n');
    expect(text.startsWith('$ORIGIN lab.example.com.\n$TTL 300\n')).toBe(true);
  });
});

describeReal('rendered BIND files', ['named-checkzone', 'named-checkconf', 'named'], () => {
  test.each(Object.entries(sites))('pass named-checkzone: %s', async (_, zones) => {
    const folder = await temporaryFolder();
    for (const zone of zones) {
      const file = path.join(folder, zoneFileName(zone.name));
      writeFileSync(file, renderBindZone(zone));
      const result = await program(
        'named-checkzone',
        '-i',
        'local',
        '-n',
        'fail',
        '-m',
        'fail',
        '-r',
        'fail',
        zone.name,
        file,
      );
      expect(`${result.stdout}${result.stderr}`).toContain('OK');
      expect(result.exitCode).toBe(0);
    }
  });

  test.each(Object.entries(sites))('load with the rendered named.conf: %s', async (_, zones) => {
    const folder = writeNamedFolder(zones, 5353);
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const result = await program('named-checkconf', '-z', path.join(folder, 'named.conf'));
    expect(result.stdout + result.stderr).not.toMatch(/error|warning/i);
    expect(result.exitCode).toBe(0);
  });

  test('named.conf with forwarders and defaults is accepted', async () => {
    const folder = await temporaryFolder();
    const file = path.join(folder, 'named.conf');
    const text = renderNamedConf(sites['dual stack'] ?? [], {
      directory: folder,
      forwarders: ['192.0.2.250', '2001:db8::250'],
    });
    writeFileSync(file, text);
    const result = await program('named-checkconf', file);
    expect(result.stdout + result.stderr).toBe('');
    expect(result.exitCode).toBe(0);
  });

  test('a /24 with the rendered delegation leads to the classless zone', async () => {
    const zones = buildZones(harbourSite({ reverse: ['192.0.2.0/26'] }));
    const parent = zones.find((zone) => zone.name === '2.0.192.in-addr.arpa') as Zone;
    const delegation = renderClasslessDelegation(zones, '192.0.2.0/26');
    const bare = { ...parent, rrsets: parent.rrsets.filter((rrset) => rrset.name === parent.name) };
    const named = await startNamed([bare, ...zones.filter((zone) => zone !== parent)], (text) => text);
    onTestFinished(() => named.stop());
    const file = path.join(named.folder, 'parent.zone');
    writeFileSync(file, `${renderBindZone(bare)}${delegation}`);
    const checked = await program('named-checkzone', '-i', 'local', parent.name, file);
    expect(checked.exitCode).toBe(0);
    expect(delegation).toContain('\n63 IN CNAME 63.0-26.2.0.192.in-addr.arpa.\n');
    expect(delegation).not.toContain('\n64 IN');
    const [server] = named.addresses;
    if (!server) throw new Error('no address');
    const answer = await lookup({ server, name: '1.0-26.2.0.192.in-addr.arpa', type: 'PTR' }, quietRun());
    expect(answer.answers[0]?.value).toBe('registry.lab.example.com');
  });
});
