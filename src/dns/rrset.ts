import { findIpFamily, ipBytes } from '../core/ip.ts';
import type { DomainName } from './name.ts';

/** Where a service answers. @see RFC 2782 */
export interface SrvValue {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: DomainName;
}

/** The start of authority of a zone; times in seconds. @see RFC 1035 §3.3.13 */
export interface SoaValue {
  readonly primary: DomainName;
  readonly mailbox: DomainName;
  readonly serial: number;
  readonly refreshSeconds: number;
  readonly retrySeconds: number;
  readonly expireSeconds: number;
  /** How long a "no such name" may be remembered (RFC 2308). */
  readonly negativeSeconds: number;
}

/** What each type holds. Addresses are canonical text; a TXT value is one text of any length. */
export interface RecordValues {
  readonly A: string;
  readonly AAAA: string;
  readonly TXT: string;
  readonly NS: DomainName;
  readonly CNAME: DomainName;
  readonly PTR: DomainName;
  readonly SRV: SrvValue;
  readonly SOA: SoaValue;
}
export type RecordType = keyof RecordValues;

/** All records of one owner name and type, of a known type or any of them. @see RFC 9499 */
export type RRset<T extends RecordType = RecordType> = {
  readonly [K in T]: {
    readonly name: DomainName;
    readonly type: K;
    readonly ttlSeconds: number;
    readonly values: readonly RecordValues[K][];
  };
}[T];

/** Type numbers of what zones here can hold. @see IANA DNS parameters */
export const recordTypeNumbers: Readonly<Record<RecordType, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
};

/** The type with this number, undefined for one that zones here cannot hold. */
export function findRecordType(number: number): RecordType | undefined {
  return recordTypes.find((type) => recordTypeNumbers[type] === number);
}

/** In the order in which a zone lists them. */
export const recordTypes: readonly RecordType[] = ['SOA', 'NS', 'CNAME', 'A', 'AAAA', 'SRV', 'TXT', 'PTR'];

/** The A and AAAA sets of one name; a family without addresses has no set. Double addresses are kept once. */
export function addressRRsets(name: DomainName, addresses: readonly string[], ttlSeconds: number): RRset[] {
  const unique = [...new Set(addresses)];
  return ([4, 6] as const).flatMap((family): RRset[] => {
    const values = unique.filter((address) => findIpFamily(address) === family).sort(compareAddresses);
    return values.length === 0 ? [] : [{ name, type: family === 4 ? 'A' : 'AAAA', ttlSeconds, values }];
  });
}

/** Numeric order of two addresses of one family. */
export function compareAddresses(a: string, b: string): number {
  return Buffer.compare(ipBytes(a), ipBytes(b));
}

/** The values as a zone file writes them, one text per record. Names are absolute. */
export function recordTexts(rrset: RRset): string[] {
  switch (rrset.type) {
    case 'A':
    case 'AAAA':
      return [...rrset.values];
    case 'NS':
    case 'CNAME':
    case 'PTR':
      return rrset.values.map((target) => `${target}.`);
    case 'TXT':
      return rrset.values.map((text) => txtChunks(text).map(quoteText).join(' '));
    case 'SRV':
      return rrset.values.map((srv) => `${srv.priority} ${srv.weight} ${srv.port} ${srv.target}.`);
    case 'SOA':
      return rrset.values.map(
        (soa) =>
          `${soa.primary}. ${soa.mailbox}. ${soa.serial} ${soa.refreshSeconds} ${soa.retrySeconds} ${soa.expireSeconds} ${soa.negativeSeconds}`,
      );
  }
}

/** A text as the character strings of a TXT record: at most 255 bytes each, at least one. */
export function txtChunks(text: string): Buffer[] {
  const bytes = Buffer.from(text);
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length || at === 0; at += 255) chunks.push(bytes.subarray(at, at + 255));
  return chunks;
}

function quoteText(bytes: Buffer): string {
  const escaped = (byte: number): string => {
    if (byte < 0x20 || byte > 0x7e) return `\\${String(byte).padStart(3, '0')}`;
    const character = String.fromCharCode(byte);
    return character === '"' || character === '\\' ? `\\${character}` : character;
  };
  return `"${[...bytes].map(escaped).join('')}"`;
}
