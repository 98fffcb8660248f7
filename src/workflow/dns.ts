import { loadSite, type Site } from '../config/index.ts';
import { AirlockError } from '../core/errors.ts';
import type { Finding } from '../core/findings.ts';
import type { Run } from '../core/run.ts';
import {
  type Answer,
  findMustNotResolve,
  lintZoneInput,
  lookup,
  type RecordType,
  renderBindZone,
  renderDnsmasq,
  renderHosts,
  renderNamedConf,
  renderNsupdate,
  startDnsServer,
  verifyServer,
  type Zone,
  zoneFileName,
} from '../dns/index.ts';
import { readLoadedContent } from './loaded.ts';
import { dnsListeners, dnsServers } from './site/endpoints.ts';
import { zoneInput } from './site/zone-input.ts';
import { siteZones } from './site/zones.ts';

/** Forms in which the zones can be had. */
export const zoneFormats = ['bind', 'dnsmasq', 'hosts', 'nsupdate', 'named.conf'] as const;

async function zonesOf(site: Site, run: Run): Promise<Zone[]> {
  return siteZones(site, (await readLoadedContent(site.paths.state, run)).contentDate, run);
}

/** The site's zones as text by file name. */
export async function dnsZone(
  siteFile: string,
  format: string,
  run: Run,
): Promise<readonly { readonly name: string; readonly content: string }[]> {
  const { site } = await loadSite(siteFile, run);
  const zones = await zonesOf(site, run);
  if (format === 'dnsmasq') return [{ name: 'dnsmasq.conf', content: renderDnsmasq(zones) }];
  if (format === 'hosts') return [{ name: 'hosts', content: renderHosts(zones) }];
  if (format === 'nsupdate') return [{ name: 'nsupdate.txt', content: renderNsupdate(zones) }];
  if (format === 'named.conf')
    return [
      {
        name: 'named.conf',
        content: renderNamedConf(zones, { directory: '/var/named/airlock', forwarders: site.dns.forwarders }),
      },
    ];
  return zones.map((zone) => ({ name: zoneFileName(zone.name), content: renderBindZone(zone) }));
}

/** Serves the zones until the run is aborted. `listen` left out: the bastion's addresses and the site's port. */
export async function dnsServe(
  siteFile: string,
  listen: readonly { readonly address: string; readonly port: number }[] | undefined,
  onReady: (url: string) => void,
  run: Run,
): Promise<void> {
  const { site } = await loadSite(siteFile, run);
  const server = await startDnsServer({ zones: await zonesOf(site, run), listen: listen ?? dnsListeners(site) }, run);
  for (const { address, port } of server.addresses)
    onReady(`dns://${address.includes(':') ? `[${address}]` : address}:${port}`);
  await new Promise<void>((resolve) => {
    if (run.signal.aborted) resolve();
    run.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await server.close();
}

/** Asks the site's DNS server, or another one, one question. */
export async function dnsQuery(
  request: {
    readonly siteFile: string | undefined;
    readonly server: { readonly address: string; readonly port: number } | undefined;
    readonly name: string;
    readonly type: string;
  },
  run: Run,
): Promise<Answer> {
  const server =
    request.server ??
    (request.siteFile === undefined ? undefined : dnsServers((await loadSite(request.siteFile, run)).site)[0]);
  if (!server)
    throw new AirlockError('USAGE', 'no server to ask', {
      hint: 'name one with --server ADDRESS[:PORT], or a site file with -f FILE',
    });
  const types: readonly RecordType[] = ['A', 'AAAA', 'PTR', 'NS', 'SOA', 'CNAME', 'SRV', 'TXT'];
  const type = types.find((one) => one === request.type.toUpperCase());
  if (!type) throw new AirlockError('USAGE', `"${request.type}" is not a record type`, { hint: types.join(', ') });
  return lookup({ server, name: request.name, type }, run);
}

/** Traps in the zone plan; with `live` the running server is asked for every planned name too, at each of its addresses. */
export async function dnsLint(siteFile: string, live: boolean, run: Run): Promise<Finding[]> {
  const { site } = await loadSite(siteFile, run);
  const input = zoneInput(site, 1);
  const findings = lintZoneInput(input);
  if (!live) return findings;
  const planned = { zones: await zonesOf(site, run), absent: findMustNotResolve(input) };
  for (const server of dnsServers(site)) findings.push(...(await verifyServer({ server, ...planned }, run)));
  return findings;
}
