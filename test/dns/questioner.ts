import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import dnsPacket from 'dns-packet';
import { findIpFamily } from '../../src/core/ip.ts';
import type { DnsAddress } from '../../src/dns/index.ts';

/** What the comparison asks; `ednsBytes` 0 means no EDNS. */
export interface Query {
  readonly name: string;
  readonly type: number;
  readonly ednsBytes?: number;
}

/** A query's bytes, made by a codec that shares nothing with the server; types are numbers, so that any can be asked. */
export function queryBytes(query: Query, id: number): Buffer {
  const message = dnsPacket.encode({
    type: 'query',
    id,
    questions: [{ type: 'A', name: query.name, class: 'IN' }],
    additionals: query.ednsBytes
      ? [
          {
            type: 'OPT',
            name: '.',
            udpPayloadSize: query.ednsBytes,
            extendedRcode: 0,
            ednsVersion: 0,
            flags: 0,
            flag_do: false,
            options: [],
          },
        ]
      : [],
  });
  message.writeUInt16BE(query.type, message.length - 4 - (query.ednsBytes ? 11 : 0));
  return message;
}

/** Asks all queries over one UDP socket, some dozens in flight; answers in the order of the queries. */
export async function askUdp(server: DnsAddress, queries: readonly Buffer[]): Promise<Buffer[]> {
  const socket = createSocket(findIpFamily(server.address) === 6 ? 'udp6' : 'udp4');
  const waiting = new Map<number, (answer: Buffer) => void>();
  socket.on('message', (message) => waiting.get(message.readUInt16BE(0))?.(message));
  const one = (query: Buffer): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer to ${query.toString('hex')}`)), 5000);
      waiting.set(query.readUInt16BE(0), (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      socket.send(query, server.port, server.address);
    });
  const answers: Buffer[] = [];
  try {
    for (let at = 0; at < queries.length; at += 40)
      answers.push(...(await Promise.all(queries.slice(at, at + 40).map(one))));
  } finally {
    socket.close();
  }
  return answers;
}

/** Asks all queries over one TCP connection without waiting in between. */
export function askTcp(server: DnsAddress, queries: readonly Buffer[]): Promise<Buffer[]> {
  const byId = new Map<number, Buffer>();
  let held = Buffer.alloc(0);
  const socket = connect({ host: server.address, port: server.port });
  for (const query of queries)
    socket.write(Buffer.concat([Buffer.from([query.length >> 8, query.length & 255]), query]));
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`closed after ${byId.size} of ${queries.length} answers`)));
    socket.on('data', (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
        const end = 2 + held.readUInt16BE(0);
        byId.set(held.readUInt16BE(2), Buffer.from(held.subarray(2, end)));
        held = held.subarray(end);
      }
      if (byId.size < queries.length) return;
      resolve(queries.map((query) => byId.get(query.readUInt16BE(0)) ?? Buffer.alloc(0)));
      socket.destroy();
    });
  });
}

/** An answer as comparable text: code, AA, TC, sections as sorted sets. A cut answer says only that it is cut. */
export function describeAnswer(message: Buffer): string {
  const packet = dnsPacket.decode(message);
  const flags = packet.flags ?? 0;
  const truncated = (flags & dnsPacket.TRUNCATED_RESPONSE) !== 0;
  const opt = (packet.additionals ?? []).find((record) => record.type === 'OPT');
  const rcode = (flags & 15) + (opt?.type === 'OPT' ? opt.extendedRcode * 16 : 0);
  const head = `rcode=${rcode} aa=${(flags & dnsPacket.AUTHORITATIVE_ANSWER) !== 0} tc=${truncated} edns=${opt !== undefined}`;
  if (truncated) return head;
  return `${head}\n${sectionText(packet.answers)}\n--\n${sectionText(packet.authorities)}`;
}

function sectionText(records: readonly dnsPacket.Answer[] | undefined): string {
  return (records ?? [])
    .map((record) => {
      const { name, type, ...rest } = record;
      return `${name} ${type} ${JSON.stringify(rest)}`.toLowerCase();
    })
    .sort()
    .join('\n');
}
