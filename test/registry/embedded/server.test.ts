import https from 'node:https';
import net from 'node:net';
import { connect } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { AccessEntry } from '../../../src/core/access-log.ts';
import { quietRun } from '../../../src/core/run.ts';
import { digestOf, openStorage, renderLayer, writeImage } from '../../../src/oci/index.ts';
import { parseHtpasswd, renderHtpasswd, startEmbeddedRegistry } from '../../../src/registry/index.ts';
import { describeReal } from '../../helpers/real.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { makeCertificate } from '../certificate.ts';
import { errorCode, openKitchen, pushBlob } from '../kitchen.ts';
import { putImage } from '../put-image.ts';

const run = quietRun();
const image = writeImage({
  platform: { os: 'linux', architecture: 'amd64' },
  layers: [renderLayer([{ path: 'recipe', content: 'toast' }])],
});

describe('listing', () => {
  test('tags come sorted by bytes, in pages with a Link, n=0 an empty page', async () => {
    const kitchen = await openKitchen();
    await putImage(kitchen.storage, 'kitchen/bread', image, ['b', 'a', 'C', 'a-2', '_x']);
    const list = async (query: string) => {
      const response = await kitchen.call('GET', `/v2/kitchen/bread/tags/list${query}`);
      return [((await response.json()) as { tags: string[] }).tags, response.headers.get('link')];
    };
    expect(await list('')).toEqual([['C', '_x', 'a', 'a-2', 'b'], null]);
    expect(await list('?n=2')).toEqual([['C', '_x'], '</v2/kitchen/bread/tags/list?n=2&last=_x>; rel="next"']);
    expect(await list('?n=3&last=_x')).toEqual([['a', 'a-2', 'b'], null]);
    expect(await list('?n=0')).toEqual([[], null]);
    expect(await list('?last=zzz')).toEqual([[], null]);
    const bad = await kitchen.call('GET', '/v2/kitchen/bread/tags/list?n=some');
    expect([bad.status, await errorCode(bad)]).toEqual([400, 'PAGINATION_NUMBER_INVALID']);
    expect((await kitchen.call('GET', '/v2/kitchen/none/tags/list')).status).toBe(404);
  });

  test('the catalog comes in the order of a walk, in pages', async () => {
    const kitchen = await openKitchen();
    for (const name of ['acme-alpha/x', 'acme/z', 'acme/a/b', 'acme/a']) await putImage(kitchen.storage, name, image);
    const first = await kitchen.call('GET', '/v2/_catalog?n=3');
    expect(await first.json()).toEqual({ repositories: ['acme/a', 'acme/a/b', 'acme/z'] });
    const link = /<(.*)>/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
    expect(await (await kitchen.call('GET', link)).json()).toEqual({ repositories: ['acme-alpha/x'] });
  });
});

describe('endpoints', () => {
  test('/v2/ answers 200, an unknown path 404, a wrong method 405 with Allow', async () => {
    const kitchen = await openKitchen();
    const base = await kitchen.call('GET', '/v2/');
    expect([base.status, base.headers.get('docker-distribution-api-version')]).toEqual([200, 'registry/2.0']);
    expect((await kitchen.call('GET', '/v1/search')).status).toBe(404);
    expect((await kitchen.call('GET', '/v2/%zz')).status).toBe(404);
    const wrong = await kitchen.call('POST', '/v2/kitchen/bread/manifests/rye');
    expect([wrong.status, wrong.headers.get('allow'), await errorCode(wrong)]).toEqual([
      405,
      'GET, HEAD, PUT, DELETE',
      'UNSUPPORTED',
    ]);
  });

  test.each(['/v2/../../etc/manifests/passwd', '/v2/kitchen%2f..%2f../manifests/x', '/v2/a/%2e%2e/blobs/uploads/'])(
    'a path that would leave the storage is no repository: %s',
    async (path) => {
      const kitchen = await openKitchen();
      const { hostname, port } = new URL(kitchen.url);
      const answer = await new Promise<string>((resolve) => {
        // fetch() would take the dots out itself.
        const socket = net.connect(Number(port), hostname, () =>
          socket.end(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`),
        );
        let text = '';
        socket.setEncoding('utf8').on('data', (chunk) => (text += chunk));
        socket.on('close', () => resolve(text));
      });
      expect(answer).toMatch(/^HTTP\/1.1 40[04] /);
    },
  );

  test('read-only refuses every write with 405, can be switched while it runs, and still serves', async () => {
    const kitchen = await openKitchen({ readOnly: true });
    await putImage(kitchen.storage, 'kitchen/bread', image, ['rye']);
    const refused = await pushBlob(kitchen, 'kitchen/bread', digestOf('x'), Buffer.from('x'));
    expect([refused.status, await errorCode(refused)]).toEqual([405, 'UNSUPPORTED']);
    expect((await kitchen.call('DELETE', '/v2/kitchen/bread/manifests/rye')).status).toBe(405);
    expect((await kitchen.call('GET', '/v2/kitchen/bread/manifests/rye')).status).toBe(200);
    kitchen.registry.setReadOnly(false);
    expect((await pushBlob(kitchen, 'kitchen/bread', digestOf('x'), Buffer.from('x'))).status).toBe(201);
  });
});

describe('credentials', () => {
  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });

  test('are asked for with a challenge and checked; a wrong password is refused after a right one', async () => {
    const htpasswd = parseHtpasswd(await renderHtpasswd('cook', 'salt'));
    const kitchen = await openKitchen({ htpasswd });
    const bare = await kitchen.call('GET', '/v2/');
    expect([bare.status, bare.headers.get('www-authenticate')]).toEqual([401, 'Basic realm="Registry"']);
    expect(await errorCode(bare)).toBe('UNAUTHORIZED');
    const status = async (text: string): Promise<number> =>
      (await kitchen.call('GET', '/v2/', { headers: basic(text) })).status;
    expect(await status('cook:salt')).toBe(200);
    expect(await status('cook:salt')).toBe(200);
    expect(await status('cook:pepper')).toBe(401);
    expect(await status('guest:salt')).toBe(401);
    expect(await status(':')).toBe(401);
    kitchen.registry.replaceUsers(parseHtpasswd(await renderHtpasswd('guest', 'salt')));
    expect([await status('cook:salt'), await status('guest:salt')]).toEqual([401, 200]);
  });

  test('anonymous pull reads without them, but neither pushes nor takes wrong ones', async () => {
    const htpasswd = parseHtpasswd(await renderHtpasswd('cook', 'salt'));
    const kitchen = await openKitchen({ htpasswd, anonymousPull: true });
    await putImage(kitchen.storage, 'kitchen/bread', image, ['rye']);
    const path = '/v2/kitchen/bread/manifests/rye';
    expect((await kitchen.call('GET', path)).status).toBe(200);
    expect((await kitchen.call('GET', path, { headers: basic(':') })).status).toBe(200);
    expect((await kitchen.call('GET', path, { headers: basic('cook:pepper') })).status).toBe(401);
    expect((await kitchen.call('DELETE', path)).status).toBe(401);
    expect((await kitchen.call('GET', '/v2/')).status).toBe(401);
  });
});

describe('listening', () => {
  test('several addresses of both families share one free port', async () => {
    const listen = [
      { host: '127.0.0.1', port: 0 },
      { host: '::1', port: 0 },
    ];
    const kitchen = await openKitchen({ listen });
    const [four, six] = kitchen.registry.addresses;
    expect(four?.port).toBe(six?.port);
    for (const host of ['127.0.0.1', '[::1]'])
      expect((await fetch(`http://${host}:${four?.port}/v2/`)).status).toBe(200);
  });

  test('both wildcards stand side by side, and one taken already is LISTEN_FAILED', async () => {
    const kitchen = await openKitchen({ listen: ['0.0.0.0', '::'].map((host) => ({ host, port: 0 })) });
    expect(kitchen.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const port = kitchen.registry.addresses[0]?.port ?? 0;
    const again = openKitchen({ listen: [{ host: '127.0.0.1', port }] });
    await expect(again).rejects.toMatchObject({ code: 'LISTEN_FAILED' });
  });

  test('an aborted run closes the server', async () => {
    const stop = new AbortController();
    const kitchen = await openKitchen({}, quietRun({ signal: stop.signal }));
    stop.abort();
    await expect
      .poll(() =>
        kitchen.call('GET', '/v2/').then(
          () => 'open',
          () => 'closed',
        ),
      )
      .toBe('closed');
  });

  test('close lets a request under way end', async () => {
    const kitchen = await openKitchen();
    const large = Buffer.alloc(20 << 20, 'rise ');
    await pushBlob(kitchen, 'kitchen/bread', digestOf(large), large);
    const got = await kitchen.call('GET', `/v2/kitchen/bread/blobs/${digestOf(large)}`);
    const closed = kitchen.registry.close();
    expect(digestOf(Buffer.from(await got.arrayBuffer()))).toBe(digestOf(large));
    await closed;
  });

  test('the access log has a line per request', async () => {
    const entries: AccessEntry[] = [];
    const kitchen = await openKitchen({ accessLog: (entry) => entries.push(entry) });
    await (await kitchen.call('GET', '/v2/_catalog?n=1')).text();
    await expect.poll(() => entries).toMatchObject([{ method: 'GET', target: '/v2/_catalog?n=1', status: 200 }]);
  });
});

describeReal('TLS', ['openssl'], () => {
  test('serves HTTPS and gives new connections a replaced certificate while old ones go on', async () => {
    const folder = await temporaryFolder();
    const [old, fresh] = ['old', 'new'].map((label) => makeCertificate(folder, ['registry.kitchen.test'], label));
    if (!old || !fresh) throw new Error('no certificates');
    const listen = [{ host: '127.0.0.1', port: 0 }];
    const store = openStorage(await temporaryFolder(), { sync: 'none' });
    const registry = await startEmbeddedRegistry({ store, listen, tls: old }, run);
    onTestFinished(() => registry.close(0));
    expect(registry.url).toMatch(/^https:/);
    const ca = [old.ca, fresh.ca];
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca });
    onTestFinished(() => agent.destroy());
    const ping = (): Promise<number> =>
      new Promise((resolve, reject) => {
        const request = https.get(`${registry.url}/v2/`, { agent }, (response) => {
          response.resume().once('end', () => resolve(response.statusCode ?? 0));
        });
        request.once('error', reject);
      });
    const subject = (): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connect({ port: registry.addresses[0]?.port ?? 0, host: '127.0.0.1', ca }, () => {
          resolve(String(socket.getPeerCertificate().subject.CN));
          socket.destroy();
        });
        socket.once('error', reject);
      });
    expect([await ping(), await subject()]).toEqual([200, 'old']);
    registry.replaceTls(fresh);
    expect([await ping(), await subject()]).toEqual([200, 'new']);
    expect(() => registry.replaceTls({ ...fresh, key: old.key })).toThrow(
      expect.objectContaining({ code: 'TLS_INVALID' }),
    );
    expect(await subject()).toBe('new');
  });
});
