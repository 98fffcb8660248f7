import { absoluteText, type DomainName } from '../name.ts';
import { type RRset, recordTexts } from '../rrset.ts';
import type { DnsAddress } from '../server.ts';
import type { Zone } from '../zone.ts';

/**
 * Commands for `nsupdate -k KEY` that bring the zones of a running server to this plan: each set is deleted and added in one message, which
 * replaces it atomically. The apex's SOA and NS stay the server's own. Sets of `earlier` zones that are no longer planned are deleted.
 * @see RFC 2136
 */
export function renderNsupdate(
  zones: readonly Zone[],
  options: { readonly server?: DnsAddress; readonly earlier?: readonly Zone[] } = {},
): string {
  const server = options.server ? [`server ${options.server.address} ${options.server.port}`] : [];
  const messages = zones.flatMap((zone) => {
    const earlier = options.earlier?.find((one) => one.name === zone.name);
    return batches(zoneUpdates(zone, earlier)).map((updates) => [
      `zone ${absoluteText(zone.name)}`,
      ...updates.flat(),
      'send',
    ]);
  });
  return `${[...server, ...messages.flat()].join('\n')}\n`;
}

function zoneUpdates(zone: Zone, earlier: Zone | undefined): string[][] {
  const planned = zone.rrsets.filter((rrset) => !isApexServers(rrset, zone.name));
  const gone = (earlier?.rrsets ?? []).filter(
    (old) =>
      !isApexServers(old, zone.name) && !planned.some((rrset) => rrset.name === old.name && rrset.type === old.type),
  );
  return [
    ...gone.map((rrset) => [deletion(rrset)]),
    ...missingFamilies(planned).map((rrset) => [deletion(rrset)]),
    ...planned.map((rrset) => [
      deletion(rrset),
      ...recordTexts(rrset).map(
        (value) => `update add ${absoluteText(rrset.name)} ${rrset.ttlSeconds} ${rrset.type} ${value}`,
      ),
    ]),
  ];
}

/** The other family of names that have one: what an earlier plan left there would lead nowhere. */
function missingFamilies(planned: readonly RRset[]): Pick<RRset, 'name' | 'type'>[] {
  return planned.flatMap(({ name, type }) => {
    const other = type === 'A' ? 'AAAA' : type === 'AAAA' ? 'A' : undefined;
    const held = planned.some((rrset) => rrset.name === name && rrset.type === other);
    return other === undefined || held ? [] : [{ name, type: other }];
  });
}

function deletion(rrset: Pick<RRset, 'name' | 'type'>): string {
  return `update delete ${absoluteText(rrset.name)} ${rrset.type}`;
}

function isApexServers(rrset: RRset, apex: DomainName): boolean {
  return rrset.type === 'NS' && rrset.name === apex;
}

/** A message holds 64 KiB; 100 sets stay well below. */
function batches<T>(items: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(items.length / 100) }, (_, index) =>
    items.slice(index * 100, index * 100 + 100),
  );
}
