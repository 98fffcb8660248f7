import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { harbour, putImage } from '../helpers/scripted-mirror.ts';
import {
  type Prank,
  type RegistryScript,
  type SeenRequest,
  startScriptedRegistry,
} from '../helpers/scripted-registry.ts';

const names = ['harbour/crane:1', 'harbour/crane:2', 'harbour/buoy:1'];

/** Pranks on the first answers of each path. */
const first = (count: number, prank: (request: SeenRequest) => Prank | undefined): RegistryScript => ({
  prank: (request, nth) => (request.url === '/v2/' || nth > count ? undefined : prank(request)),
});

const isBlob = (request: SeenRequest): boolean => request.method === 'GET' && /\/blobs\/sha256:/.test(request.url);

describe('mirror to mirror', () => {
  test.each<[string, RegistryScript]>([
    ['drops its answers', first(2, (request) => (isBlob(request) ? { kind: 'drop', afterBytes: 3 } : undefined))],
    ['hangs up', first(1, () => ({ kind: 'hang-up' }))],
    ['is slow', first(1, () => ({ kind: 'delay', delayMs: 30 }))],
    ['limits the rate', first(1, () => ({ kind: 'answer', status: 429, headers: { 'retry-after': '0' } }))],
    ['is overloaded', first(2, () => ({ kind: 'answer', status: 503 }))],
  ])('gets everything from a source that %s, and runs again for nothing', async (_, script) => {
    const { target, ...site } = await harbour(names, { source: script });
    expect(await site.mirror(names)).toMatchObject({ state: 'complete', missing: [], errorBits: 0 });
    expect([...(target.manifests.get('site/harbour/crane')?.keys() ?? [])]).toEqual(expect.arrayContaining(['1', '2']));
    expect((await site.mirror(names)).state).toBe('nothing-new');
  });

  test.each<[string, string, RegistryScript]>([
    [
      'DIGEST_MISMATCH',
      'a digest',
      {
        prank: (request) =>
          isLayer(request) ? { kind: 'lie', change: (body) => Buffer.alloc(body.length) } : undefined,
      },
    ],
    [
      'SIZE_MISMATCH',
      'a size',
      { prank: (request) => (isLayer(request) ? { kind: 'lie', change: (body) => body.subarray(1) } : undefined) },
    ],
  ])('reports %s of a source that lies about %s; what is true arrives', async (code, _, script) => {
    const { target, ...site } = await harbour(names, { source: script });
    const result = await site.mirror(names);
    expect(result).toMatchObject({ state: 'incomplete', errorBits: 8 });
    expect(new Set(result.missing.map((one) => one.code))).toEqual(new Set([code, 'IMAGE_INCOMPLETE']));
    expect(target.manifests.get('site/harbour/crane')?.has('1')).toBe(true);
    expect(target.manifests.get('site/harbour/buoy')?.has('1') ?? false).toBe(false);
  });

  /** Only the repository of the buoy: both of its blobs. */
  function isLayer(request: SeenRequest): boolean {
    return isBlob(request) && request.url.includes('/buoy/');
  }

  test('follows a source to storage elsewhere, and shows it no credentials', async () => {
    const storage = await startScriptedRegistry({ prank: (request) => serve(request.url) });
    const blobs = new Map<string, Buffer>();
    const serve = (url: string): Prank => ({ kind: 'answer', status: 200, body: blobs.get(url.slice(1)) ?? '' });
    const { source, target, ...site } = await harbour(names, {
      source: {
        prank: (request) =>
          isBlob(request)
            ? { kind: 'answer', status: 307, headers: { location: `${storage.url}/${request.url.split('/').at(-1)}` } }
            : undefined,
      },
    });
    for (const held of source.blobs.values()) for (const [digest, bytes] of held) blobs.set(digest, bytes);
    expect((await site.mirror(names)).state).toBe('complete');
    expect(storage.requests.length).toBeGreaterThan(0);
    expect(storage.requests.filter((request) => request.headers.authorization !== undefined)).toEqual([]);
    expect(target.manifests.get('site/harbour/buoy')?.has('1')).toBe(true);
  });

  test('goes on where a target broke off', async () => {
    const puts: string[] = [];
    const { target, ...site } = await harbour(names, {
      target: {
        prank: (request) =>
          request.method === 'PUT' && request.url.includes('/manifests/') && puts.push(request.url) === 2
            ? { kind: 'answer', status: 403 }
            : undefined,
      },
    });
    await expect(site.mirror(names)).rejects.toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' });
    expect(await site.mirror(names)).toMatchObject({ state: 'complete', missing: [] });
    const tags = (repository: string) =>
      [...(target.manifests.get(repository)?.keys() ?? [])].filter((tag) => tag.length < 9);
    expect(tags('site/harbour/crane').sort()).toEqual(['1', '2']);
    expect(tags('site/harbour/buoy')).toEqual(['1']);
  });

  test('writes resources for an image of which a target refused only the signature', async () => {
    const isSignature = ({ method, url }: SeenRequest): boolean =>
      method === 'PUT' && /\/manifests\/sha256-\w+\.sig$/.test(url);
    const { source, ...site } = await harbour(['harbour/crane:1'], {
      target: { prank: (request) => (isSignature(request) ? { kind: 'answer', status: 400 } : undefined) },
    });
    const [digest = ''] = [...(source.manifests.get('harbour/crane')?.keys() ?? [])].filter((one) => one.length > 9);
    putImage(source, 'harbour/crane', `${digest.replace(':', '-')}.sig`);
    const result = await site.mirror(['harbour/crane:1']);
    expect(result).toMatchObject({ state: 'incomplete', missing: [{ code: 'REGISTRY_FAILED' }] });
    expect(result.clusterResources.map((file) => path.basename(file))).toEqual(['itms-oc-mirror.yaml']);
  });

  test('plans nothing for a target that is not there', async () => {
    const { source, target, ...site } = await harbour(names);
    target.closeConnections();
    const before = source.requests.length;
    await expect(site.mirror(names, undefined, '127.0.0.1:1')).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      side: 'target',
    });
    expect(source.requests.length).toBe(before);
  });
});
