import { MessageWriter } from './message-writer.ts';
import type { QueryHeader, Question } from './query.ts';
import type { RRset } from './rrset.ts';

/** What a response says, before it is made to fit. */
export interface Response {
  readonly header: QueryHeader;
  /** Extended codes (above 15) need `edns`. */
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly question: Question | undefined;
  readonly answers: readonly RRset[];
  readonly authority: readonly RRset[];
  readonly additional: readonly RRset[];
  /** Present when the query had EDNS. */
  readonly edns: { readonly payloadBytes: number; readonly dnssecOk: boolean } | undefined;
}

const optBytes = 11;

/**
 * The response as bytes, at most `limitBytes`. What does not fit is left out from the end by whole RRsets; leaving out an answer or an
 * authority set sets TC, so that the client comes back over TCP (RFC 2181 §9).
 */
export function encodeResponse(response: Response, limitBytes: number): Buffer {
  const room = limitBytes - (response.edns ? optBytes : 0);
  const writer = new MessageWriter();
  writer.raw(Buffer.alloc(12));
  if (response.question) writer.question(response.question);
  const answers = writer.rrsets(response.answers, room);
  const authority = answers.whole ? writer.rrsets(response.authority, room) : { count: 0, whole: false };
  const additional = authority.whole ? writer.rrsets(response.additional, room) : { count: 0, whole: false };
  if (response.edns) writer.opt(response.edns, response.rcode >> 4);
  const message = writer.bytes();
  message.writeUInt16BE(response.header.id, 0);
  message.writeUInt16BE(flagsOf(response, !answers.whole || !authority.whole), 2);
  message.writeUInt16BE(response.question ? 1 : 0, 4);
  message.writeUInt16BE(answers.count, 6);
  message.writeUInt16BE(authority.count, 8);
  message.writeUInt16BE(additional.count + (response.edns ? 1 : 0), 10);
  return message;
}

function flagsOf(response: Response, truncated: boolean): number {
  const { header } = response;
  let flags = 0x8000 | (header.opcode << 11) | (response.rcode & 15);
  if (response.authoritative) flags |= 0x0400;
  if (truncated) flags |= 0x0200;
  if (header.recursionDesired) flags |= 0x0100;
  if (header.checkingDisabled) flags |= 0x0010;
  return flags;
}
