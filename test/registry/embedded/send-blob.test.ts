import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import http, { type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { AccessEntry } from '../../../src/core/access-log.ts';
import { nodeDisk } from '../../../src/core/disk.ts';
import { findZeroCopy, type ZeroCopy } from '../../../src/core/zero-copy.ts';
import { digestOf, sliceOfFile } from '../../../src/oci/index.ts';
import { sendSlice } from '../../../src/registry/embedded/send-blob.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { openKitchen, pushBlob } from '../kitchen.ts';

const content = randomBytes((9 << 20) + 321);
const real = findZeroCopy();
/** Where the blob begins in its file, as in the volume of a bundle. */
const offsetBytes = 12_345;
const sizeBytes = content.length - 2 * offsetBytes;

async function sent(zeroCopy: ZeroCopy | undefined, range: { start: number; end: number }) {
  const file = path.join(await temporaryFolder(), 'volume.tar');
  await writeFile(file, content);
  const handle = sliceOfFile(await nodeDisk.open(file, 'read'), offsetBytes, sizeBytes);
  const exchanges: { uncopiedBytes: number }[] = [];
  const server = http.createServer((request, response: ServerResponse) => {
    const query = new URLSearchParams();
    const exchange = { request, response, method: 'GET', path: '/', query, uncopiedBytes: 0 };
    exchanges.push(exchange);
    response.writeHead(200, { 'content-length': range.end - range.start + 1 });
    void sendSlice(exchange, handle, range, { bufferBytes: 1 << 20, zeroCopy });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.close();
    await handle.close();
  });
  const got = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return { body: Buffer.from(await got.arrayBuffer()), uncopiedBytes: exchanges[0]?.uncopiedBytes ?? 0 };
}

describe('a blob inside of a larger file', () => {
  const range = { start: 777, end: sizeBytes - 99 };
  const wanted = content.subarray(offsetBytes + range.start, offsetBytes + range.end + 1);

  test.skipIf(!real)('is sent by the kernel, but for its first bytes', async () => {
    const { body, uncopiedBytes } = await sent(real, range);
    expect(body.equals(wanted)).toBe(true);
    expect(uncopiedBytes).toBe(wanted.length - 4096);
  });

  test('is sent through buffers where the kernel cannot', async () => {
    const { body, uncopiedBytes } = await sent(undefined, range);
    expect(body.equals(wanted)).toBe(true);
    expect(uncopiedBytes).toBe(0);
  });

  test.skipIf(!real)('is sent through buffers from where it is not cached', async () => {
    for (const cachedBytes of [0, 3 << 20]) {
      const calls: ZeroCopy = {
        ...(real as ZeroCopy),
        readCached: (file, buffer, position) =>
          position < cachedBytes ? (real?.readCached(file, buffer, position) ?? 0) : 0,
      };
      const { body, uncopiedBytes } = await sent(calls, range);
      expect(body.equals(wanted)).toBe(true);
      expect(uncopiedBytes).toBeLessThan(3 << 20);
    }
  });

  test.skipIf(!real)('is sent through a buffer where it is short', async () => {
    const { body, uncopiedBytes } = await sent(real, { start: 5, end: 99_999 });
    expect(body.equals(content.subarray(offsetBytes + 5, offsetBytes + 100_000))).toBe(true);
    expect(uncopiedBytes).toBe(0);
  });
});

describe.each([true, false])('the registry, by the kernel where it can: %s', (zeroCopy) => {
  test('gives large blobs one after the other over one connection, at once, and logs their bytes', async () => {
    const entries: AccessEntry[] = [];
    const kitchen = await openKitchen({ zeroCopy, accessLog: (entry) => entries.push(entry) });
    const name = digestOf(content);
    await pushBlob(kitchen, 'kitchen/bread', name, content);
    entries.length = 0;
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    const started = performance.now();
    for (let round = 0; round < 10; round += 1)
      expect((await pull(`${kitchen.url}/v2/kitchen/bread/blobs/${name}`, agent)).equals(content)).toBe(true);
    // An answer whose end waited for the kernel's patience with small packets would take 200 ms.
    expect(performance.now() - started).toBeLessThan(2000);
    await expect.poll(() => entries.length).toBe(10);
    for (const entry of entries) {
      expect(entry.sentBytes - content.length).toBeGreaterThan(0);
      expect(entry.sentBytes - content.length).toBeLessThan(2000);
    }
  });
});

function pull(url: string, agent: http.Agent): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    http
      .get(url, { agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => resolve(Buffer.concat(chunks)));
      })
      .on('error', reject);
  });
}
