import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { quietRun } from '../../src/core/run.ts';
import { startWebServer, type WebFile, type WebServer, type WebServerOptions } from '../../src/webserver/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const isoPath = '/rhcos/9.6.20250701-0/x86_64/kitchen-live.x86_64.iso';

async function isoFile(content: Buffer): Promise<WebFile> {
  const file = path.join(await temporaryFolder(), 'kitchen.iso');
  await writeFile(file, content);
  return { path: isoPath, file, sizeBytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
}

async function start(options: Partial<WebServerOptions>): Promise<{ server: WebServer; url: string }> {
  const server = await startWebServer(
    { listen: [{ address: '::1', port: 0 }], files: [], title: 'Kitchen', ...options },
    quietRun(),
  );
  onTestFinished(() => server.close());
  return { server, url: `http://[::1]:${server.addresses[0]?.port}` };
}

describe('startWebServer', () => {
  test('answers a range over IPv6 with exactly its bytes', async () => {
    const content = randomBytes(3_000_000);
    const { url } = await start({ files: [await isoFile(content)] });
    const response = await fetch(url + isoPath, { headers: { range: 'bytes=1000000-2999998' } });
    expect(response.status).toBe(206);
    expect(response.headers.get('content-range')).toBe('bytes 1000000-2999998/3000000');
    expect(Buffer.from(await response.arrayBuffer()).equals(content.subarray(1_000_000, 2_999_999))).toBe(true);
  });

  test('never serves a file whose digest is not the one in the index', async () => {
    const file = await isoFile(Buffer.from('a live image'));
    const { url } = await start({ files: [{ ...file, sha256: '0'.repeat(64) }] });
    const response = await fetch(url + isoPath);
    expect(response.status).toBe(503);
    expect(await response.text()).toContain('sha256');
  });
});
