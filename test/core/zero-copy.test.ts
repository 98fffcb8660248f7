import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { findSocketDescriptor, findZeroCopy } from '../../src/core/zero-copy.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const calls = findZeroCopy();
// For all suites that need it: elsewhere they are skipped, since buffers do the work there.
if (!calls && process.env['AIRLOCK_REQUIRE_REAL'] === '1')
  throw new Error('calls without a copy: AIRLOCK_REQUIRE_REAL=1, but koffi cannot be loaded');

describe.skipIf(!calls)('calls without a copy (skipped where koffi is missing)', () => {
  const content = randomBytes(100_000);

  async function openFile() {
    const file = path.join(await temporaryFolder(), 'kitchen.img');
    await writeFile(file, content);
    const handle = await open(file);
    onTestFinished(() => handle.close());
    return handle;
  }

  test('read what was just written, from any position', async () => {
    const handle = await openFile();
    const buffer = Buffer.alloc(1000);
    expect(calls?.readCached(handle.fd, buffer, 4321)).toBe(1000);
    expect(buffer.equals(content.subarray(4321, 5321))).toBe(true);
    expect(calls?.readCached(handle.fd, buffer, content.length - 10)).toBe(10);
    expect(calls?.readCached(handle.fd, buffer, content.length)).toBe(0);
  });

  test('answer 0 for descriptors that are not open', () => {
    expect(calls?.readCached(99_999, Buffer.alloc(1), 0)).toBe(0);
    expect(calls?.sendFile(99_999, 99_999, 0, 1)).toBe(0);
  });

  test('send a part of a file into a socket, and nothing once it is full', async () => {
    const handle = await openFile();
    const { near, far } = await socketPair();
    const descriptor = findSocketDescriptor(near) ?? -1;
    const received: Buffer[] = [];
    expect(calls?.sendFile(descriptor, handle.fd, 500, 2000)).toBe(2000);
    far.on('data', (chunk) => received.push(chunk));
    await expect.poll(() => Buffer.concat(received).length).toBe(2000);
    expect(Buffer.concat(received).equals(content.subarray(500, 2500))).toBe(true);
    far.pause();
    expect(fill(descriptor, handle.fd)).toBeGreaterThan(0);
    expect(calls?.sendFile(descriptor, handle.fd, 0, 1)).toBe(0);
  });

  test('send what lies beyond 4 GiB', async () => {
    const file = path.join(await temporaryFolder(), 'large.img');
    const handle = await open(file, 'w+');
    onTestFinished(() => handle.close());
    const position = 5 * 2 ** 30 + 123;
    await handle.write(content, 0, 1000, position);
    const { near, far } = await socketPair();
    expect(calls?.sendFile(findSocketDescriptor(near) ?? -1, handle.fd, position, 1000)).toBe(1000);
    const [received] = (await once(far, 'data')) as [Buffer];
    expect(received.equals(content.subarray(0, 1000))).toBe(true);
  });

  test('tell and change how a socket controls congestion', async () => {
    const { near } = await socketPair();
    const descriptor = findSocketDescriptor(near) ?? -1;
    expect(calls?.congestionControl(descriptor)).toMatch(/^[a-z]+[a-z0-9_]*$/);
    expect(calls?.setCongestionControl(descriptor, 'reno')).toBe(true);
    expect(calls?.congestionControl(descriptor)).toBe('reno');
    expect(calls?.setCongestionControl(descriptor, 'sourdough')).toBe(false);
    expect(calls?.congestionControl(descriptor)).toBe('reno');
    expect(calls?.congestionControl(99_999)).toBeUndefined();
    expect(calls?.setCongestionControl(99_999, 'reno')).toBe(false);
  });

  test('tell when a full socket has room again, until that is no longer wanted', async () => {
    const handle = await openFile();
    const { near, far } = await socketPair();
    far.pause();
    const descriptor = findSocketDescriptor(near) ?? -1;
    fill(descriptor, handle.fd);
    let told = 0;
    const before = openDescriptors();
    const stop = calls?.watchRoom(descriptor, () => {
      told += 1;
    });
    expect(openDescriptors()).toBe(before + 1);
    await delay(50);
    expect(told).toBe(0);
    far.resume();
    await expect.poll(() => told).toBeGreaterThan(0);
    stop?.();
    expect(openDescriptors()).toBe(before);
    const soFar = told;
    await delay(50);
    expect(told).toBe(soFar);
  });

  test('watch nothing that is not open', () => {
    expect(calls?.watchRoom(99_999, () => {})).toBeUndefined();
  });

  /** Sends the file over and over until the socket takes no more; returns how many bytes it took. */
  function fill(descriptor: number, file: number): number {
    let sum = 0;
    for (let last = -1; last !== 0; sum += last) last = calls?.sendFile(descriptor, file, 0, content.length) ?? 0;
    return sum;
  }
});

describe('the descriptor of a socket', () => {
  test('is a number while it is open, and nothing afterwards', async () => {
    const { near } = await socketPair();
    expect(findSocketDescriptor(near)).toBeGreaterThan(2);
    near.destroy();
    expect(findSocketDescriptor(near)).toBeUndefined();
  });

  test('is not given for TLS, nor where there is no socket', async () => {
    const { near } = await socketPair();
    expect(findSocketDescriptor(new TLSSocket(near))).toBeUndefined();
    expect(findSocketDescriptor(null)).toBeUndefined();
  });
});

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

async function socketPair(): Promise<{ near: net.Socket; far: net.Socket }> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '::1', resolve));
  const accepted = new Promise<net.Socket>((resolve) => server.once('connection', resolve));
  const far = net.connect((server.address() as AddressInfo).port, '::1');
  const near = await accepted;
  onTestFinished(() => {
    far.destroy();
    near.destroy();
    server.close();
  });
  return { near, far };
}
