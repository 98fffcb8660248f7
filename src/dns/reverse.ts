import { type IpPrefix, ipBytes, parseIp, parseIpPrefix } from '../core/ip.ts';
import { type DomainName, joinLabels } from './name.ts';

/** The name that holds an address's PTR: `1.2.0.192.in-addr.arpa`, or nibbles under `ip6.arpa`. @throws AirlockError ADDRESS_INVALID */
export function reverseName(address: string): DomainName {
  return unitName(parseIp(address).family, ipBytes(address), Number.POSITIVE_INFINITY);
}

/** A zone cut out of reverse space. */
export interface ReverseZone {
  readonly name: DomainName;
  /** What it covers. */
  readonly prefix: IpPrefix;
  /**
   * RFC 2317: a zone for part of a /24, below the /24's own name, to which the owner of the /24 points with one CNAME per address. Its
   * owner names are the last octets.
   */
  readonly classless: boolean;
}

/**
 * The zones of a prefix. One that ends at a label (octet or nibble) is one zone; one that does not is split into the zones of the next
 * label (`/22`: four of /24; `2001:db8::/62`: four of /64); an IPv4 prefix of /25 to /31 gives its /24 and the classless zone of RFC 2317.
 * The /24 holds the PTRs too: an authoritative server does not follow a CNAME into another zone, so a host that asks this server alone
 * would see no name.
 * @throws AirlockError ADDRESS_INVALID
 */
export function reverseZones(prefixText: string): ReverseZone[] {
  const prefix = parseIpPrefix(prefixText);
  const unitBits = prefix.family === 4 ? 8 : 4;
  if (prefix.family === 4 && prefix.lengthBits > 24 && prefix.lengthBits < 32) return classlessZones(prefix);
  const zoneBits = Math.ceil(prefix.lengthBits / unitBits) * unitBits;
  const bytes = ipBytes(prefix.address.text);
  return Array.from({ length: 2 ** (zoneBits - prefix.lengthBits) }, (_, index) => {
    const zoneBytes = addAt(bytes, zoneBits, index);
    return {
      name: unitName(prefix.family, zoneBytes, zoneBits / unitBits),
      prefix: parseIpPrefix(`${addressText(zoneBytes)}/${zoneBits}`),
      classless: false,
    };
  });
}

/** The name of an address inside a classless zone: the last octet below the zone. */
export function classlessName(address: string, zone: ReverseZone): DomainName {
  return joinLabels([String(ipBytes(address)[3] ?? 0), zone.name]);
}

function classlessZones(prefix: IpPrefix): ReverseZone[] {
  const parents = reverseZones(`${prefix.address.text}/24`);
  const parent = parents[0];
  if (!parent) throw new Error('a /24 has one zone');
  // RFC 2317 writes 0/25; the hyphen is as good, and can stand in a file name and a URL.
  const label = `${ipBytes(prefix.address.text)[3] ?? 0}-${prefix.lengthBits}`;
  return [parent, { name: joinLabels([label, parent.name]), prefix, classless: true }];
}

function unitName(family: 4 | 6, bytes: Uint8Array, units: number): DomainName {
  const all = family === 4 ? [...bytes].map(String) : [...Buffer.from(bytes).toString('hex')];
  return joinLabels([...all.slice(0, units).reverse(), family === 4 ? 'in-addr' : 'ip6', 'arpa']);
}

/** The bytes with `value` put in just above bit `bits`, where they are zero. */
function addAt(bytes: Uint8Array, bits: number, value: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  if (value === 0) return copy;
  // bits is a multiple of 4 and value below 2^7: it touches one byte only.
  const index = Math.ceil(bits / 8) - 1;
  copy[index] = (copy[index] ?? 0) | (value << (bits % 8 === 0 ? 0 : 4));
  return copy;
}

function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  return (Buffer.from(bytes).toString('hex').match(/.{4}/g) ?? []).join(':');
}
