import { randomBytes } from 'node:crypto';
import { open, writeFile } from 'node:fs/promises';
import http, { type RequestListener } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { AccessEntry } from '../../src/core/access-log.ts';
import { findZeroCopy, type ZeroCopy } from '../../src/core/zero-copy.ts';
import { BufferPool } from '../../src/webserver/buffer-pool.ts';
import { sendSpan } from '../../src/webserver/send-span.ts';
import { makeCertificate } from '../helpers/certificate.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { isoFile, isoPath, start } from './serving.ts';

const content = randomBytes((5 << 20) + 4321);
const real = findZeroCopy();

/** What the kernel would do, through buffers, for a socket that never has room; `cached` says which positions are in the page cache. */
function pretend(calls: string[], cached: (position: number) => boolean): ZeroCopy {
  return {
    readCached(_file, buffer, position) {
      if (!cached(position)) return 0;
      return content.copy(buffer, 0, position, position + buffer.length);
    },
    sendFile() {
      calls.push('sendFile');
      return 0;
    },
    cork() {},
    congestionControl: () => undefined,
    setCongestionControl: () => false,
    watchRoom(_socket, onRoom) {
      const announced = setImmediate(onRoom);
      return () => clearImmediate(announced);
    },
  };
}

interface Wish {
  readonly mayEnd?: boolean;
  readonly tls?: boolean;
}

async function served(zeroCopy: ZeroCopy | undefined, span: { first: number; last: number }, wish: Wish = {}) {
  const { mayEnd = true, tls } = wish;
  const file = path.join(await temporaryFolder(), 'kitchen.iso');
  await writeFile(file, content);
  const handle = await open(file);
  const exchanges: { uncopiedBytes: number }[] = [];
  const answerRequest: RequestListener = async (request, response) => {
    const exchange = { request, response, now: new Date(0), uncopiedBytes: 0 };
    exchanges.push(exchange);
    response.writeHead(200, { 'Content-Length': span.last - span.first + 1 });
    const pool = new BufferPool();
    if (await sendSpan({ exchange, handle, span, pool, zeroCopy, mayEnd: () => Promise.resolve(mayEnd) }))
      response.end();
  };
  const pair = tls ? await makeCertificate() : undefined;
  const server = pair ? https.createServer({ ...pair }, answerRequest) : http.createServer(answerRequest);
  await new Promise<void>((resolve) => server.listen(0, '::1', resolve));
  onTestFinished(async () => {
    server.close();
    await handle.close();
  });
  const { port } = server.address() as AddressInfo;
  const answer = await get(`${tls ? 'https' : 'http'}://[::1]:${port}/`).catch(() => undefined);
  return { answer, uncopiedBytes: exchanges[0]?.uncopiedBytes };
}

/** The whole body of an answer; rejects when it breaks off. */
function get(url: string): Promise<Buffer> {
  const { request } = url.startsWith('https:') ? https : http;
  return new Promise((resolve, reject) => {
    const asked = request(url, { rejectUnauthorized: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve(Buffer.concat(chunks)));
    });
    asked.on('error', reject);
    asked.end();
  });
}

describe('a span sent from the page cache', () => {
  const span = { first: 12_345, last: content.length - 7 };
  const wanted = content.subarray(span.first, span.last + 1);

  test.skipIf(!real)('has the bytes of the file, none copied but the first few and the last', async () => {
    const { answer, uncopiedBytes } = await served(real, span);
    expect(answer?.equals(wanted)).toBe(true);
    expect(uncopiedBytes).toBe(wanted.length - 4096 - 1);
  });

  test('is read through a buffer where nothing is cached', async () => {
    const calls: string[] = [];
    const { answer } = await served(
      pretend(calls, () => false),
      span,
    );
    expect(answer?.equals(wanted)).toBe(true);
    expect(calls).toEqual([]);
  });

  test('goes on through buffers where a socket never takes a file', async () => {
    const calls: string[] = [];
    const { answer } = await served(
      pretend(calls, () => true),
      span,
    );
    expect(answer?.equals(wanted)).toBe(true);
    expect(calls.length).toBeGreaterThan(0);
  });

  test('goes through buffers where only every other megabyte is cached', async () => {
    const { answer } = await served(
      pretend([], (position) => position % (2 << 20) < 1 << 20),
      span,
    );
    expect(answer?.equals(wanted)).toBe(true);
  });

  test('is broken off before its last byte when it may not end', async () => {
    expect((await served(real, span, { mayEnd: false })).answer).toBeUndefined();
    expect((await served(real, span, { mayEnd: false, tls: true })).answer).toBeUndefined();
    expect((await served(undefined, span, { mayEnd: false })).answer).toBeUndefined();
  });

  test.each([
    ['all of it', () => true],
    ['nothing', () => false],
    ['every other megabyte', (position: number) => position % (2 << 20) < 1 << 20],
  ])('is encrypted whole where %s is cached', async (_, cached) => {
    const { answer, uncopiedBytes } = await served(pretend([], cached), span, { tls: true });
    expect(answer?.equals(wanted)).toBe(true);
    expect(uncopiedBytes).toBe(0);
  });

  test('is encrypted whole where the page cache gives less than was asked for', async () => {
    const bits = [100, 20_000, 1 << 20, 0];
    const some: ZeroCopy = {
      readCached: (_file, buffer, position) =>
        content.copy(buffer, 0, position, position + Math.min(buffer.length, bits[position % 4] ?? 0)),
      sendFile: () => 0,
      cork: () => {},
      congestionControl: () => undefined,
      setCongestionControl: () => false,
      watchRoom: () => undefined,
    };
    expect((await served(some, span, { tls: true })).answer?.equals(wanted)).toBe(true);
  });

  test.skipIf(!real)('is encrypted whole as it really lies in the page cache', async () => {
    expect((await served(real, span, { tls: true })).answer?.equals(wanted)).toBe(true);
  });
});

describe('the web server', () => {
  test.each([true, false])('counts every byte that it sent in its log (without copying: %s)', async (zeroCopy) => {
    const entries: AccessEntry[] = [];
    const { url } = await start({
      files: [await isoFile(content)],
      accessLog: (entry) => entries.push(entry),
      zeroCopy,
    });
    const answer = await fetch(`${url}${isoPath}`);
    expect(Buffer.from(await answer.arrayBuffer()).equals(content)).toBe(true);
    await expect.poll(() => entries.length).toBe(1);
    const sent = entries[0]?.sentBytes ?? 0;
    expect(sent - content.length).toBeGreaterThan(0);
    expect(sent - content.length).toBeLessThan(2000);
  });
});
