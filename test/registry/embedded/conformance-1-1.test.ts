import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/index.ts';
import { errorCode, type Kitchen, openKitchen, pushBlob } from '../kitchen.ts';

// What the conformance suite of distribution-spec v1.1 asks, in its order: pull, push, content discovery, content management. The newer
// suite runs itself (conformance.real.test.ts); this one cannot be had here, so its requests are made anew.

const repository = 'conformance/pantry';
const other = 'conformance/cellar';
const unknownDigest = `sha256:${'0'.repeat(64)}`;
const types = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  empty: 'application/vnd.oci.empty.v1+json',
};

const bytes = (text: string): Buffer => Buffer.from(text);
const describeBlob = (mediaType: string, body: Buffer) => ({ mediaType, size: body.length, digest: digestOf(body) });
const emptyJson = bytes('{}');
const layer = bytes('flour, salt and water');
const config = bytes('{"architecture":"amd64","os":"linux"}');

function image(more: Record<string, unknown> = {}, configBlob = describeBlob(types.config, config)): Buffer {
  const layers = [describeBlob(types.layer, layer)];
  return bytes(JSON.stringify({ schemaVersion: 2, mediaType: types.manifest, config: configBlob, layers, ...more }));
}

function putManifest(kitchen: Kitchen, reference: string, body: Buffer, type = types.manifest): Promise<Response> {
  return kitchen.call('PUT', `/v2/${repository}/manifests/${reference}`, { body, headers: { 'content-type': type } });
}

async function stockedKitchen(): Promise<Kitchen> {
  const kitchen = await openKitchen();
  for (const body of [config, layer, emptyJson])
    expect((await pushBlob(kitchen, repository, digestOf(body), body)).status).toBe(201);
  return kitchen;
}

const statusOf = async (kitchen: Kitchen, method: string, path: string): Promise<number> =>
  (await kitchen.call(method, `/v2/${repository}${path}`)).status;

describe('pull', () => {
  test('blobs and manifests that are there are 200 to GET and HEAD, all others 404', async () => {
    const kitchen = await stockedKitchen();
    const manifest = image();
    await putManifest(kitchen, 'tagtest0', manifest);
    for (const method of ['GET', 'HEAD']) {
      expect(await statusOf(kitchen, method, `/blobs/${digestOf(config)}`)).toBe(200);
      expect(await statusOf(kitchen, method, `/blobs/${unknownDigest}`)).toBe(404);
      expect(await statusOf(kitchen, method, '/manifests/.INVALID_MANIFEST_NAME')).toBe(404);
      for (const reference of [digestOf(manifest), 'tagtest0']) {
        const answer = await kitchen.call(method, `/v2/${repository}/manifests/${reference}`);
        expect([answer.status, answer.headers.get('docker-content-digest')]).toEqual([200, digestOf(manifest)]);
        expect(Number(answer.headers.get('content-length'))).toBe(manifest.length);
      }
    }
  });

  test('a refused request is explained in the error body of the specification', async () => {
    const kitchen = await openKitchen();
    const answer = await putManifest(kitchen, 'sha256:totallywrong', bytes('{"blablabla": "bla"}'));
    expect([answer.status, await errorCode(answer)]).toEqual([400, 'DIGEST_INVALID']);
  });
});

describe('push', () => {
  const start = (kitchen: Kitchen, query = '', name = repository): Promise<Response> =>
    kitchen.call('POST', `/v2/${name}/blobs/uploads/${query}`);
  const chunk = (kitchen: Kitchen, location: string | null, body: Buffer, range: string): Promise<Response> =>
    kitchen.call('PATCH', location ?? '', {
      body,
      headers: { 'content-type': 'application/octet-stream', 'content-range': range },
    });

  test('a stream by PATCH, without a range, is closed by PUT with the digest', async () => {
    const kitchen = await openKitchen();
    const opened = await start(kitchen);
    const sent = await kitchen.call('PATCH', opened.headers.get('location') ?? '', { body: layer });
    expect([opened.status, sent.status]).toEqual([202, 202]);
    const closed = await kitchen.call('PUT', `${sent.headers.get('location')}?digest=${digestOf(layer)}`);
    expect([closed.status, closed.headers.get('location')]).toEqual([
      201,
      `/v2/${repository}/blobs/${digestOf(layer)}`,
    ]);
  });

  test('chunks have to be in order, tell how far they are, and may be asked after under an old location', async () => {
    const kitchen = await openKitchen();
    const [first, second] = [layer.subarray(0, 3), layer.subarray(3)];
    const early = await start(kitchen);
    const range = `3-${layer.length - 1}`;
    expect((await chunk(kitchen, early.headers.get('location'), second, range)).status).toBe(416);

    const old = (await start(kitchen)).headers.get('location');
    const one = await chunk(kitchen, old, first, '0-2');
    expect([one.status, one.headers.get('range')]).toEqual([202, '0-2']);
    expect((await chunk(kitchen, old, first, '0-2')).status).toBe(416);
    const told = await kitchen.call('GET', old ?? '');
    expect([told.status, told.headers.get('range')]).toEqual([204, '0-2']);
    const two = await chunk(kitchen, told.headers.get('location'), second, range);
    expect([two.status, two.headers.get('range')]).toEqual([202, `0-${layer.length - 1}`]);
    const closed = await kitchen.call('PUT', `${two.headers.get('location')}?digest=${digestOf(layer)}`);
    expect(closed.status).toBe(201);
    const got = await kitchen.call('GET', closed.headers.get('location') ?? '');
    expect(Buffer.from(await got.arrayBuffer()).equals(layer)).toBe(true);
  });

  test('mounts take what another repository has, and start an upload for what nobody has', async () => {
    const kitchen = await stockedKitchen();
    const unknown = await start(kitchen, `?mount=${unknownDigest}`, other);
    expect([unknown.status, unknown.headers.get('location')?.startsWith(`/v2/${other}/blobs/uploads/`)]).toEqual([
      202,
      true,
    ]);
    const wrongPlace = await start(kitchen, `?mount=${digestOf(layer)}&from=conformance/nowhere`, other);
    expect(wrongPlace.status).toBe(202);
    const mounted = await start(kitchen, `?mount=${digestOf(layer)}&from=${repository}`, other);
    expect([mounted.status, mounted.headers.get('location')]).toEqual([201, `/v2/${other}/blobs/${digestOf(layer)}`]);
    expect((await kitchen.call('GET', mounted.headers.get('location') ?? '')).status).toBe(200);
    expect((await start(kitchen, `?mount=${digestOf(config)}`, other)).status).toBe(201);
  });

  test('manifests: four tags of one, no layers, artifacts of both kinds, an index and an index of it, a subject that is not there', async () => {
    const kitchen = await stockedKitchen();
    for (const tag of ['test0', 'test1', 'test2', 'test3']) {
      const answer = await putManifest(kitchen, tag, image());
      expect([answer.status, answer.headers.get('location')]).toEqual([201, `/v2/${repository}/manifests/${tag}`]);
    }
    expect((await putManifest(kitchen, 'emptylayer', image({ layers: [] }))).status).toBe(201);
    const byConfig = image({}, describeBlob('application/vnd.pantry.recipe.config', emptyJson));
    const byType = image({ artifactType: 'application/vnd.pantry.recipe' }, describeBlob(types.empty, emptyJson));
    for (const body of [byConfig, byType]) expect((await putManifest(kitchen, digestOf(body), body)).status).toBe(201);
    const indexOf = (child: Buffer, mediaType: string): Buffer =>
      bytes(JSON.stringify({ schemaVersion: 2, mediaType: types.index, manifests: [describeBlob(mediaType, child)] }));
    const index = indexOf(image(), types.manifest);
    const nested = indexOf(index, types.index);
    for (const body of [index, nested])
      expect((await putManifest(kitchen, digestOf(body), body, types.index)).status).toBe(201);
    const subject = { mediaType: types.manifest, size: 100, digest: unknownDigest };
    const dangling = await putManifest(kitchen, digestOf(image({ subject })), image({ subject }));
    expect([dangling.status, dangling.headers.get('oci-subject')]).toEqual([201, unknownDigest]);
  });
});

describe('content discovery', () => {
  test('tags come sorted, limited by n, from behind last', async () => {
    const kitchen = await stockedKitchen();
    for (const tag of ['test3', 'test1', 'test2', 'test0']) await putManifest(kitchen, tag, image());
    const list = async (query: string): Promise<unknown> =>
      ((await (await kitchen.call('GET', `/v2/${repository}/tags/list${query}`)).json()) as { tags: string[] }).tags;
    expect(await list('')).toEqual(['test0', 'test1', 'test2', 'test3']);
    expect(await list('?n=2')).toEqual(['test0', 'test1']);
    expect(await list('?n=2&last=test1')).toEqual(['test2', 'test3']);
  });

  test('referrers are an index with type and annotations of each, filtered where that is asked, empty for what nobody refers to', async () => {
    const kitchen = await stockedKitchen();
    const subject = describeBlob(types.manifest, image());
    const refer = (annotation: string, artifactType: string) => {
      const annotations = { 'org.pantry.test': annotation };
      return image({ artifactType, subject, annotations }, describeBlob(types.empty, emptyJson));
    };
    const all = [refer('a', 'application/vnd.a'), refer('b', 'application/vnd.a'), refer('c', 'application/vnd.b')];
    // Before what they refer to, as the specification allows.
    for (const body of all)
      expect((await putManifest(kitchen, digestOf(body), body)).headers.get('oci-subject')).toBe(subject.digest);
    await putManifest(kitchen, 'subject', image());
    const ask = async (digest: string, query = '') => {
      const answer = await kitchen.call('GET', `/v2/${repository}/referrers/${digest}${query}`);
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, types.index]);
      const { manifests } = (await answer.json()) as { manifests: { annotations: Record<string, string> }[] };
      const filters = answer.headers.get('oci-filters-applied');
      return { filters, found: manifests.map((one) => one.annotations['org.pantry.test']).sort() };
    };
    expect(await ask(subject.digest)).toEqual({ filters: null, found: ['a', 'b', 'c'] });
    const filtered = { filters: 'artifactType', found: ['a', 'b'] };
    expect(await ask(subject.digest, '?artifactType=application/vnd.a')).toEqual(filtered);
    expect(await ask(unknownDigest)).toEqual({ filters: null, found: [] });
  });
});

describe('content management', () => {
  test('tag, manifest and blob are deleted with 202, gone with 404, and missing from the list', async () => {
    const kitchen = await stockedKitchen();
    const kept = image({ annotations: { kept: 'yes' } });
    await putManifest(kitchen, 'kept', kept);
    await putManifest(kitchen, 'tagtest0', image());
    await putManifest(kitchen, 'tagtest1', image());
    expect(await statusOf(kitchen, 'DELETE', '/manifests/tagtest0')).toBe(202);
    expect(await statusOf(kitchen, 'GET', '/manifests/tagtest0')).toBe(404);
    expect(await statusOf(kitchen, 'GET', `/manifests/${digestOf(image())}`)).toBe(200);
    expect(await statusOf(kitchen, 'DELETE', `/manifests/${digestOf(image())}`)).toBe(202);
    expect(await statusOf(kitchen, 'DELETE', `/manifests/${digestOf(image())}`)).toBe(404);
    expect(await statusOf(kitchen, 'GET', '/manifests/tagtest1')).toBe(404);
    const list = await kitchen.call('GET', `/v2/${repository}/tags/list`);
    expect(await list.json()).toEqual({ name: repository, tags: ['kept'] });
    for (const body of [config, layer]) {
      expect(await statusOf(kitchen, 'DELETE', `/blobs/${digestOf(body)}`)).toBe(202);
      expect(await statusOf(kitchen, 'GET', `/blobs/${digestOf(body)}`)).toBe(404);
      expect(await statusOf(kitchen, 'DELETE', `/blobs/${digestOf(body)}`)).toBe(404);
    }
  });

  test('blobs may go before the manifest that names them', async () => {
    const kitchen = await stockedKitchen();
    await putManifest(kitchen, 'tagtest0', image());
    for (const body of [config, layer]) await statusOf(kitchen, 'DELETE', `/blobs/${digestOf(body)}`);
    expect(await statusOf(kitchen, 'DELETE', `/manifests/${digestOf(image())}`)).toBe(202);
  });
});
