import { queryTypes } from './codes.ts';

/** What the sender of a query can take (RFC 6891). */
export interface QueryEdns {
  readonly payloadBytes: number;
  readonly version: number;
  readonly dnssecOk: boolean;
}

/** The one question of a query. */
export interface Question {
  /** As it came, to be echoed byte for byte: resolvers check the case that they sent (draft-vixie-dnsext-dns0x20). */
  readonly bytes: Buffer;
  /** Lower case, odd bytes escaped as in `DomainName`. */
  readonly labels: readonly string[];
  readonly type: number;
  readonly class: number;
}

/** The fields of a header that an answer repeats. */
export interface QueryHeader {
  readonly id: number;
  readonly opcode: number;
  readonly recursionDesired: boolean;
  readonly checkingDisabled: boolean;
}

/**
 * A message as a server sees it. `ignored`: no answer at all may be sent (too short for a header, or itself an answer: two servers would
 * talk for ever). `malformed`: it has a header and no more that can be relied on.
 */
export type ParsedQuery =
  | { readonly kind: 'ignored' }
  | { readonly kind: 'malformed' | 'other-opcode'; readonly header: QueryHeader }
  | {
      readonly kind: 'query';
      readonly header: QueryHeader;
      readonly question: Question;
      readonly edns: QueryEdns | undefined;
    };

const headerBytes = 12;

/** Reads a query; never throws, whatever the bytes. @see RFC 1035 §4, RFC 6891 §6.1 */
export function parseQuery(message: Buffer): ParsedQuery {
  if (message.length < headerBytes || (message.readUInt16BE(2) & 0x8000) !== 0) return { kind: 'ignored' };
  const flags = message.readUInt16BE(2);
  const header = {
    id: message.readUInt16BE(0),
    opcode: (flags >> 11) & 15,
    recursionDesired: (flags & 0x0100) !== 0,
    checkingDisabled: (flags & 0x0010) !== 0,
  };
  if (header.opcode !== 0) return { kind: 'other-opcode', header };
  const question = message.readUInt16BE(4) === 1 ? readQuestion(message) : undefined;
  const rest = question && readRest(message, headerBytes + question.bytes.length);
  return question && rest ? { kind: 'query', header, question, edns: rest.edns } : { kind: 'malformed', header };
}

function readQuestion(message: Buffer): Question | undefined {
  const labels: string[] = [];
  let at = headerBytes;
  for (;;) {
    const length = message[at];
    // Nothing stands before the question, so that a compression pointer in it can point nowhere.
    if (length === undefined || length > 63 || at - headerBytes + length + 1 > 255) return undefined;
    at += 1;
    if (length === 0) break;
    if (at + length > message.length) return undefined;
    labels.push(labelText(message.subarray(at, at + length)));
    at += length;
  }
  if (at + 4 > message.length) return undefined;
  return {
    bytes: message.subarray(headerBytes, at + 4),
    labels,
    type: message.readUInt16BE(at),
    class: message.readUInt16BE(at + 2),
  };
}

/** Lower case in ASCII only (RFC 4343); what could be mistaken for structure is escaped. */
function labelText(bytes: Buffer): string {
  let text = '';
  for (const byte of bytes) {
    if (byte <= 0x20 || byte > 0x7e) text += `\\${String(byte).padStart(3, '0')}`;
    else if (byte === 0x2e || byte === 0x5c) text += `\\${String.fromCharCode(byte)}`;
    else text += String.fromCharCode(byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte);
  }
  return text;
}

/** Walks the records behind the question for the OPT one; undefined when they do not fit the message exactly. */
function readRest(message: Buffer, start: number): { edns: QueryEdns | undefined } | undefined {
  const counts = [6, 8, 10].map((offset) => message.readUInt16BE(offset));
  let edns: QueryEdns | undefined;
  let at = start;
  for (const [section, count] of counts.entries()) {
    for (let i = 0; i < count; i += 1) {
      const fixed = skipName(message, at);
      if (fixed === undefined || fixed + 10 > message.length) return undefined;
      const end = fixed + 10 + message.readUInt16BE(fixed + 8);
      if (end > message.length) return undefined;
      if (message.readUInt16BE(fixed) === queryTypes.OPT) {
        if (section !== 2 || edns || fixed !== at + 1) return undefined;
        edns = readEdns(message, fixed);
      }
      at = end;
    }
  }
  return at === message.length ? { edns } : undefined;
}

function readEdns(message: Buffer, fixed: number): QueryEdns {
  return {
    payloadBytes: message.readUInt16BE(fixed + 2),
    version: message[fixed + 5] ?? 0,
    dnssecOk: ((message[fixed + 6] ?? 0) & 0x80) !== 0,
  };
}

/** Where a name ends; it is not followed, since nobody here wants to know it. */
function skipName(message: Buffer, start: number): number | undefined {
  let at = start;
  for (;;) {
    const length = message[at];
    if (length === undefined || at - start > 255) return undefined;
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    if (length > 63) return undefined;
    at += 1 + length;
  }
}
