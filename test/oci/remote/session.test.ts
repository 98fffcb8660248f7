import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { quietRun } from '../../../src/core/run.ts';
import {
  type CredentialSource,
  createAuthFiles,
  mediaTypes,
  parseReference,
  parseRegistriesConf,
  staticCredentials,
} from '../../../src/oci/index.ts';
import { makeCertificate } from '../../helpers/certificate.ts';
import { type RegistryScript, startScriptedRegistry } from '../../helpers/scripted-registry.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { listeningRun, testRemote } from './helpers.ts';

const run = quietRun();
const manifest = {
  schemaVersion: 2,
  mediaType: mediaTypes.ociManifest,
  config: { mediaType: 'x', digest: `sha256:${'0'.repeat(64)}`, size: 2 },
  layers: [],
};

async function serve(script: RegistryScript = {}) {
  const registry = await startScriptedRegistry(script);
  const { digest } = registry.putManifest('kitchen/soup', manifest, 'v1');
  return { registry, digest, reference: parseReference(`${registry.host}/kitchen/soup:v1`) };
}

const count = (registry: { requests: { url: string }[] }, text: string): number =>
  registry.requests.filter((request) => request.url.includes(text)).length;

describe('login', () => {
  test('Basic: the password goes along once it is asked for', async () => {
    const { reference, digest, registry } = await serve({ auth: { kind: 'basic', user: 'cook', password: 'p:1' } });
    const remote = testRemote({ credentials: staticCredentials('cook', 'p:1') });
    expect((await remote.resolve(reference, run)).digest).toBe(digest);
    expect(registry.requests.map((request) => request.headers.authorization === undefined)).toEqual([true, false]);
  });

  test('a wrong or missing password is REGISTRY_UNAUTHORIZED, names the file, and is not tried again', async () => {
    const { reference, registry } = await serve({ auth: { kind: 'basic', user: 'cook', password: 'right' } });
    const file = path.join(await temporaryFolder(), 'auth.json');
    await writeFile(
      file,
      JSON.stringify({ auths: { [registry.host]: { auth: Buffer.from('cook:wrong').toString('base64') } } }),
    );
    const remote = testRemote({ credentials: createAuthFiles({ authFile: file }), side: 'source' });
    const error = await remote.resolve(reference, run).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'REGISTRY_UNAUTHORIZED', side: 'source', hint: expect.stringContaining(file) });
    expect(String(error)).not.toContain('wrong');
    expect(registry.requests).toHaveLength(2);
    await expect(testRemote().resolve(reference, run)).rejects.toMatchObject({
      code: 'REGISTRY_UNAUTHORIZED',
      hint: expect.stringContaining('no credentials were found'),
    });
  });

  test('Bearer: one token per scope serves all requests', async () => {
    const { reference, registry } = await serve({
      auth: { kind: 'bearer', user: 'robot$ns+cook', password: 'secret' },
    });
    const remote = testRemote({ credentials: staticCredentials('robot$ns+cook', 'secret') });
    await Promise.all(Array.from({ length: 10 }, () => remote.fetchManifest(reference, run)));
    await remote.listTags(reference, run);
    expect(count(registry, '/token')).toBe(1);
    expect(registry.requests.find((request) => request.url.startsWith('/token'))?.url).toBe(
      '/token?service=kitchen&scope=repository%3Akitchen%2Fsoup%3Apull&account=robot%24ns%2Bcook',
    );
    expect(count(registry, '/v2/')).toBe(12);
  });

  test('Bearer without credentials asks for an anonymous token', async () => {
    const { reference, registry } = await serve({ auth: { kind: 'bearer' } });
    await testRemote().fetchManifest(reference, run);
    expect(
      registry.requests.find((request) => request.url.startsWith('/token'))?.headers.authorization,
    ).toBeUndefined();
  });

  test('a revoked token is replaced, once', async () => {
    const { reference, registry } = await serve({ auth: { kind: 'bearer' } });
    const remote = testRemote();
    await remote.fetchManifest(reference, run);
    registry.revokeTokens();
    await Promise.all([remote.fetchManifest(reference, run), remote.fetchManifest(reference, run)]);
    expect(count(registry, '/token')).toBe(2);
  });

  test('an expired token is replaced before it is refused', async () => {
    const { reference, registry } = await serve({ auth: { kind: 'bearer' } });
    const remote = testRemote();
    await remote.fetchManifest(reference, run);
    const later = quietRun({ now: () => new Date(Date.now() + 296_000) });
    await Promise.all([remote.fetchManifest(reference, later), remote.fetchManifest(reference, later)]);
    expect(count(registry, '/token')).toBe(2);
    expect(count(registry, '/v2/')).toBe(4);
  });

  test('an identity token is exchanged by POST', async () => {
    const { reference, registry } = await serve({ auth: { kind: 'bearer', refreshToken: 'lasting' } });
    const credentials: CredentialSource = {
      find: () => Promise.resolve({ credential: { kind: 'identity', token: 'lasting' }, origin: 'x', key: 'y' }),
    };
    await testRemote({ credentials }).fetchManifest(reference, run);
    expect(registry.requests.filter((request) => request.method === 'POST')).toHaveLength(1);
  });

  test('a refused token request is REGISTRY_UNAUTHORIZED', async () => {
    const { reference } = await serve({ auth: { kind: 'bearer', user: 'cook', password: 'right' } });
    const remote = testRemote({ credentials: staticCredentials('cook', 'wrong') });
    await expect(remote.fetchManifest(reference, run)).rejects.toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' });
  });

  test('a token service over plain HTTP is refused by a TLS registry: the password is not sent', async () => {
    const pair = await makeCertificate();
    const thief = await startScriptedRegistry();
    const registry = await startScriptedRegistry({
      tls: pair,
      prank: () => ({
        kind: 'answer',
        status: 401,
        headers: { 'www-authenticate': `Bearer realm="${thief.url}/token"` },
      }),
    });
    const folder = await temporaryFolder();
    await writeFile(path.join(folder, 'ca.crt'), pair.cert);
    const remote = testRemote({ tlsVerify: true, certDir: folder, credentials: staticCredentials('cook', 'secret') });
    await expect(remote.resolve(parseReference(`${registry.host}/k:1`), run)).rejects.toMatchObject({
      code: 'REGISTRY_FAILED',
    });
    expect(thief.requests).toHaveLength(0);
  });

  test('a token that is refused at once is not asked for again and again', async () => {
    const { reference, registry } = await serve({
      auth: { kind: 'bearer' },
      prank: (request) =>
        request.url.includes('manifests')
          ? {
              kind: 'answer',
              status: 401,
              headers: { 'www-authenticate': `Bearer realm="http://${request.headers.host}/token"` },
            }
          : undefined,
    });
    await expect(testRemote().fetchManifest(reference, run)).rejects.toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' });
    expect([count(registry, '/token'), count(registry, 'manifests')]).toEqual([2, 2]);
  });

  test('a token of endless size is refused', async () => {
    const { reference } = await serve({
      auth: { kind: 'bearer' },
      prank: (request) =>
        request.url.startsWith('/token')
          ? { kind: 'answer', status: 200, body: Buffer.alloc(100_000, 'a') }
          : undefined,
    });
    await expect(testRemote().fetchManifest(reference, run)).rejects.toMatchObject({ code: 'REGISTRY_FAILED' });
  });
});

describe('connection', () => {
  test('certificates come from certs.d of the host and port; without them TLS fails', async () => {
    const pair = await makeCertificate();
    const { registry, digest, reference } = await serve({ tls: pair });
    const folder = await temporaryFolder();
    await mkdir(path.join(folder, registry.host));
    await writeFile(path.join(folder, registry.host, 'ca.crt'), pair.cert);
    const remote = testRemote({ tlsVerify: true, certsDirs: [path.join(folder, 'none'), folder] });
    expect((await remote.resolve(reference, run)).digest).toBe(digest);
    await expect(testRemote({ tlsVerify: true, side: 'target' }).resolve(reference, run)).rejects.toMatchObject({
      code: 'REGISTRY_CERTIFICATE',
      side: 'target',
    });
    expect((await testRemote({ tlsVerify: false }).resolve(reference, run)).digest).toBe(digest);
  });

  test.each([
    ['source', '--src-tls-verify=false'],
    ['target', '--dest-tls-verify=false'],
  ] as const)(
    'a %s that speaks plain HTTP only is refused, and the flag that allows it is named',
    async (side, flag) => {
      const { reference } = await serve();
      const remote = testRemote({ tlsVerify: true, side });
      await expect(remote.resolve(reference, run)).rejects.toMatchObject({
        code: 'REGISTRY_UNREACHABLE',
        hint: expect.stringContaining(flag),
      });
    },
  );

  test('plain HTTP is spoken only where it was allowed', async () => {
    const { registry, digest, reference } = await serve();
    const strict = { tlsVerify: true, retry: { retryTimes: 0 } };
    await expect(testRemote(strict).resolve(reference, run)).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
    expect(registry.requests).toHaveLength(0);
    const registriesConf = parseRegistriesConf(`[[registry]]\nlocation="${registry.host}"\ninsecure=true`);
    expect((await testRemote({ ...strict, registriesConf }).resolve(reference, run)).digest).toBe(digest);
  });

  test('IPv6 literals with port are registries like any other, over TLS too', async () => {
    const pair = await makeCertificate(['IP:::1']);
    const { reference, digest } = await serve({ tls: pair, host: '::1' });
    expect(reference.registry).toMatch(/^\[::1\]:\d+$/);
    const folder = await temporaryFolder();
    await writeFile(path.join(folder, 'ca.crt'), pair.cert);
    expect((await testRemote({ tlsVerify: true, certDir: folder }).resolve(reference, run)).digest).toBe(digest);
  });

  test('a registry that is starting up is asked again', async () => {
    const { reference, digest } = await serve({
      prank: (request, nth) => (request.url === '/v2/' && nth < 3 ? { kind: 'answer', status: 503 } : undefined),
    });
    expect((await testRemote().resolve(reference, run)).digest).toBe(digest);
  });

  test('an unreachable registry is REGISTRY_UNREACHABLE with its side', async () => {
    const remote = testRemote({ side: 'source', retry: { retryTimes: 1, firstDelayMs: 0 } });
    await expect(remote.resolve(parseReference('127.0.0.1:1/kitchen/soup:v1'), run)).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      side: 'source',
    });
  });

  test('a registry that was given up is not tried from the start by every image of it', async () => {
    const { run: heard, events } = listeningRun();
    const remote = testRemote({ side: 'source', retry: { retryTimes: 2, firstDelayMs: 0 } });
    for (const name of ['soup', 'stew', 'roast'])
      await expect(remote.resolve(parseReference(`127.0.0.1:1/kitchen/${name}:v1`), heard)).rejects.toMatchObject({
        code: 'REGISTRY_UNREACHABLE',
        message: expect.stringContaining(name),
      });
    expect(events.map((event) => event.state)).toEqual(['retrying', 'retrying']);
  });

  test('a target that refuses, or has a name that nobody knows, is given up at once with the next step', async () => {
    const { run: heard, events } = listeningRun();
    for (const registry of ['127.0.0.1:1', 'no-such-kitchen.invalid']) {
      const remote = testRemote({ side: 'target', retry: { retryTimes: 5, firstDelayMs: 60_000 } });
      await expect(remote.assertReachable({ registry, repository: 'kitchen/soup' }, heard)).rejects.toMatchObject({
        code: 'REGISTRY_UNREACHABLE',
        side: 'target',
        message: expect.stringContaining(`the target ${registry} cannot be reached`),
        hint: expect.stringContaining('port'),
      });
    }
    expect(events).toEqual([]);
  });

  test('a login that the target refuses is found out before any work', async () => {
    const { registry } = await serve({ auth: { kind: 'basic', user: 'cook', password: 'right' } });
    const place = { registry: registry.host, repository: 'kitchen/soup' };
    const right = testRemote({ credentials: staticCredentials('cook', 'right') });
    await right.assertReachable(place, run);
    const wrong = testRemote({ credentials: staticCredentials('cook', 'wrong'), side: 'target' });
    await expect(wrong.assertReachable(place, run)).rejects.toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' });
    await expect(testRemote().assertReachable(place, run)).rejects.toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' });
  });

  test('tries are not multiplied: connecting, requests and uploads each have theirs once', async () => {
    const retry = { retryTimes: 2, firstDelayMs: 0 };
    const down = await startScriptedRegistry({ prank: () => ({ kind: 'answer', status: 503 }) });
    const reference = parseReference(`${down.host}/k:1`);
    await expect(testRemote({ retry }).fetchManifest(reference, run)).rejects.toMatchObject({
      code: 'REGISTRY_FAILED',
    });
    expect(down.requests).toHaveLength(3);
    const busy = await serve({
      prank: (request) => (request.url === '/v2/' ? undefined : { kind: 'answer', status: 503 }),
    });
    const blob = { mediaType: 'x', digest: busy.digest, size: 200_000 };
    const remote = testRemote({ retry });
    const open = () => Promise.reject(new Error('not asked for'));
    await expect(remote.pushBlob(busy.reference, blob, open, run)).rejects.toMatchObject({ code: 'REGISTRY_FAILED' });
    expect(busy.registry.requests.filter((request) => request.method === 'POST')).toHaveLength(3);
  });

  test('a refusal in HTML or with control characters ends up as one clean line', async () => {
    const body = JSON.stringify({ errors: [{ code: 'DENIED\u001b[31m', message: 'no\nsoup\u0007' }] });
    const { reference } = await serve({
      prank: (request) => (request.url.includes('manifests') ? { kind: 'answer', status: 418, body } : undefined),
    });
    const error = await testRemote()
      .resolve(reference, run)
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'REGISTRY_FAILED',
      message: expect.stringMatching(/status 418$|DENIED\[31m \(no soup\)/),
    });
  });
});

describe('mirrors', () => {
  const conf = (primary: string, ...mirrors: string[]) =>
    parseRegistriesConf(
      `[[registry]]\nlocation="${primary}"\ninsecure=true\n${mirrors.map((mirror) => `[[registry.mirror]]\nlocation="${mirror}"\ninsecure=true\n`).join('')}`,
    );

  test('are asked first; what they lack comes from the next, then from the primary location', async () => {
    const primary = await serve();
    const [empty, full] = [await startScriptedRegistry(), await startScriptedRegistry()];
    full.putManifest('m/kitchen/soup', manifest, 'v1');
    const blob = primary.registry.putBlob('kitchen/soup', Buffer.from('layer'));
    const remote = testRemote({
      tlsVerify: true,
      registriesConf: conf(primary.registry.host, empty.host, `${full.host}/m`),
    });
    expect((await remote.fetchManifest(primary.reference, run)).digest).toBe(primary.digest);
    expect(primary.registry.requests).toHaveLength(0);
    const stream = await remote.fetchBlob(primary.reference, blob, 0, run);
    stream.resume();
    expect(count(full, blob.digest)).toBe(1);
    expect(count(primary.registry, blob.digest)).toBe(1);
    // The mirror that answered is asked first from now on.
    await remote.fetchManifest(primary.reference, run);
    expect(count(empty, 'manifests')).toBe(1);
  });

  test('that are gone do no harm, and the error is that of the primary location', async () => {
    const primary = await serve();
    const remote = testRemote({ registriesConf: conf(primary.registry.host, '127.0.0.1:1'), retry: { retryTimes: 0 } });
    expect((await remote.resolve(primary.reference, run)).digest).toBe(primary.digest);
    const missing = { ...primary.reference, tag: 'v2' };
    await expect(remote.resolve(missing, run)).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
  });

  test('that are gone are asked once, and not again for each repository', async () => {
    const primary = await startScriptedRegistry();
    const mirror = await startScriptedRegistry({ prank: () => ({ kind: 'hang-up' }) });
    for (const name of ['a', 'b', 'c']) primary.putManifest(name, manifest, 'v1');
    const remote = testRemote({
      registriesConf: conf(primary.host, mirror.host),
      retry: { retryTimes: 5, firstDelayMs: 0 },
    });
    for (const repository of ['a', 'b', 'c'])
      await remote.resolve({ registry: primary.host, repository, tag: 'v1' }, run);
    // TLS is tried before plain HTTP, and only the latter gets as far as a request; one more try for a mirror.
    expect(mirror.requests).toHaveLength(2);
  });

  test('are never written to, and a blocked registry neither', async () => {
    const [primary, mirror] = [await startScriptedRegistry(), await startScriptedRegistry()];
    const remote = testRemote({ registriesConf: conf(primary.host, mirror.host) });
    const bytes = Buffer.from(JSON.stringify(manifest));
    const repository = { registry: primary.host, repository: 'kitchen/soup' };
    const { digestOf } = await import('../../../src/oci/index.ts');
    await remote.pushManifest(repository, 'v1', { bytes, mediaType: manifest.mediaType, digest: digestOf(bytes) }, run);
    expect(mirror.requests).toHaveLength(0);
    const blocked = testRemote({
      registriesConf: parseRegistriesConf(`[[registry]]\nlocation="${primary.host}"\nblocked=true`),
    });
    await expect(blocked.resolve({ ...repository, tag: 'v1' }, run)).rejects.toMatchObject({
      code: 'REGISTRY_BLOCKED',
    });
  });
});
