import { parseIp, prefixContains } from '../../core/ip.ts';
import { absoluteText, type DomainName, nameLabels } from '../name.ts';
import { reverseZones } from '../reverse.ts';
import type { Zone } from '../zone.ts';

/**
 * What the owner of a /24 puts into it to hand the part that is this site's over to it: NS records, and one CNAME per address of the
 * prefix. Empty for a prefix that needs no such help.
 * @throws AirlockError ADDRESS_INVALID
 * @see RFC 2317 §4
 */
export function renderClasslessDelegation(zones: readonly Zone[], prefix: string): string {
  const [parent, child] = reverseZones(prefix);
  const zone = zones.find((one) => one.name === child?.name);
  if (!parent || !child?.classless || !zone) return '';
  const label = (name: DomainName): string => nameLabels(name)[0] ?? '';
  const servers = zone.rrsets.flatMap((rrset) => (rrset.type === 'NS' && rrset.name === zone.name ? rrset.values : []));
  const network = parent.prefix.address.text.split('.').slice(0, 3).join('.');
  const octets = Array.from({ length: 256 }, (_, octet) => octet).filter((octet) =>
    prefixContains(child.prefix, parseIp(`${network}.${octet}`)),
  );
  return [
    `$ORIGIN ${absoluteText(parent.name)}\n`,
    ...servers.map((server) => `${label(zone.name)} IN NS ${absoluteText(server)}\n`),
    ...octets.map((octet) => `${octet} IN CNAME ${octet}.${absoluteText(zone.name)}\n`),
  ].join('');
}
