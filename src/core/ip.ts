import ipaddr from 'ipaddr.js';
import { AirlockError } from './errors.ts';

export type IpFamily = 4 | 6;

/** An address in canonical text (RFC 5952 for IPv6). */
export interface IpAddress {
  readonly text: string;
  readonly family: IpFamily;
}

/** An address prefix (`192.0.2.0/24`); `text` has host bits cleared. */
export interface IpPrefix {
  readonly text: string;
  readonly family: IpFamily;
  readonly address: IpAddress;
  readonly lengthBits: number;
}

/** The family of address text, undefined for anything else. Zone ids and v4 shorthand (`127.1`) are no addresses here. */
export function findIpFamily(text: string): IpFamily | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return 4;
  return text.includes(':') && !text.includes('%') && ipaddr.IPv6.isValid(text) ? 6 : undefined;
}

/** @throws AirlockError ADDRESS_INVALID */
export function parseIp(text: string): IpAddress {
  const family = findIpFamily(text);
  if (family === undefined) throw new AirlockError('ADDRESS_INVALID', `"${text}" is not an IP address`);
  return { family, text: family === 4 ? text : ipaddr.IPv6.parse(text).toRFC5952String() };
}

/** @throws AirlockError ADDRESS_INVALID */
export function parseIpPrefix(text: string): IpPrefix {
  const [host = '', length = ''] = text.split('/');
  const family = findIpFamily(host);
  const lengthBits = /^\d{1,3}$/.test(length) ? Number(length) : -1;
  if (family === undefined || lengthBits < 0 || lengthBits > (family === 4 ? 32 : 128)) {
    throw new AirlockError(
      'ADDRESS_INVALID',
      `"${text}" is not an address prefix such as 192.0.2.0/24 or 2001:db8::/64`,
    );
  }
  const bytes = ipBytes(host);
  for (let bit = lengthBits; bit < bytes.length * 8; bit += 1)
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) & ~(0x80 >> (bit & 7));
  const address = parseIp(ipaddr.fromByteArray([...bytes]).toString());
  return { text: `${address.text}/${lengthBits}`, family, address, lengthBits };
}

/** The network of a prefix that is written with bits beyond its length (`192.0.2.0/24` for `192.0.2.10/24`); undefined for any other text. */
export function findNetwork(text: string): string | undefined {
  const [host = '', length = ''] = text.split('/');
  if (findIpFamily(host) === undefined || !/^\d{1,3}$/.test(length)) return undefined;
  try {
    const prefix = parseIpPrefix(text);
    return parseIp(host).text === prefix.address.text ? undefined : prefix.text;
  } catch {
    return undefined;
  }
}

/** The 4 or 16 bytes of an address. @throws AirlockError ADDRESS_INVALID */
export function ipBytes(text: string): Uint8Array {
  return Uint8Array.from(ipaddr.parse(parseIp(text).text).toByteArray());
}

/** Whether the address lies in the prefix; false when the families differ. */
export function prefixContains(prefix: IpPrefix, address: IpAddress): boolean {
  if (prefix.family !== address.family) return false;
  const [a, b] = [ipBytes(prefix.address.text), ipBytes(address.text)];
  for (let bit = 0; bit < prefix.lengthBits; bit += 1) {
    const mask = 0x80 >> (bit & 7);
    if (((a[bit >> 3] ?? 0) & mask) !== ((b[bit >> 3] ?? 0) & mask)) return false;
  }
  return true;
}

/** A host for use in a URL or `host:port`: IPv6 literals in brackets. */
export function bracketHost(host: string): string {
  return findIpFamily(host) === 6 ? `[${host}]` : host;
}

/** `host:port` with IPv6 literals in brackets. */
export function hostPort(host: string, port: number): string {
  return `${bracketHost(host)}:${port}`;
}

/** Splits `host`, `host:port`, `[v6]` and `[v6]:port`; the host comes without brackets. @throws AirlockError ADDRESS_INVALID */
export function splitHostPort(text: string): { host: string; port: number | undefined } {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? undefined : Number(match[3]);
  if (!match || host === undefined || (match[1] !== undefined && findIpFamily(match[1]) !== 6) || (port ?? 0) > 65535) {
    throw new AirlockError('ADDRESS_INVALID', `"${text}" is not HOST or HOST:PORT`, {
      hint: 'an IPv6 address needs brackets: [2001:db8::1]:5000',
    });
  }
  return { host, port };
}
