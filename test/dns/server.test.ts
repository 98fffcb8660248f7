import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { quietRun } from '../../src/core/run.ts';
import {
  buildZones,
  type DnsServer,
  type DnsServerOptions,
  lookup,
  lookupAddresses,
  startDnsServer,
} from '../../src/dns/index.ts';
import { harbourSite } from './harbour-site.ts';
import { kitchenZone } from './kitchen-zone.ts';
import { askTcp, askUdp, queryBytes } from './questioner.ts';
import { randomOf } from './random-zones.ts';

const zones = [...buildZones(harbourSite()), kitchenZone()];

async function start(options: Partial<DnsServerOptions> = {}): Promise<DnsServer> {
  const listen = ['127.0.0.1', '::1'].map((address) => ({ address, port: 0 }));
  const server = await startDnsServer({ zones, listen, ...options }, quietRun());
  onTestFinished(() => server.close());
  return server;
}

function first<T>(items: readonly T[]): T {
  const [item] = items;
  if (item === undefined) throw new Error('nothing there');
  return item;
}

describe('the embedded server', () => {
  test('answers on both families with one port', async () => {
    const server = await start();
    expect(new Set(server.addresses.map((at) => at.port)).size).toBe(1);
    for (const at of server.addresses) {
      const addresses = await lookupAddresses({ server: at, name: 'registry.lab.example.com' }, quietRun());
      expect(addresses).toEqual(['192.0.2.1', '2001:db8:10::1']);
      const options = { server: at, name: 'x.apps.hub.lab.example.com', type: 'A', transport: 'tcp' } as const;
      const tcp = await lookup(options, quietRun());
      expect(tcp).toMatchObject({ rcode: 'NOERROR', authoritative: true, transport: 'tcp' });
      expect(tcp.answers).toEqual([
        { name: 'x.apps.hub.lab.example.com', type: 'A', ttlSeconds: 300, value: '192.0.2.11' },
      ]);
    }
  });

  test('answers from replaced zones without a new socket', async () => {
    const server = await start();
    const at = first(server.addresses);
    server.replaceZones(buildZones(harbourSite({ web: { name: 'web', addresses: ['192.0.2.99'] } })));
    expect(await lookupAddresses({ server: at, name: 'web.lab.example.com' }, quietRun())).toEqual(['192.0.2.99']);
  });

  test('keeps serving after 5000 messages of random bytes and mutated queries', async () => {
    const seed = Date.now() % 1_000_000;
    console.log(`fuzz seed ${seed}`);
    const random = randomOf(seed);
    const server = await start();
    const at = first(server.addresses);
    const messages = Array.from({ length: 5000 }, (_, i) => (i % 2 ? randomBytes(random) : mutated(random, i)));
    const socket = (await import('node:dgram')).createSocket('udp4');
    for (const [i, message] of messages.entries()) {
      socket.send(message, at.port, at.address);
      if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    socket.close();
    for (let i = 0; i < 20; i += 1) {
      const stream = connect({ host: at.address, port: at.port });
      stream.on('error', () => {});
      stream.end(Buffer.concat(messages.slice(i * 20, i * 20 + 20)));
      await new Promise((resolve) => stream.resume().on('close', resolve));
    }
    const answer = await lookup({ server: at, name: 'registry.lab.example.com', type: 'A' }, quietRun());
    expect(answer.rcode).toBe('NOERROR');
  });

  test('cuts a large answer over UDP, and gives it whole over TCP', async () => {
    const server = await start();
    const at = first(server.addresses);
    for (const ednsBytes of [0, 512, 1232, 65_535]) {
      const query = queryBytes({ name: 'big.kitchen.test', type: 1, ednsBytes }, 1);
      const [udp] = await askUdp(at, [query]);
      expect(udp?.readUInt16BE(2)).toBe(0x8700 & ~0x0100);
      expect(udp?.length).toBeLessThanOrEqual(ednsBytes === 0 ? 512 : 1232);
    }
    const answer = await lookup({ server: at, name: 'big.kitchen.test', type: 'A' }, quietRun());
    expect(answer.transport).toBe('tcp');
    expect(answer.answers).toHaveLength(90);
  });

  test('sends no datagram above 1232 bytes, and little for ANY', async () => {
    const at = first((await start()).addresses);
    const any = await askUdp(at, [queryBytes({ name: 'big.kitchen.test', type: 255, ednsBytes: 4096 }, 1)]);
    expect(any[0]?.length).toBeLessThanOrEqual(1232);
    const apex = await askUdp(at, [queryBytes({ name: 'kitchen.test', type: 255, ednsBytes: 4096 }, 1)]);
    expect(first(apex).readUInt16BE(6)).toBe(1);
  });

  test('serves a thousand queries in order on one connection', async () => {
    const at = first((await start()).addresses);
    const queries = Array.from({ length: 1000 }, (_, id) =>
      queryBytes({ name: `route-${id}.apps.hub.lab.example.com`, type: 1 }, id),
    );
    const answers = await askTcp(at, queries);
    expect(answers.map((answer) => answer.readUInt16BE(0))).toEqual(queries.map((_, id) => id));
  });

  test('closes a connection that trickles, and the quietest when there are too many', async () => {
    const at = first((await start({ tcpIdleTimeoutMs: 150, maxTcpConnections: 2 })).addresses);
    const trickle = connect({ host: at.address, port: at.port });
    trickle.on('error', () => {});
    const drip = setInterval(() => trickle.write(Buffer.from([0])), 20);
    const started = performance.now();
    await new Promise((resolve) => trickle.resume().on('close', resolve));
    clearInterval(drip);
    expect(performance.now() - started).toBeLessThan(1000);

    const many = Array.from({ length: 3 }, () => connect({ host: at.address, port: at.port }));
    const closed: number[] = [];
    await Promise.all(
      many.map((socket, index) => {
        socket.on('error', () => {});
        return new Promise((resolve) =>
          socket.resume().on('close', () => {
            closed.push(index);
            resolve(undefined);
          }),
        );
      }),
    );
    expect(closed[0]).toBe(0);
  });

  test('closes a connection that takes none of its answers', async () => {
    const at = first((await start({ tcpIdleTimeoutMs: 200 })).addresses);
    const query = queryBytes({ name: 'big.kitchen.test', type: 1 }, 1);
    const framed = Buffer.concat([Buffer.from([0, query.length]), query]);
    const greedy = connect({ host: at.address, port: at.port });
    greedy.on('error', () => {});
    const before = process.memoryUsage().rss;
    // 60 MB of answers, of which the kernel's buffers take a few.
    greedy.pause().write(Buffer.concat(Array.from({ length: 40_000 }, () => framed)));
    await new Promise((resolve) => setTimeout(resolve, 2000));
    expect(process.memoryUsage().rss - before).toBeLessThan(40 * 2 ** 20);
    let takenBytes = 0;
    greedy.on('data', (chunk: Buffer) => {
      takenBytes += chunk.length;
    });
    await new Promise((resolve) => greedy.resume().on('close', resolve));
    expect(takenBytes).toBeLessThan(30 * 2 ** 20);
  });

  test('says which address it could not listen on, and why', async () => {
    const held = await start();
    const failure = startDnsServer({ zones, listen: [first(held.addresses)] }, quietRun());
    await expect(failure).rejects.toMatchObject({ code: 'DNS_LISTEN_FAILED', hint: expect.stringContaining('port') });
    await expect(
      startDnsServer({ zones, listen: [{ address: '192.0.2.254', port: 0 }] }, quietRun()),
    ).rejects.toMatchObject({ code: 'DNS_LISTEN_FAILED', hint: 'the address is not one of this host' });
  });

  test('stops when its run is aborted', async () => {
    const controller = new AbortController();
    const server = await startDnsServer(
      { zones, listen: [{ address: '127.0.0.1', port: 0 }] },
      quietRun({ signal: controller.signal }),
    );
    const at = first(server.addresses);
    controller.abort();
    await server.close();
    const asked = lookup({ server: at, name: 'lab.example.com', type: 'SOA', timeoutMs: 500 }, quietRun());
    await expect(asked).rejects.toMatchObject({ code: 'DNS_UNREACHABLE' });
  });
});

function randomBytes(random: () => number): Buffer {
  return Buffer.from(Array.from({ length: Math.floor(random() * 300) }, () => Math.floor(random() * 256)));
}

function mutated(random: () => number, id: number): Buffer {
  const message = queryBytes(
    { name: '*.apps.hub.lab.example.com', type: Math.floor(random() * 260), ednsBytes: 1232 },
    id,
  );
  for (let i = 0; i < 4; i += 1) message[2 + Math.floor(random() * (message.length - 2))] = Math.floor(random() * 256);
  return message.subarray(0, random() < 0.3 ? Math.floor(random() * message.length) : message.length);
}
