import { createSocket, type Socket } from 'node:dgram';
import { describe, expect, onTestFinished, test } from 'vitest';
import { quietRun } from '../../src/core/run.ts';
import { type DnsAddress, lookup } from '../../src/dns/index.ts';

type Liar = (query: Buffer, send: (answer: Buffer) => void) => void;

async function startLiar(liar: Liar): Promise<DnsAddress> {
  const socket: Socket = createSocket('udp4');
  socket.on('message', (query, peer) => liar(query, (answer) => socket.send(answer, peer.port, peer.address)));
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  onTestFinished(() => void socket.close());
  return { address: '127.0.0.1', port: socket.address().port };
}

/** The query as an answer with one A record of 192.0.2.9. */
function answerTo(query: Buffer): Buffer {
  const question = Buffer.from(query.subarray(0, query.length - 11));
  question.writeUInt16BE(0x8400, 2);
  question.writeUInt16BE(1, 6);
  question.writeUInt16BE(0, 10);
  return Buffer.concat([question, Buffer.from('c00c000100010000001e0004c0000209', 'hex')]);
}

const question = { name: 'registry.lab.example.com', type: 'A', timeoutMs: 600 } as const;

describe('lookup', () => {
  test('waits past answers with another id or question', async () => {
    const server = await startLiar((query, send) => {
      const foreignId = answerTo(query);
      foreignId.writeUInt16BE(foreignId.readUInt16BE(0) ^ 1, 0);
      const foreignName = answerTo(query);
      foreignName.writeUInt8(0x78, 14);
      for (const answer of [foreignId, foreignName, Buffer.from([1, 2, 3]), answerTo(query)]) send(answer);
    });
    const answer = await lookup({ ...question, server }, quietRun());
    expect(answer.answers.map((record) => record.value)).toEqual(['192.0.2.9']);
    expect(answer.answers[0]?.ttlSeconds).toBe(30);
  });

  test('asks again when a datagram is lost', async () => {
    let asked = 0;
    const server = await startLiar((query, send) => {
      asked += 1;
      if (asked === 2) send(answerTo(query));
    });
    expect((await lookup({ ...question, server }, quietRun())).rcode).toBe('NOERROR');
  });

  test('gives up in time on a silent server', async () => {
    const server = await startLiar(() => {});
    const started = performance.now();
    await expect(lookup({ ...question, server }, quietRun())).rejects.toMatchObject({ code: 'DNS_TIMEOUT' });
    expect(performance.now() - started).toBeLessThan(2000);
  });

  test('refuses an answer that cannot be read', async () => {
    const server = await startLiar((query, send) => send(answerTo(query).subarray(0, -6)));
    await expect(lookup({ ...question, server }, quietRun())).rejects.toMatchObject({ code: 'DNS_ANSWER_INVALID' });
  });

  test('says at once that nobody listens', async () => {
    const server = await startLiar(() => {});
    const dead = { address: '::1', port: server.port };
    for (const transport of [undefined, 'tcp'] as const) {
      const options = { ...question, server: dead, ...(transport && { transport }) };
      await expect(lookup(options, quietRun())).rejects.toMatchObject({ code: 'DNS_UNREACHABLE' });
    }
  });

  test('says at once that no way leads there', async () => {
    // The kernel refuses to connect to the broadcast address, as it does where there is no route.
    const server = { address: '255.255.255.255', port: 53 };
    await expect(lookup({ ...question, server }, quietRun())).rejects.toMatchObject({ code: 'DNS_UNREACHABLE' });
  });

  test('ends when the run is aborted', async () => {
    const controller = new AbortController();
    const server = await startLiar(() => controller.abort());
    const asked = lookup({ ...question, server, timeoutMs: 30_000 }, quietRun({ signal: controller.signal }));
    await expect(asked).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
