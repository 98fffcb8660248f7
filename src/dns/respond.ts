import { answerQuestion, type ZoneAnswer } from './answer.ts';
import { classInternet, queryTypes, type Rcode, rcodes } from './codes.ts';
import { encodeResponse } from './encode.ts';
import { parseQuery, type QueryEdns, type QueryHeader, type Question } from './query.ts';
import type { ZoneTable } from './zone-index.ts';

/**
 * The most that goes out in one datagram: fits every path's MTU unfragmented (DNS flag day 2020), and bounds what a forged source address
 * can be sent.
 */
export const udpPayloadBytes = 1232;
const plainUdpBytes = 512;

/** The response to a message, undefined where none may be sent. Never throws, whatever the bytes. */
export function respond(table: ZoneTable, message: Buffer, transport: 'udp' | 'tcp'): Buffer | undefined {
  const query = parseQuery(message);
  switch (query.kind) {
    case 'ignored':
      return undefined;
    case 'malformed':
      return bareResponse(query.header, 'FORMERR');
    case 'other-opcode':
      return bareResponse(query.header, 'NOTIMP');
    case 'query': {
      const answer = answerQuery(table, query.question, query.edns);
      return encodeResponse(
        {
          ...answer,
          header: query.header,
          rcode: rcodes[answer.rcode],
          question: query.question,
          edns: query.edns && { payloadBytes: udpPayloadBytes, dnssecOk: query.edns.dnssecOk },
        },
        limitOf(query.edns, transport),
      );
    }
  }
}

function limitOf(edns: QueryEdns | undefined, transport: 'udp' | 'tcp'): number {
  if (transport === 'tcp') return 65_535;
  return edns ? Math.min(Math.max(edns.payloadBytes, plainUdpBytes), udpPayloadBytes) : plainUdpBytes;
}

function answerQuery(table: ZoneTable, question: Question, edns: QueryEdns | undefined): ZoneAnswer {
  if (edns && edns.version > 0) return empty('BADVERS');
  if (question.class !== classInternet) return empty('REFUSED');
  switch (question.type) {
    case queryTypes.AXFR:
    case queryTypes.IXFR:
      return empty('REFUSED');
    case queryTypes.MAILA:
    case queryTypes.MAILB:
      return empty('NOTIMP');
    case queryTypes.OPT:
    case queryTypes.TKEY:
    case queryTypes.TSIG:
      return empty('FORMERR');
    default:
      return answerQuestion(table, question.labels, question.type);
  }
}

function empty(rcode: Rcode): ZoneAnswer {
  return { rcode, authoritative: false, answers: [], authority: [], additional: [] };
}

function bareResponse(header: QueryHeader, rcode: Rcode): Buffer {
  return encodeResponse({ ...empty(rcode), header, rcode: rcodes[rcode], question: undefined, edns: undefined }, 512);
}
