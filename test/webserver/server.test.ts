import { randomBytes } from 'node:crypto';
import { open, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { type AccessEntry, renderAccessLine } from '../../src/core/access-log.ts';
import type { RunEvent } from '../../src/core/events.ts';
import { quietRun } from '../../src/core/run.ts';
import { startWebServer } from '../../src/webserver/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { isoFile, isoPath, start } from './serving.ts';

const content = randomBytes(3_000_000);

describe('startWebServer', () => {
  test('answers a range over IPv6 with exactly its bytes', async () => {
    const { url } = await start({ files: [await isoFile(content)] });
    const response = await fetch(url + isoPath, { headers: { range: 'bytes=1000000-2999998' } });
    expect(response.status).toBe(206);
    expect(response.headers.get('content-range')).toBe('bytes 1000000-2999998/3000000');
    expect(Buffer.from(await response.arrayBuffer()).equals(content.subarray(1_000_000, 2_999_999))).toBe(true);
  });

  test('names size, digest and ranges in the headers of GET and HEAD', async () => {
    const file = await isoFile(content);
    const { url } = await start({ files: [file] });
    for (const method of ['GET', 'HEAD']) {
      const response = await fetch(url + isoPath, { method });
      expect(response.status).toBe(200);
      const body = Buffer.from(await response.arrayBuffer());
      expect(body.length).toBe(method === 'GET' ? content.length : 0);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'content-length': '3000000',
        'content-type': 'application/vnd.efi.iso',
        'accept-ranges': 'bytes',
        etag: `"${file.sha256}"`,
        'repr-digest': `sha-256=:${Buffer.from(file.sha256, 'hex').toString('base64')}:`,
      });
    }
  });

  test('answers several ranges as multipart/byteranges with the announced length', async () => {
    const { url } = await start({ files: [await isoFile(content)] });
    const response = await fetch(url + isoPath, { headers: { range: 'bytes=0-9,100-1500000,-5' } });
    expect(response.status).toBe(206);
    const body = Buffer.from(await response.arrayBuffer());
    expect(response.headers.get('content-length')).toBe(String(body.length));
    const boundary = /boundary=(\w+)/.exec(response.headers.get('content-type') ?? '')?.[1];
    const parts = body.toString('latin1').split(`--${boundary}`).slice(1, -1);
    const bodies = parts.map((part) => part.slice(part.indexOf('\r\n\r\n') + 4, -2));
    expect(parts.map((part) => /Content-Range: (.*)\r\n/.exec(part)?.[1])).toEqual([
      'bytes 0-9/3000000',
      'bytes 100-1500000/3000000',
      'bytes 2999995-2999999/3000000',
    ]);
    const expected = [content.subarray(0, 10), content.subarray(100, 1_500_001), content.subarray(-5)];
    expect(bodies.map((text, index) => Buffer.from(text, 'latin1').equals(expected[index] ?? Buffer.alloc(0)))).toEqual(
      [true, true, true],
    );
    expect(body.toString('latin1').endsWith(`\r\n--${boundary}--\r\n`)).toBe(true);
  });

  test('continues a download only while the file is the same', async () => {
    const file = await isoFile(content);
    const { url } = await start({ files: [file] });
    const status = async (ifRange: string): Promise<number> => {
      const response = await fetch(url + isoPath, { headers: { range: 'bytes=5-', 'if-range': ifRange } });
      await response.body?.cancel();
      return response.status;
    };
    expect([await status(`"${file.sha256}"`), await status('"another"')]).toEqual([206, 200]);
    const notModified = await fetch(url + isoPath, { headers: { 'if-none-match': `"${file.sha256}"` } });
    expect([notModified.status, (await notModified.arrayBuffer()).byteLength]).toEqual([304, 0]);
    const beyond = await fetch(url + isoPath, { headers: { range: 'bytes=3000000-' } });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */3000000']);
  });

  test('never serves a file whose digest is not the one in the index, and says why', async () => {
    const file = await isoFile(Buffer.from('a live image'));
    const { url, server } = await start({ files: [{ ...file, sha256: '0'.repeat(64) }] });
    for (const headers of [{}, { range: 'bytes=0-3' }, { 'if-none-match': '*' }]) {
      const response = await fetch(url + isoPath, { headers });
      expect(response.status).toBe(503);
      const text = await response.text();
      expect(text).toContain('sha256');
      expect(text).not.toContain('a live');
    }
    await server.verified;
    expect(server.verdict(isoPath)).toMatchObject({ kind: 'bad', code: 'WEB_FILE_DAMAGED' });
    const listing = await (await fetch(new URL('.', url + isoPath))).text();
    expect(listing).toContain('not served');
  });

  test('breaks off a download during which the file was changed', async () => {
    const big = randomBytes(24 << 20);
    const file = await isoFile(big);
    const { url, server } = await start({ files: [file] });
    await server.verified;
    const response = await fetch(url + isoPath);
    const reader = response.body?.getReader();
    await reader?.read();
    await writeFile(file.file, Buffer.alloc(big.length));
    const readAll = async (): Promise<void> => {
      for (;;) if ((await reader?.read())?.done !== false) return;
    };
    await expect(readAll()).rejects.toThrow();
  });

  test('serves a file above 4 GiB by range from its far end', async () => {
    const sizeBytes = 5 * 2 ** 30;
    const file = path.join(await temporaryFolder(), 'sparse.iso');
    const handle = await open(file, 'w');
    await handle.truncate(sizeBytes);
    await handle.write(Buffer.from('the far end'), 0, 11, sizeBytes - 11);
    await handle.close();
    // Reading five gigabytes here would prove nothing about offsets: a cache that knows the file stands in.
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    const verifiedCacheFile = path.join(await temporaryFolder(), 'verified.json');
    const sha256 = 'e'.repeat(64);
    await writeFile(
      verifiedCacheFile,
      JSON.stringify({ [file]: { identity: [dev, ino, size, mtimeNs, ctimeNs].join(':'), sha256 } }),
    );
    const { url } = await start({ files: [{ path: isoPath, file, sizeBytes, sha256 }], verifiedCacheFile });
    const tail = await fetch(url + isoPath, { headers: { range: `bytes=${sizeBytes - 11}-` } });
    expect([tail.status, await tail.text()]).toEqual([206, 'the far end']);
    expect(tail.headers.get('content-range')).toBe(`bytes ${sizeBytes - 11}-${sizeBytes - 1}/${sizeBytes}`);
    const whole = await fetch(url + isoPath, { method: 'HEAD' });
    expect(whole.headers.get('content-length')).toBe(String(sizeBytes));
  });

  test('serves an empty file', async () => {
    const { url } = await start({ files: [await isoFile(Buffer.alloc(0))] });
    const response = await fetch(url + isoPath);
    expect([response.status, response.headers.get('content-length'), await response.text()]).toEqual([200, '0', '']);
  });

  test('lists folders, redirects to them, and serves texts and checksums', async () => {
    const file = await isoFile(content);
    const { url } = await start({ files: [file], texts: [{ path: '/ca.crt', content: 'pem' }] });
    const get = async (target: string, init: RequestInit = {}): Promise<[number, string | null, string]> => {
      const response = await fetch(url + target, { redirect: 'manual', ...init });
      return [
        response.status,
        response.headers.get('content-type') ?? response.headers.get('location'),
        await response.text(),
      ];
    };
    expect(await get('/ca.crt')).toEqual([200, 'application/x-x509-ca-cert', 'pem']);
    expect((await get('/'))[2]).toContain('href="./rhcos/"');
    const redirect = await fetch(`${url}/rhcos`, { redirect: 'manual' });
    expect([redirect.status, redirect.headers.get('location')]).toEqual([301, '/rhcos/']);
    expect((await get('/rhcos/9.6.20250701-0/x86_64/sha256sum.txt'))[2]).toBe(
      `${file.sha256}  kitchen-live.x86_64.iso\n`,
    );
    expect((await get('/rhcos/none'))[0]).toBe(404);
    expect((await get('/', { method: 'POST', body: 'x' }))[0]).toBe(405);
    expect((await get('/', { method: 'OPTIONS' }))[0]).toBe(204);
  });

  test.each([
    '/../../etc/passwd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/rhcos/..%2f..%2fetc/passwd',
    '/rhcos\\..\\etc',
    '/rhcos/%00',
    '//etc/passwd',
    '/rhcos/ＤＯＴ',
  ])('gives nothing away for %s', async (target) => {
    const { port } = await start({ files: [await isoFile(content)] });
    // fetch would clean the path before it is sent.
    const status = await new Promise<number | undefined>((resolve, reject) => {
      request(
        { host: '::1', port, path: encodeURI(target).replaceAll('%25', '%').replaceAll('%5C', '\\') },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      )
        .on('error', reject)
        .end();
    });
    expect([400, 404]).toContain(status);
  });

  test('answers while files are still being checked, and checks the one that is asked for first', async () => {
    const file = await isoFile(content);
    const { url } = await start({ files: [file] });
    expect((await fetch(url + isoPath)).status).toBe(200);
  });

  test('serves another set of files without a restart', async () => {
    const [first, second] = [await isoFile(content), await isoFile(Buffer.from('second'))];
    const { url, server } = await start({ files: [first] });
    await server.replaceFiles([{ ...second, path: '/rhcos/new.iso' }]);
    expect((await fetch(url + isoPath)).status).toBe(404);
    expect(await (await fetch(`${url}/rhcos/new.iso`)).text()).toBe('second');
  });

  test('notices at a regular look that a file went missing', async () => {
    const file = await isoFile(content);
    const { server } = await start({ files: [file], recheckIntervalMs: 20 });
    await server.verified;
    expect(server.verdict(isoPath)).toEqual({ kind: 'good' });
    await rm(file.file);
    await expect.poll(() => server.verdict(isoPath).kind).toBe('bad');
  });

  test('says on the status page which files are right, damaged and missing', async () => {
    const [good, damaged, missing] = [await isoFile(content), await isoFile(content), await isoFile(content)];
    await writeFile(damaged.file, 'x');
    await rm(missing.file);
    const files = [good, { ...damaged, path: '/damaged.iso' }, { ...missing, path: '/missing.iso' }];
    const statusPage = () =>
      Promise.resolve({
        title: 'Kitchen',
        at: new Date(),
        files: files.map((file) => ({ ...file, level: 'unknown' as const, state: 'not looked at' })),
      });
    const { url, server } = await start({ files, statusPage });
    await server.verified;
    const rows = (await (await fetch(`${url}/`)).text()).split('<tr>').slice(2);
    expect(rows.map((row) => /<\/span> ([a-z, ]+)<\/span>/.exec(row)?.[1])).toEqual([
      'checked',
      'damaged, not served',
      'missing',
    ]);
  });

  test('serves IPv4 and IPv6 from one :: listener, and from two with the same port', async () => {
    const both = await start({ listen: [{ address: '::', port: 0 }], files: [await isoFile(content)] });
    for (const host of ['127.0.0.1', '[::1]'])
      expect((await fetch(`http://${host}:${both.port}${isoPath}`, { method: 'HEAD' })).status).toBe(200);
    await both.server.close();
    const { port } = both;
    const two = await start({
      listen: [
        { address: '::', port },
        { address: '0.0.0.0', port },
      ],
      files: [await isoFile(content)],
    });
    expect(two.server.addresses).toHaveLength(2);
    for (const host of ['127.0.0.1', '[::1]'])
      expect((await fetch(`http://${host}:${port}${isoPath}`, { method: 'HEAD' })).status).toBe(200);
  });

  test('says which port is taken and frees the ones it had', async () => {
    const { port, server } = await start({});
    const options = {
      files: [],
      title: 'Kitchen',
      listen: [
        { address: '127.0.0.1', port },
        { address: '::1', port },
      ],
    };
    const second = startWebServer(options, quietRun());
    await expect(second).rejects.toMatchObject({
      code: 'WEB_LISTEN_FAILED',
      message: expect.stringContaining(`[::1]:${port}`),
    });
    await server.close();
    const third = await startWebServer(options, quietRun());
    await third.close();
  });

  test('stops when the run is aborted', async () => {
    const abort = new AbortController();
    const { url } = await start({}, quietRun({ signal: abort.signal }));
    abort.abort();
    await expect
      .poll(() =>
        fetch(url).then(
          () => 'up',
          () => 'down',
        ),
      )
      .toBe('down');
  });

  test('logs each request once, with its outcome, and reports a page that fails', async () => {
    const entries: AccessEntry[] = [];
    const events: RunEvent[] = [];
    const run = quietRun({ report: (event) => events.push(event), now: () => new Date('2031-03-04T05:06:07Z') });
    const { url } = await start(
      { accessLog: (entry) => entries.push(entry), statusPage: () => Promise.reject(new Error('no model')) },
      run,
    );
    expect((await fetch(`${url}/`, { headers: { 'user-agent': 'kitchen "1"\t' } })).status).toBe(500);
    await expect.poll(() => entries.length).toBe(1);
    expect(entries[0]).toMatchObject({ client: '::1', method: 'GET', target: '/', status: 500, complete: true });
    expect(renderAccessLine({ ...(entries[0] as AccessEntry), sentBytes: 7, durationMs: 1.4 })).toBe(
      '::1 - - [04/Mar/2031:05:06:07 +0000] "GET / HTTP/1.1" 500 7 "-" "kitchen \\"1\\"" 1ms\n',
    );
    expect(events).toMatchObject([{ state: 'log', level: 'error', message: expect.stringContaining('no model') }]);
  });
});

describe('renderAccessLine', () => {
  test('cannot be made to write a second line', () => {
    const entry = {
      at: new Date(0),
      client: '::1',
      method: 'GET',
      target: '/\r\n1.2.3.4 - "\u001b[2J',
      status: 404,
      sentBytes: 0,
      durationMs: 0,
      complete: false,
      userAgent: 'ü',
    };
    expect(renderAccessLine(entry)).toBe(
      '::1 - - [01/Jan/1970:00:00:00 +0000] "GET /\\x0d\\x0a1.2.3.4 - \\"\\x1b[2J HTTP/1.1" 404 0 "-" "\\xfc" 0ms aborted\n',
    );
  });
});
