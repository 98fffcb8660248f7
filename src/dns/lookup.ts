import { randomInt } from 'node:crypto';
import dnsPacket from 'dns-packet';
import { AirlockError } from '../core/errors.ts';
import { hostPort, parseIp } from '../core/ip.ts';
import type { Run } from '../core/run.ts';
import { exchangeTcp, exchangeUdp } from './exchange.ts';
import { type DomainName, parseDomainName } from './name.ts';
import type { RecordType } from './rrset.ts';
import type { DnsAddress } from './server.ts';

export interface LookupOptions {
  /** Asked directly; never the system's resolver. */
  readonly server: DnsAddress;
  readonly name: string;
  readonly type: RecordType;
  /** For the whole look-up; UDP is asked up to three times within it. Default 5000. */
  readonly timeoutMs?: number;
  /** Leaves UDP out: for checks that a server answers over TCP too. */
  readonly transport?: 'tcp';
  /** Asks for recursion; on unless false. A site's own server answers its zones either way. */
  readonly recursionDesired?: boolean;
}

/** One record of an answer; `value` as in a zone file, names without the final dot. */
export interface AnswerRecord {
  readonly name: string;
  readonly type: string;
  readonly ttlSeconds: number;
  readonly value: string;
}

/** What a server said. Read `rcode` before the records: NOERROR without records is "no such type", not "no such name". */
export interface Answer {
  readonly rcode: string;
  readonly authoritative: boolean;
  readonly transport: 'udp' | 'tcp';
  readonly answers: readonly AnswerRecord[];
  readonly authority: readonly AnswerRecord[];
}

/**
 * Asks one server one question, over UDP and, where the answer was cut, again over TCP.
 * @throws AirlockError DNS_NAME_INVALID, DNS_TIMEOUT, DNS_UNREACHABLE, DNS_ANSWER_INVALID, CANCELLED
 */
export async function lookup(options: LookupOptions, run: Run): Promise<Answer> {
  const name = parseDomainName(options.name);
  const deadline = Date.now() + (options.timeoutMs ?? 5000);
  const query = encodeQuery(name, options);
  if (options.transport !== 'tcp') {
    const answer = readAnswer(await exchangeUdp(options.server, query, deadline, run), 'udp', options.server);
    if (!answer.truncated) return answer.answer;
  }
  return readAnswer(await exchangeTcp(options.server, query, deadline, run), 'tcp', options.server).answer;
}

/**
 * The addresses of a name, canonical and sorted, one family or both; aliases that the server followed are followed. Empty when it has none.
 * @throws as `lookup`
 */
export async function lookupAddresses(
  options: Omit<LookupOptions, 'type'> & { readonly types?: readonly ('A' | 'AAAA')[] },
  run: Run,
): Promise<string[]> {
  const { types = ['A', 'AAAA'], ...rest } = options;
  const answers = await Promise.all(types.map((type) => lookup({ ...rest, type }, run)));
  return answers.flatMap((answer, index) =>
    answer.answers.filter((record) => record.type === types[index]).map((record) => record.value),
  );
}

function encodeQuery(name: DomainName, options: LookupOptions): Buffer {
  return dnsPacket.encode({
    type: 'query',
    id: randomInt(65_536),
    flags: options.recursionDesired === false ? 0 : dnsPacket.RECURSION_DESIRED,
    questions: [{ type: options.type, name, class: 'IN' }],
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: 1232,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ],
  });
}

function readAnswer(
  message: Buffer,
  transport: 'udp' | 'tcp',
  server: DnsAddress,
): { answer: Answer; truncated: boolean } {
  try {
    const packet = dnsPacket.decode(message);
    // dns-packet puts rcode, AA and TC on decoded packets, which its types leave out for `decode`.
    const flags = packet.flags ?? 0;
    const answer = {
      rcode: rcodeNames[flags & 15] ?? `RCODE${flags & 15}`,
      authoritative: (flags & dnsPacket.AUTHORITATIVE_ANSWER) !== 0,
      transport,
      answers: (packet.answers ?? []).flatMap(recordOf),
      authority: (packet.authorities ?? []).flatMap(recordOf),
    };
    return { answer, truncated: (flags & dnsPacket.TRUNCATED_RESPONSE) !== 0 };
  } catch (error) {
    throw new AirlockError(
      'DNS_ANSWER_INVALID',
      `the answer of ${hostPort(server.address, server.port)} cannot be read`,
      { cause: error },
    );
  }
}

const rcodeNames: readonly string[] = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];

function recordOf(record: dnsPacket.Answer): AnswerRecord[] {
  const value = recordValue(record);
  if (value === undefined) return [];
  const ttlSeconds = 'ttl' in record ? (record.ttl ?? 0) : 0;
  return [{ name: record.name.toLowerCase(), type: record.type, ttlSeconds, value }];
}

function recordValue(record: dnsPacket.Answer): string | undefined {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return parseIp(record.data).text;
    case 'CNAME':
    case 'NS':
    case 'PTR':
      return record.data.toLowerCase();
    case 'SRV':
      return `${record.data.priority ?? 0} ${record.data.weight ?? 0} ${record.data.port} ${record.data.target.toLowerCase()}`;
    case 'SOA':
      return `${record.data.mname} ${record.data.rname} ${record.data.serial} ${record.data.refresh} ${record.data.retry} ${record.data.expire} ${record.data.minimum}`;
    case 'TXT':
      return [record.data].flat().map(String).join('');
    default:
      return undefined;
  }
}
