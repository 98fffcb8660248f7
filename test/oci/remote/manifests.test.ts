import { describe, expect, test } from 'vitest';
import { quietRun } from '../../../src/core/run.ts';
import { digestOf, mediaTypes } from '../../../src/oci/index.ts';
import { type RegistryScript, startScriptedRegistry } from '../../helpers/scripted-registry.ts';
import { testRemote } from './helpers.ts';

const run = quietRun();
const config = { mediaType: mediaTypes.ociEmpty, digest: digestOf('{}'), size: 2 };
const image = (note: string, more = {}) => ({
  schemaVersion: 2,
  mediaType: mediaTypes.ociManifest,
  config,
  layers: [],
  annotations: { note },
  ...more,
});
const push = (value: object) => {
  const bytes = Buffer.from(JSON.stringify(value));
  return { bytes, mediaType: mediaTypes.ociManifest, digest: digestOf(bytes) };
};

describe('manifests', () => {
  test('are refused when they do not match their digest, or the header of their tag', async () => {
    const registry = await startScriptedRegistry({
      prank: (request) =>
        request.method === 'GET' && request.url.includes('manifests')
          ? { kind: 'lie', change: (body) => Buffer.concat([body, Buffer.from(' ')]) }
          : undefined,
    });
    const { digest } = registry.putManifest('k', image('a'), 'v1');
    const place = { registry: registry.host, repository: 'k' };
    await expect(testRemote().fetchManifest({ ...place, digest }, run)).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    });
    await expect(testRemote().fetchManifest({ ...place, tag: 'v1' }, run)).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    });
  });

  test('are checked by sha512 when they are named so', async () => {
    const registry = await startScriptedRegistry({
      prank: (request) =>
        request.url.includes('manifests')
          ? { kind: 'lie', change: (body) => body, headers: { 'docker-content-digest': undefined } }
          : undefined,
    });
    const bytes = Buffer.from(JSON.stringify(image('a')));
    const digest = digestOf(bytes, 'sha512');
    registry.manifests.set('k', new Map([[digest, { bytes, mediaType: mediaTypes.ociManifest }]]));
    const reference = { registry: registry.host, repository: 'k', digest };
    expect((await testRemote().fetchManifest(reference, run)).digest).toBe(digest);
    registry.manifests.get('k')?.set(digest, { bytes: Buffer.from('{}'), mediaType: 'x' });
    await expect(testRemote().fetchManifest(reference, run)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  test.each([
    ['no digest header', { 'docker-content-digest': undefined }],
    ['no length', { 'content-length': '0' }],
    ['no type', { 'content-type': undefined }],
  ])('are resolved by GET where HEAD says too little: %s', async (_, headers) => {
    const registry = await startScriptedRegistry({
      prank: (request) => (request.method === 'HEAD' ? { kind: 'lie', change: (body) => body, headers } : undefined),
    });
    const descriptor = registry.putManifest('k', image('a'), 'v1');
    expect(await testRemote().resolve({ registry: registry.host, repository: 'k', tag: 'v1' }, run)).toEqual(
      descriptor,
    );
  });

  test('are resolved where HEAD is not allowed', async () => {
    const registry = await startScriptedRegistry({
      prank: (request) => (request.method === 'HEAD' ? { kind: 'answer', status: 405 } : undefined),
    });
    const descriptor = registry.putManifest('k', image('a'), 'v1');
    expect(await testRemote().resolve({ registry: registry.host, repository: 'k', tag: 'v1' }, run)).toEqual(
      descriptor,
    );
  });

  test('larger than 4 MiB are refused', async () => {
    const registry = await startScriptedRegistry({
      prank: (request) =>
        request.url.includes('manifests')
          ? { kind: 'answer', status: 200, body: Buffer.alloc((4 << 20) + 1) }
          : undefined,
    });
    await expect(
      testRemote().fetchManifest({ registry: registry.host, repository: 'k', tag: 'v1' }, run),
    ).rejects.toMatchObject({
      code: 'REGISTRY_FAILED',
    });
  });

  test('that the registry changes on the way in are an error', async () => {
    const registry = await startScriptedRegistry({
      prank: (request) =>
        request.method === 'PUT'
          ? { kind: 'answer', status: 201, headers: { 'docker-content-digest': digestOf('other') } }
          : undefined,
    });
    const place = { registry: registry.host, repository: 'k' };
    await expect(testRemote().pushManifest(place, 'v1', push(image('a')), run)).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    });
  });

  test.each([
    [415, 'MANIFEST_INVALID', 'docker2s2'],
    [400, 'MANIFEST_INVALID', 'docker2s2'],
    [404, 'MANIFEST_BLOB_UNKNOWN', 'sparse'],
    [413, undefined, 'proxy'],
  ])('that the target refuses with %i %s say what to do', async (status, code, word) => {
    const body = code ? JSON.stringify({ errors: [{ code, message: 'refused' }] }) : 'refused';
    const registry = await startScriptedRegistry({
      prank: ({ method }) => (method === 'PUT' ? { kind: 'answer', status, body } : undefined),
    });
    const place = { registry: registry.host, repository: 'k' };
    await expect(testRemote().pushManifest(place, 'v1', push(image('a')), run)).rejects.toMatchObject({
      code: 'REGISTRY_FAILED',
      hint: expect.stringContaining(word),
    });
  });

  test('of one digest are never pushed to one repository at the same time', async () => {
    let active = 0;
    let most = 0;
    const registry = await startScriptedRegistry({
      prank: (request) => {
        if (request.method !== 'PUT') return undefined;
        active += 1;
        most = Math.max(most, active);
        setTimeout(() => {
          active -= 1;
        }, 4);
        return { kind: 'delay', delayMs: 5 };
      },
    });
    const remote = testRemote();
    const place = { registry: registry.host, repository: 'k' };
    await Promise.all(['a', 'b', 'c', 'd'].map((tag) => remote.pushManifest(place, tag, push(image('a')), run)));
    expect(most).toBe(1);
    expect([...(registry.manifests.get('k')?.keys() ?? [])].sort()).toEqual([
      'a',
      'b',
      'c',
      'd',
      push(image('a')).digest,
    ]);
  });

  test('are deleted by digest; gone ones are false; a refusal says what to switch on', async () => {
    const registry = await startScriptedRegistry();
    const { digest } = registry.putManifest('k', image('a'), 'v1');
    const place = { registry: registry.host, repository: 'k' };
    const remote = testRemote();
    expect(await remote.deleteManifest(place, digest, run)).toBe(true);
    expect(await remote.deleteManifest(place, digest, run)).toBe(false);
    expect(await remote.findManifest({ ...place, tag: 'v1' }, run)).toBeUndefined();
    const strict = await startScriptedRegistry({
      prank: (request) => (request.method === 'DELETE' ? { kind: 'answer', status: 405 } : undefined),
    });
    await expect(remote.deleteManifest({ ...place, registry: strict.host }, digest, run)).rejects.toMatchObject({
      code: 'REGISTRY_FAILED',
    });
  });
});

describe('listTags', () => {
  test('reads all pages, sorted', async () => {
    const registry = await startScriptedRegistry({ pageSize: 2 });
    for (const tag of ['v3', 'v1', 'v2', 'v5', 'v4']) registry.putManifest('k', image('a'), tag);
    expect(await testRemote().listTags({ registry: registry.host, repository: 'k' }, run)).toEqual([
      'v1',
      'v2',
      'v3',
      'v4',
      'v5',
    ]);
    expect(registry.requests.filter((request) => request.url.includes('tags'))).toHaveLength(3);
  });

  test.each([
    ['another origin', 'http://198.51.100.1/v2/k/tags/list?last=a'],
    ['itself for ever', '/v2/k/tags/list?n=1000&last=a'],
  ])('refuses a next page that leads to %s', async (_, link) => {
    const registry = await startScriptedRegistry({
      prank: (request) =>
        request.url.includes('tags')
          ? { kind: 'answer', status: 200, body: '{"tags":["a"]}', headers: { link: `<${link}>; rel="next"` } }
          : undefined,
    });
    await expect(testRemote().listTags({ registry: registry.host, repository: 'k' }, run)).rejects.toMatchObject({
      code: 'REGISTRY_FAILED',
    });
  });

  test('null is no tags, a missing repository is REPOSITORY_UNKNOWN, anything else is refused', async () => {
    const bodies: Record<string, string> = {
      none: '{"name":"none","tags":null}',
      odd: '{"tags":"v1"}',
      html: '<html>',
    };
    const registry = await startScriptedRegistry({
      prank: (request) => {
        const body = bodies[request.url.split('/')[2] ?? ''];
        return body === undefined ? undefined : { kind: 'answer', status: 200, body };
      },
    });
    const list = (repository: string) => testRemote().listTags({ registry: registry.host, repository }, run);
    expect(await list('none')).toEqual([]);
    await expect(list('missing')).rejects.toMatchObject({ code: 'REPOSITORY_UNKNOWN' });
    await expect(list('odd')).rejects.toMatchObject({ code: 'REGISTRY_FAILED' });
    await expect(list('html')).rejects.toMatchObject({ code: 'REGISTRY_FAILED' });
  });
});

describe('tags of signatures', () => {
  const absent = Array.from({ length: 10 }, (_, at) => `${digestOf(String(at)).replace(':', '-')}.sig`);

  async function askAll(script: RegistryScript) {
    const registry = await startScriptedRegistry(script);
    registry.putManifest('k', image('subject'), 'v1');
    const tag = `${digestOf('signed').replace(':', '-')}.sig`;
    const signature = registry.putManifest('k', image('signature'), tag);
    const remote = testRemote();
    const ask = (name: string) => remote.fetchManifest({ registry: registry.host, repository: 'k', tag: name }, run);
    expect((await ask(tag)).digest).toBe(signature.digest);
    for (const name of absent) await expect(ask(name)).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
    return { registry, remote, ask, asked: registry.requests.filter((request) => request.url.includes('/manifests/')) };
  }

  test('are looked up in one list of the repository', async () => {
    expect((await askAll({})).asked).toHaveLength(1);
  });

  test.each([
    ['has more pages', { pageSize: 1 }],
    [
      'is refused',
      { prank: (request) => (request.url.includes('/tags/') ? { kind: 'answer', status: 403 } : undefined) },
    ],
    [
      'is no list',
      {
        prank: (request) =>
          request.url.includes('/tags/') ? { kind: 'answer', status: 200, body: 'null' } : undefined,
      },
    ],
  ] as readonly [string, RegistryScript][])('are asked for one by one where the list %s', async (_, script) => {
    expect((await askAll(script)).asked).toHaveLength(11);
  });

  test('are looked for again after a push', async () => {
    const { registry, remote, ask } = await askAll({});
    const item = push(image('late'));
    await remote.pushManifest({ registry: registry.host, repository: 'k' }, absent[0] ?? '', item, run);
    expect((await ask(absent[0] ?? '')).digest).toBe(item.digest);
  });
});

describe('referrers', () => {
  test('a registry that knows no such path is asked for it once', async () => {
    const registry = await startScriptedRegistry({
      prank: (request) =>
        request.url.includes('/referrers/') ? { kind: 'answer', status: 404, body: '404 page not found' } : undefined,
    });
    const remote = testRemote();
    for (const name of ['one', 'two', 'three'])
      expect(await remote.listReferrers({ registry: registry.host, repository: 'k' }, digestOf(name), run)).toEqual([]);
    expect(registry.requests.filter((request) => request.url.includes('/referrers/'))).toHaveLength(1);
  });

  test.each([true, false])('pushed and listed again, with the API: %s', async (referrersApi) => {
    const registry = await startScriptedRegistry({ referrersApi });
    const subject = registry.putManifest('k', image('subject'), 'v1');
    const place = { registry: registry.host, repository: 'k' };
    const remote = testRemote();
    expect(await remote.listReferrers(place, subject.digest, run)).toEqual([]);
    const signatures = ['one', 'two', 'three'].map((note) =>
      push(image(note, { subject, artifactType: 'application/x-signature' })),
    );
    await Promise.all(signatures.map((item) => remote.pushManifest(place, item.digest, item, run)));
    await Promise.all(signatures.map((item) => remote.pushManifest(place, item.digest, item, run)));
    const listed = await remote.listReferrers(place, subject.digest, run);
    expect(listed.map((item) => item.digest).sort()).toEqual(signatures.map((item) => item.digest).sort());
    expect(new Set(listed.map((item) => item.artifactType))).toEqual(new Set(['application/x-signature']));
    expect(await remote.listTags(place, run)).toEqual(referrersApi ? ['v1'] : [subject.digest.replace(':', '-'), 'v1']);
  });

  test('are read by the fallback tag where the API answers with an error or a page', async () => {
    for (const prank of [
      { kind: 'answer', status: 400 },
      { kind: 'answer', status: 200, body: '<html>' },
      { kind: 'answer', status: 200, body: '{}' },
    ] as const) {
      const registry = await startScriptedRegistry({
        prank: (request) => (request.url.includes('referrers') ? prank : undefined),
      });
      const subject = registry.putManifest('k', image('subject'));
      const found = registry.putManifest('k', image('signature', { subject }));
      registry.putManifest(
        'k',
        { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [found] },
        subject.digest.replace(':', '-'),
      );
      expect(
        await testRemote().listReferrers({ registry: registry.host, repository: 'k' }, subject.digest, run),
      ).toEqual([found]);
    }
  });

  test('an overloaded registry is an error, not "none"', async () => {
    const registry = await startScriptedRegistry({
      prank: (request) => (request.url.includes('referrers') ? { kind: 'answer', status: 503 } : undefined),
    });
    await expect(
      testRemote().listReferrers({ registry: registry.host, repository: 'k' }, digestOf('x'), run),
    ).rejects.toMatchObject({
      details: { status: 503 },
    });
  });
});
