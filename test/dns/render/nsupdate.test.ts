import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { quietRun } from '../../../src/core/run.ts';
import { buildZones, lookup, renderNsupdate, verifyServer, type Zone } from '../../../src/dns/index.ts';
import { describeReal } from '../../helpers/real.ts';
import { harbourSite } from '../harbour-site.ts';
import { startNamed } from '../named.ts';
import { program } from '../program.ts';

describeReal('rendered nsupdate commands', ['named', 'nsupdate', 'dig'], () => {
  test('fill the empty zones of a running BIND, and take out what is planned no more', async () => {
    const zones = buildZones(harbourSite());
    const empty = zones.map(
      (zone): Zone => ({
        ...zone,
        rrsets: zone.rrsets.filter((rrset) => rrset.name === zone.name || rrset.name.startsWith('bastion.')),
      }),
    );
    const named = await startNamed(empty, (text) =>
      text.replaceAll('allow-update { none; }', 'allow-update { 127.0.0.1; }'),
    );
    onTestFinished(() => named.stop());
    const [server] = named.addresses;
    if (!server) throw new Error('no address');

    await update(named.folder, renderNsupdate(zones, { server }));
    expect(await verifyServer({ server, zones }, quietRun())).toEqual([]);

    const smaller = buildZones(harbourSite({ hostedClusters: [] }));
    await update(named.folder, renderNsupdate(smaller, { server, earlier: zones }));
    expect(await verifyServer({ server, zones: smaller }, quietRun())).toEqual([]);
    const gone = await lookup({ server, name: 'x.apps.hosted1.lab.example.com', type: 'A' }, quietRun());
    expect(gone.rcode).toBe('NXDOMAIN');
  });
});

async function update(folder: string, text: string): Promise<void> {
  const file = path.join(folder, 'update');
  writeFileSync(file, text);
  const result = await program('nsupdate', file);
  expect(result.stderr).toBe('');
  expect(result.exitCode).toBe(0);
}
