import { absoluteText, type DomainName, relativeText } from '../name.ts';
import { recordTexts } from '../rrset.ts';
import type { Zone } from '../zone.ts';

/** A master file that BIND, NSD and CoreDNS load; same zone, same bytes. Owners are relative to `$ORIGIN`, targets absolute. @see RFC 1035 §5 */
export function renderBindZone(zone: Zone): string {
  const { soa } = zone;
  const rows = zone.rrsets.flatMap((rrset) =>
    recordTexts(rrset).map((value) => ({
      owner: relativeText(rrset.name, zone.name),
      ttl: rrset.ttlSeconds === zone.ttlSeconds ? '' : `${rrset.ttlSeconds} `,
      type: rrset.type,
      value,
    })),
  );
  const width = Math.max(8, ...rows.map((row) => row.owner.length));
  return `${[
    `$ORIGIN ${absoluteText(zone.name)}`,
    `$TTL ${zone.ttlSeconds}`,
    `@ IN SOA ${absoluteText(soa.primary)} ${absoluteText(soa.mailbox)} (`,
    `  ${String(soa.serial).padEnd(10)} ; serial`,
    `  ${String(soa.refreshSeconds).padEnd(10)} ; refresh`,
    `  ${String(soa.retrySeconds).padEnd(10)} ; retry`,
    `  ${String(soa.expireSeconds).padEnd(10)} ; expire`,
    `  ${String(soa.negativeSeconds).padEnd(10)} ; negative answers`,
    ')',
    ...rows.map((row) => `${row.owner.padEnd(width)} ${row.ttl}IN ${row.type.padEnd(5)} ${row.value}`),
  ].join('\n')}\n`;
}

/** The file name of a zone in a folder of zones: `lab.example.com.zone`. */
export function zoneFileName(zone: DomainName): string {
  return `${zone === '' ? 'root' : zone.replaceAll('/', '-')}.zone`;
}
