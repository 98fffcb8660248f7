import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { AirlockError } from '../../src/core/errors.ts';
import { createAdaptiveLimit, createHostLimits } from '../../src/core/http-concurrency.ts';
import { quietRun } from '../../src/core/run.ts';
import {
  type CopyContent,
  type CopyOptions,
  contentFromSource,
  copyToTarget,
  type Descriptor,
  type Digest,
  digestOf,
  forecastCopy,
  mediaTypes,
  type Target,
} from '../../src/oci/index.ts';
import { type RegistryScript, seededBytes, startScriptedRegistry } from '../helpers/scripted-registry.ts';
import { listeningRun, testRemote } from './remote/helpers.ts';

const run = quietRun();

/** Content held in memory, as a bundle would give it. */
function larder() {
  const blobs = new Map<Digest, Buffer>();
  const manifests = new Map<Digest, Buffer>();
  const opened: Digest[] = [];
  const blob = (bytes: Buffer): Descriptor => {
    blobs.set(digestOf(bytes), bytes);
    return { mediaType: mediaTypes.ociLayerGzip, digest: digestOf(bytes), size: bytes.length };
  };
  const manifest = (value: object): Descriptor => {
    const bytes = Buffer.from(JSON.stringify(value));
    manifests.set(digestOf(bytes), bytes);
    return { mediaType: mediaTypes.ociManifest, digest: digestOf(bytes), size: bytes.length };
  };
  const image = (...layers: Descriptor[]): Descriptor =>
    manifest({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: blob(Buffer.from('{}')), layers });
  const index = (...children: Descriptor[]): Descriptor => ({
    ...manifest({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: children }),
    mediaType: mediaTypes.ociIndex,
  });
  const content = (repositories: CopyContent['repositories']): CopyContent => ({
    repositories,
    readManifest(_, digest) {
      const bytes = manifests.get(digest);
      if (!bytes) return Promise.reject(new AirlockError('MANIFEST_UNKNOWN', digest, { side: 'source' }));
      const mediaType = (JSON.parse(bytes.toString()) as { mediaType: string }).mediaType;
      return Promise.resolve({ bytes, digest, mediaType });
    },
    openBlob(_, wanted, offsetBytes) {
      opened.push(wanted.digest);
      const bytes = blobs.get(wanted.digest);
      if (!bytes) return Promise.reject(new AirlockError('BLOB_UNKNOWN', wanted.digest, { side: 'source' }));
      return Promise.resolve(Readable.from([bytes.subarray(offsetBytes)], { objectMode: false }));
    },
  });
  return { blobs, manifests, opened, blob, image, index, content };
}

async function serve(script: RegistryScript = {}, options: Partial<CopyOptions> = {}) {
  const registry = await startScriptedRegistry(script);
  const target: Target = testRemote({ side: 'target' });
  const copy = (content: CopyContent, active = run) =>
    copyToTarget(content, { target, registry: registry.host, prefix: 'site', stage: 'load', ...options }, active);
  const order = (method: string, text: string) =>
    registry.requests
      .filter((request) => request.method === method && request.url.includes(text))
      .map((request) => request.url.split('?')[0]);
  return { registry, copy, order };
}

describe('copyToTarget', () => {
  test('brings blobs, manifests and tags under the prefix, each blob uploaded once and mounted elsewhere', async () => {
    const { registry, copy, order } = await serve();
    const store = larder();
    const shared = store.blob(seededBytes('shared', 50_000));
    const [one, two] = [store.image(shared, store.blob(seededBytes('one', 1000))), store.image(shared)];
    const list = store.index(one, two);
    const content = store.content([
      {
        name: 'ns/a',
        tags: { v1: list.digest, latest: list.digest },
        revisions: [list.digest, one.digest, two.digest],
      },
      { name: 'ns/b', tags: { v2: two.digest }, revisions: [two.digest] },
    ]);
    const result = await copy(content);
    expect(result).toEqual({
      pushedBlobs: 3,
      pushedBytes: 51_002,
      mountedBlobs: 2,
      presentBlobs: 0,
      pushedManifests: 4,
      presentManifests: 0,
      pushedTags: 3,
      presentTags: 0,
      failures: [],
    });
    expect([...(registry.manifests.get('site/ns/a')?.keys() ?? [])].filter((key) => !key.includes(':')).sort()).toEqual(
      ['latest', 'v1'],
    );
    expect(registry.blobs.get('site/ns/b')?.has(shared.digest)).toBe(true);
    expect(store.opened.filter((digest) => digest === shared.digest)).toHaveLength(1);
    // The largest blob is begun first; children are there before the index, which goes by its tag at once.
    expect(store.opened[0]).toBe(shared.digest);
    expect(order('PUT', '/ns/a/manifests/').slice(-2).sort()).toEqual([
      '/v2/site/ns/a/manifests/latest',
      '/v2/site/ns/a/manifests/v1',
    ]);
  });

  test('does nothing the second time but look', async () => {
    const { registry, copy } = await serve();
    const store = larder();
    const image = store.image(store.blob(seededBytes('layer', 1000)));
    const content = store.content([{ name: 'a', tags: { v1: image.digest }, revisions: [image.digest] }]);
    await copy(content);
    registry.requests.length = 0;
    expect(await copy(content)).toMatchObject({
      pushedBlobs: 0,
      pushedManifests: 0,
      pushedTags: 0,
      presentManifests: 1,
      presentTags: 1,
    });
    expect(registry.requests.map((request) => `${request.method} ${request.url}`)).toEqual([
      'HEAD /v2/site/a/manifests/v1',
    ]);
  });

  test('moves a tag that means something else, without uploading again what is there', async () => {
    const { registry, copy } = await serve();
    const store = larder();
    const layer = store.blob(seededBytes('layer', 1000));
    const [old, fresh] = [store.image(layer), store.image(layer, layer)];
    await copy(store.content([{ name: 'a', tags: { v1: old.digest }, revisions: [old.digest] }]));
    const result = await copy(
      store.content([{ name: 'a', tags: { v1: fresh.digest, v0: old.digest }, revisions: [fresh.digest, old.digest] }]),
    );
    expect(result).toMatchObject({
      pushedBlobs: 0,
      presentBlobs: 2,
      pushedManifests: 2,
      presentManifests: 0,
      pushedTags: 2,
    });
    expect(registry.manifests.get('site/a')?.get('v1')?.bytes).toEqual(store.manifests.get(fresh.digest));
  });

  test('counts no manifest twice in a forecast: one that is there cannot be had for another tag', async () => {
    const { registry, copy } = await serve();
    const store = larder();
    const { digest } = store.image(store.blob(seededBytes('crumb', 1000)));
    const repository = { name: 'kitchen/bread', revisions: [digest], tags: { fresh: digest } };
    await copy(store.content([repository]));
    store.manifests.delete(digest);
    const content = store.content([{ ...repository, tags: { fresh: digest, stale: digest } }]);
    const options = { target: testRemote({ side: 'target' }), registry: registry.host, prefix: 'site', stage: 'load' };
    const forecast = await forecastCopy(content, options as CopyOptions, run);
    expect(forecast).toMatchObject({ manifests: 0, presentManifests: 0, presentTags: 1, failures: [{ digest }] });
  });

  test('goes on after an end in the middle', async () => {
    const store = larder();
    const layers = ['a', 'b', 'c', 'd'].map((name, at) => store.blob(seededBytes(name, 1000 - at)));
    const image = store.image(...layers);
    const content = store.content([{ name: 'a', tags: { v1: image.digest }, revisions: [image.digest] }]);
    const abort = new AbortController();
    let uploads = 0;
    const { copy } = await serve(
      {
        prank: (request) => {
          if (request.method === 'PUT' && ++uploads === 3) abort.abort();
          return undefined;
        },
      },
      { parallelBlobs: 1 },
    );
    await expect(copy(content, quietRun({ signal: abort.signal }))).rejects.toMatchObject({ code: 'CANCELLED' });
    const again = await copy(content);
    expect(again.presentBlobs).toBeGreaterThanOrEqual(2);
    expect(again.pushedTags).toBe(1);
  });

  test('a blob that the source lacks costs its images only, and every failure is in the result', async () => {
    const { registry, copy } = await serve();
    const store = larder();
    const lost = store.blob(seededBytes('lost', 100));
    const [good, bad] = [store.image(store.blob(seededBytes('good', 100))), store.image(lost)];
    const list = store.index(good, bad);
    store.blobs.delete(lost.digest);
    const { run: listening, events } = listeningRun();
    const result = await copy(
      store.content([
        { name: 'a', tags: { v1: list.digest, good: good.digest }, revisions: [list.digest, good.digest, bad.digest] },
        { name: 'b', tags: { v1: good.digest }, revisions: [good.digest] },
      ]),
      listening,
    );
    expect(
      result.failures.map((item) => [item.repository, item.kind, item.digest, (item.error as AirlockError).code]),
    ).toEqual([
      ['a', 'blob', lost.digest, 'BLOB_UNKNOWN'],
      ['a', 'manifest', bad.digest, 'IMAGE_INCOMPLETE'],
      ['a', 'manifest', list.digest, 'IMAGE_INCOMPLETE'],
    ]);
    expect(registry.manifests.get('site/a')?.has('v1')).toBe(false);
    expect(registry.manifests.get('site/a')?.has('good')).toBe(true);
    expect(registry.manifests.get('site/b')?.has('v1')).toBe(true);
    expect(events.filter((event) => event.state === 'failed')).toHaveLength(3);
  });

  test('a failure that the caller calls fatal ends it', async () => {
    const store = larder();
    const lost = store.blob(seededBytes('lost', 100));
    const image = store.image(lost);
    store.blobs.delete(lost.digest);
    const { copy } = await serve({}, { isFatal: () => true });
    const content = store.content([{ name: 'a', tags: {}, revisions: [image.digest] }]);
    await expect(copy(content)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
  });

  test('a target that refuses the login ends it at once', async () => {
    const store = larder();
    const image = store.image(store.blob(seededBytes('a', 100)));
    const { copy, registry } = await serve({ auth: { kind: 'basic', user: 'cook', password: 'p' } });
    const content = store.content([{ name: 'a', tags: {}, revisions: [image.digest] }]);
    await expect(copy(content)).rejects.toMatchObject({ code: 'REGISTRY_UNAUTHORIZED', side: 'target' });
    expect(registry.requests.length).toBeLessThan(4);
  });

  test('survives a registry that answers 429 and 503 and drops, and slows down for it', async () => {
    let requests = 0;
    const limits = createHostLimits(8);
    const registry = await startScriptedRegistry({
      prank: (request) => {
        requests += 1;
        if (request.url === '/v2/' || requests % 5 !== 0) return undefined;
        return requests % 3 === 0
          ? { kind: 'hang-up' }
          : { kind: 'answer', status: requests % 2 === 0 ? 429 : 503, headers: { 'retry-after': '0' } };
      },
    });
    const store = larder();
    const images = Array.from({ length: 12 }, (_, at) =>
      store.image(store.blob(seededBytes(`layer ${at}`, 5000 + at))),
    );
    const content = store.content(
      images.map((image, at) => ({ name: `r${at}`, tags: { v1: image.digest }, revisions: [image.digest] })),
    );
    const target = testRemote({ side: 'target', limits, retry: { firstDelayMs: 0, maxDelayMs: 2, retryTimes: 20 } });
    const result = await copyToTarget(content, { target, registry: registry.host, prefix: '', stage: 'load' }, run);
    expect(result).toMatchObject({ failures: [], pushedTags: 12 });
    expect(registry.manifests.size).toBe(12);
  });

  test('runs no more blobs at once than the limit allows', async () => {
    let active = 0;
    let most = 0;
    const store = larder();
    const image = store.image(
      ...Array.from({ length: 12 }, (_, at) => store.blob(seededBytes(`layer ${at}`, 100 + at))),
    );
    const limit = createAdaptiveLimit(3);
    const { copy } = await serve({}, { limit });
    const content = store.content([{ name: 'a', tags: {}, revisions: [image.digest] }]);
    await copy({
      ...content,
      async openBlob(...args) {
        active += 1;
        most = Math.max(most, active);
        await new Promise((resolve) => setTimeout(resolve, 5));
        active -= 1;
        return content.openBlob(...args);
      },
    });
    expect(most).toBe(3);
  });
});

describe('contentFromSource', () => {
  test('within one registry ends even when only one thing may be done at a time', async () => {
    const store = larder();
    const images = ['a', 'b', 'c'].map((name) => store.image(store.blob(seededBytes(name, 5000))));
    const registry = await startScriptedRegistry();
    const repositories = images.map((image, at) => ({
      name: `r${at}`,
      tags: { v1: image.digest },
      revisions: [image.digest],
    }));
    const limits = createHostLimits(1);
    const remote = testRemote({ limits });
    const options = { target: remote, registry: registry.host, stage: 'mirror' } as const;
    await copyToTarget(store.content(repositories), { ...options, prefix: 'from' }, run);
    const locate = (repository: string) => [{ registry: registry.host, repository: `from/${repository}` }];
    const copied = await copyToTarget(
      contentFromSource({ source: remote, repositories, locate }),
      { ...options, prefix: 'to' },
      run,
    );
    expect(copied).toMatchObject({ pushedTags: 3, failures: [] });
  });

  test('copies from registry to registry, each digest from the first place that has it', async () => {
    const store = larder();
    const layer = store.blob(seededBytes('layer', 70_000));
    const image = store.image(layer);
    const origin = await serve({
      prank: (request, nth) =>
        request.url.includes(layer.digest) && nth === 2 ? { kind: 'drop', afterBytes: 10_000 } : undefined,
    });
    const first = store.content([{ name: 'a', tags: { v1: image.digest }, revisions: [image.digest] }]);
    await origin.copy(first);
    const empty = await startScriptedRegistry();
    const site = await serve();
    const content = contentFromSource({
      source: testRemote({ side: 'source' }),
      repositories: first.repositories,
      locate: () => [
        { registry: empty.host, repository: 'site/a' },
        { registry: origin.registry.host, repository: 'site/a' },
      ],
    });
    expect(await site.copy(content)).toMatchObject({ pushedBlobs: 2, pushedTags: 1, failures: [] });
    expect(site.registry.blobs.get('site/a')?.get(layer.digest)).toHaveLength(70_000);
    const gone = contentFromSource({
      source: testRemote({ side: 'source' }),
      repositories: [{ name: 'b', tags: {}, revisions: [image.digest] }],
      locate: () => [],
    });
    expect((await site.copy(gone)).failures).toMatchObject([
      { kind: 'manifest', error: { code: 'BLOB_UNKNOWN', side: 'source' } },
    ]);
  });
});
