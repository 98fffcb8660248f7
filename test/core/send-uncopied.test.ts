import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import http, { type ServerResponse } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { sendUncopied } from '../../src/core/send-uncopied.ts';
import { findZeroCopy, type ZeroCopy } from '../../src/core/zero-copy.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const content = randomBytes(24 << 20);
const real = findZeroCopy();

interface Sent {
  /** Where sending ended; undefined while it goes on. */
  position?: number;
  bytes: number;
}

/** A server that answers every request with the head through the stream and then the file from `start` on, and a socket that asked it. */
async function asked(calls: ZeroCopy, start = 0) {
  const file = path.join(await temporaryFolder(), 'kitchen.iso');
  await writeFile(file, content);
  const handle = await open(file);
  const sent: Sent = { bytes: 0 };
  const responses: ServerResponse[] = [];
  const server = http.createServer((_, response) => {
    responses.push(response);
    response.writeHead(200, { 'Content-Length': content.length - start }).flushHeaders();
    const part = { file: handle, start, end: content.length };
    const count = (bytes: number): void => {
      sent.bytes += bytes;
    };
    void sendUncopied(response, part, calls, count).then((position) => {
      sent.position = position;
    });
  });
  server.setTimeout(500, (socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => {}).pause();
  onTestFinished(async () => {
    socket.destroy();
    server.close();
    await handle.close();
  });
  socket.write('GET / HTTP/1.1\r\nHost: kitchen\r\n\r\n');
  await expect.poll(() => responses.length).toBe(1);
  return { sent, socket, response: responses[0] as ServerResponse };
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

describe.skipIf(!real)('a file handed to a socket by the kernel', () => {
  const calls = real as ZeroCopy;

  test('arrives whole, however often the reader pauses', async () => {
    const { sent, socket } = await asked(calls, 1000);
    const chunks: Buffer[] = [];
    let [bytes, pauses] = [0, 0];
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > (pauses + 1) * (3 << 20)) {
        pauses += 1;
        await delay(20);
      }
      if (bytes >= content.length - 1000) break;
    }
    const all = Buffer.concat(chunks);
    const body = all.subarray(all.indexOf('\r\n\r\n') + 4);
    expect(body.equals(content.subarray(1000))).toBe(true);
    await expect.poll(() => sent).toEqual({ position: content.length, bytes: content.length - 1000 });
  });

  test('ends with a reader that is gone, and leaves nothing open', async () => {
    const before = openDescriptors();
    const { sent, socket } = await asked(calls);
    await expect.poll(() => sent.bytes).toBeGreaterThan(0);
    socket.destroy();
    await expect.poll(() => sent.position).toBe(sent.bytes);
    // The listening socket and the file of this test.
    await expect.poll(() => openDescriptors() - before).toBeLessThanOrEqual(2);
  });

  test('ends with a response that this side breaks off', async () => {
    const { sent, response } = await asked(calls);
    await expect.poll(() => sent.bytes).toBeGreaterThan(0);
    response.destroy();
    await expect.poll(() => sent.position).toBe(sent.bytes);
  });

  test('is not stopped by a timeout while something moves', async () => {
    const { sent, socket } = await asked(calls);
    let bytes = 0;
    const started = performance.now();
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      socket.pause();
      setTimeout(() => socket.resume(), 6);
    });
    socket.resume();
    await expect.poll(() => sent.position, { timeout: 20_000 }).toBe(content.length);
    expect(performance.now() - started).toBeGreaterThan(1000);
    await expect.poll(() => bytes, { timeout: 20_000 }).toBeGreaterThan(content.length);
  });

  test('is left to the stream from where it is not cached', async () => {
    const cachedBytes = 3 << 20;
    const some: ZeroCopy = {
      ...calls,
      readCached: (file, buffer, position) => (position < cachedBytes ? calls.readCached(file, buffer, position) : 0),
    };
    const { sent, socket } = await asked(some);
    socket.resume();
    await expect.poll(() => sent.position).toBeDefined();
    expect(sent.position).toBe(sent.bytes);
    expect(sent.bytes).toBeLessThanOrEqual(cachedBytes);
    expect(sent.bytes).toBeGreaterThan(0);
  });

  test('is left to the stream where the socket cannot be watched, or takes nothing although it has room', async () => {
    for (const watchRoom of [() => undefined, calls.watchRoom]) {
      const { sent } = await asked({ ...calls, watchRoom, sendFile: () => 0 });
      await expect.poll(() => sent).toEqual({ position: 0, bytes: 0 });
    }
  });
});
