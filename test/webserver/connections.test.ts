import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:https';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createCertificateAuthority, issueLeaf, type KeyAndCertificate } from '../../src/certs/index.ts';
import type { WebTls } from '../../src/webserver/index.ts';
import { isoFile, isoPath, start } from './serving.ts';

let ca: KeyAndCertificate;
async function tlsFor(name: string): Promise<WebTls> {
  const leaf = await issueLeaf({ ca, names: [name], addresses: ['::1'], validityDays: 2, now: new Date() });
  return { cert: leaf.certificatePem, key: leaf.keyPem };
}
beforeAll(async () => {
  ca = await createCertificateAuthority({ commonName: 'Kitchen CA', validityDays: 10, now: new Date(), keyBits: 2048 });
});

function open(port: number, secure: boolean): Socket {
  const socket = secure ? connectTls({ host: '::1', port, ca: ca.certificatePem }) : connect({ host: '::1', port });
  onTestFinished(() => void socket.destroy());
  return socket;
}

describe('the connections of a web server', () => {
  test('are cut when request headers do not come', async () => {
    const { port } = await start({ headersTimeoutMs: 200 });
    const socket = open(port, false);
    socket.write('GET / HTTP/1.1\r\nHost: web\r\n');
    const drip = setInterval(() => socket.write('X-Slow: 1\r\n'), 50);
    onTestFinished(() => clearInterval(drip));
    const started = performance.now();
    await new Promise((resolve) => socket.resume().on('error', resolve).on('close', resolve));
    expect(performance.now() - started).toBeLessThan(3000);
  });

  test.each([false, true])('go on for a reader that is slow but takes bytes (TLS: %s)', async (secure) => {
    const content = randomBytes(24 << 20);
    const options = {
      listen: [{ address: '::1', port: 0, tls: secure }],
      tls: await tlsFor('web'),
      files: [await isoFile(content)],
    };
    const { port, server } = await start({ ...options, stallTimeoutMs: 700 });
    await server.verified;
    const socket = open(port, secure);
    socket.write(`GET ${isoPath} HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n`);
    const hash = createHash('sha256');
    let [head, bytes] = ['', 0];
    const started = performance.now();
    // Takes 2 MiB a time with pauses: far longer in all than the stall time-out, never so long without a byte.
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      const body = head.includes('\r\n\r\n') ? chunk : chunk.subarray(chunk.indexOf('\r\n\r\n') + 4);
      head ||= chunk.toString('latin1');
      hash.update(body);
      const before = Math.floor(bytes / (2 << 20));
      bytes += body.length;
      if (Math.floor(bytes / (2 << 20)) > before) await delay(200);
    }
    expect(performance.now() - started).toBeGreaterThan(1400);
    expect(bytes).toBe(content.length);
    expect(hash.digest('hex')).toBe(createHash('sha256').update(content).digest('hex'));
  });

  test.each([false, true])('are cut when the reader takes nothing at all (TLS: %s)', async (secure) => {
    const options = {
      listen: [{ address: '::1', port: 0, tls: secure }],
      tls: await tlsFor('web'),
      files: [await isoFile(randomBytes(24 << 20))],
    };
    const ended: boolean[] = [];
    const { port, server } = await start({
      ...options,
      stallTimeoutMs: 400,
      accessLog: (entry) => ended.push(entry.complete),
    });
    await server.verified;
    const socket = open(port, secure);
    socket.on('error', () => {}).pause();
    socket.write(`GET ${isoPath} HTTP/1.1\r\nHost: web\r\n\r\n`);
    await expect.poll(() => ended, { timeout: 5000 }).toEqual([false]);
  });

  test('that are open keep their certificate, new ones get the new one', async () => {
    const { port, server } = await start({
      listen: [{ address: '::1', port: 0, tls: true }],
      tls: await tlsFor('old.example'),
      files: [await isoFile(Buffer.from('iso'))],
    });
    const first = open(port, true) as ReturnType<typeof connectTls>;
    await new Promise((resolve) => first.once('secureConnect', resolve));
    server.replaceTls(await tlsFor('new.example'));
    const second = open(port, true) as ReturnType<typeof connectTls>;
    await new Promise((resolve) => second.once('secureConnect', resolve));
    expect([first, second].map((socket) => socket.getPeerX509Certificate()?.subject.split('CN=')[1])).toEqual([
      'old.example',
      'new.example',
    ]);
    first.write(`GET ${isoPath} HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n`);
    const answer = await new Promise<string>((resolve) => first.once('data', (data) => resolve(data.toString())));
    expect(answer).toContain('200 OK');
    const other = await tlsFor('other.example');
    expect(() => server.replaceTls({ cert: other.cert, key: ca.keyPem })).toThrow(
      expect.objectContaining({ code: 'WEB_TLS_INVALID' }),
    );
  });

  test('do not hold up the end of the server, whatever they are doing', async () => {
    const listen = [
      { address: '::1', port: 0 },
      { address: '::1', port: 0, tls: true },
    ];
    const { server } = await start({ listen, tls: await tlsFor('web'), files: [await isoFile(randomBytes(24 << 20))] });
    const [plain = 0, secure = 0] = server.addresses.map(({ port }) => port);
    const reading = open(plain, false);
    reading.on('error', () => {});
    reading.write(`GET ${isoPath} HTTP/1.1\r\nHost: web\r\n\r\n`);
    const handshake = open(secure, false).on('error', () => {});
    const idle = open(plain, false).on('error', () => {});
    await Promise.all(
      [reading, handshake, idle].map((socket) => new Promise((resolve) => socket.once('connect', resolve))),
    );
    await delay(50);
    const started = performance.now();
    await server.close();
    expect(performance.now() - started).toBeLessThan(1000);
  });

  test('get time to finish a download when the server ends with grace', async () => {
    const content = randomBytes(8 << 20);
    const { url, server } = await start({ files: [await isoFile(content)] });
    const response = await fetch(url + isoPath);
    const started = performance.now();
    const [body] = await Promise.all([response.arrayBuffer(), server.close(20_000)]);
    expect(body.byteLength).toBe(content.length);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test('use AES-128, with a new certificate too', async () => {
    const { server, port } = await start({
      listen: [{ address: '::1', port: 0, tls: true }],
      tls: await tlsFor('web'),
    });
    for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
      const socket = connectTls({ host: '::1', port, ca: ca.certificatePem, servername: 'web', maxVersion });
      await once(socket, 'secureConnect');
      expect(socket.getCipher().standardName).toMatch(/_AES_128_GCM_SHA256$/);
      socket.destroy();
      server.replaceTls(await tlsFor('web'));
    }
  });

  test('use TLS 1.2 or newer', async () => {
    const { port } = await start({ listen: [{ address: '::1', port: 0, tls: true }], tls: await tlsFor('web') });
    const old = new Promise((resolve, reject) => {
      request(
        {
          host: '::1',
          port,
          ca: ca.certificatePem,
          maxVersion: 'TLSv1.1',
          minVersion: 'TLSv1',
          ciphers: 'DEFAULT@SECLEVEL=0',
        },
        resolve,
      )
        .on('error', reject)
        .end();
    });
    await expect(old).rejects.toThrow();
  });

  test('sixty-four at once all get their own range', async () => {
    const content = randomBytes(4 << 20);
    const { url } = await start({ files: [await isoFile(content)] });
    const size = content.length / 64;
    const wrong = await Promise.all(
      Array.from({ length: 64 }, async (_, index) => {
        const [first, last] = [index * size, (index + 1) * size - 1];
        const response = await fetch(url + isoPath, { headers: { range: `bytes=${first}-${last}` } });
        return Buffer.from(await response.arrayBuffer()).equals(content.subarray(first, last + 1)) ? [] : [index];
      }),
    );
    expect(wrong.flat()).toEqual([]);
  });
});
