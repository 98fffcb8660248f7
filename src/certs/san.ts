import { domainToASCII } from 'node:url';
import { AirlockError } from '../core/errors.ts';
import { findIpFamily, ipBytes, parseIp } from '../core/ip.ts';

/** Subject alternative names: DNS names in lower case, addresses in canonical text (RFC 5952), both sorted and each once. */
export interface SubjectNames {
  readonly names: readonly string[];
  readonly addresses: readonly string[];
}

const dnsName = /^(?:\*\.)?(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/;

/**
 * Cleans names and addresses for a certificate. An address among the names becomes an address: Go does not match an address against a
 * DNS entry. International names become their `xn--` form; brackets and a final dot go.
 * @throws AirlockError SAN_INVALID
 */
export function normalizeNames(names: readonly string[], addresses: readonly string[]): SubjectNames {
  const plain = [...names, ...addresses].map((text) => text.trim().replace(/^\[(.*)\]$/, '$1'));
  const isAddress = (text: string): boolean => findIpFamily(text) !== undefined;
  const wrong = addresses.find((text) => !isAddress(text.trim().replace(/^\[(.*)\]$/, '$1')));
  if (wrong !== undefined) throw new AirlockError('SAN_INVALID', `"${wrong}" is not an IP address`);
  return {
    names: unique(plain.filter((text) => !isAddress(text)).map(normalizeName)),
    addresses: unique(plain.filter(isAddress).map((text) => parseIp(text).text)),
  };
}

function normalizeName(text: string): string {
  const bare = text.replace(/\.$/, '');
  const wildcard = bare.startsWith('*.');
  const host = wildcard ? bare.slice(2) : bare;
  // domainToASCII reads a name that only looks like an address ("127.1") as one; ASCII text needs no conversion anyway.
  const ascii = /^[\x21-\x7e]*$/.test(host) ? host.toLowerCase() : domainToASCII(host);
  const name = wildcard ? `*.${ascii}` : ascii;
  if (!dnsName.test(name) || name.length > 253) {
    throw new AirlockError('SAN_INVALID', `"${text}" is not a DNS name`, {
      hint: 'write a host name such as registry.lab.example.com, or a wildcard such as *.apps.lab.example.com',
    });
  }
  return name;
}

/** Whether certificate names cover a DNS name; a wildcard stands for exactly one label (RFC 6125 §6.4.3). */
export function coversName(covered: SubjectNames, name: string): boolean {
  if (covered.names.includes(name)) return true;
  const dot = name.indexOf('.');
  return dot > 0 && !name.startsWith('*.') && covered.names.includes(`*${name.slice(dot)}`);
}

/** The names and addresses of `wanted` that `covered` does not cover. */
export function uncoveredNames(covered: SubjectNames, wanted: SubjectNames): string[] {
  return [
    ...wanted.names.filter((name) => !coversName(covered, name)),
    ...wanted.addresses.filter((address) => !covered.addresses.includes(address)),
  ];
}

/**
 * Reads the text that Node gives for a subjectAltName extension: `DNS:a.example, IP Address:192.0.2.1, URI:…`; a value with a comma or
 * quote is a JSON string. Other kinds than DNS and IP are left out.
 */
export function parseSubjectAltName(text: string | undefined): SubjectNames {
  const names: string[] = [];
  const addresses: string[] = [];
  for (const [, kind, raw = ''] of (text ?? '').matchAll(/(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)/g)) {
    const value: unknown = raw.startsWith('"') ? JSON.parse(raw) : raw;
    if (typeof value !== 'string') continue;
    if (kind === 'DNS') names.push(value.toLowerCase());
    if (kind === 'IP Address' && findIpFamily(value) !== undefined) addresses.push(parseIp(value).text);
  }
  return { names: unique(names), addresses: unique(addresses) };
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)].sort(byKind);
}

// IPv4 before IPv6, then by bytes or by text: the same input in another order gives the same certificate fields.
function byKind(a: string, b: string): number {
  const [familyA, familyB] = [findIpFamily(a), findIpFamily(b)];
  if (familyA !== undefined && familyA === familyB) return Buffer.compare(ipBytes(a), ipBytes(b));
  if (familyA !== familyB) return (familyA ?? 0) - (familyB ?? 0);
  return a < b ? -1 : a > b ? 1 : 0;
}
