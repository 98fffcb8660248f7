import { describe, expect, test } from 'vitest';
import {
  digestOf,
  mediaTypes,
  renderLayer,
  type WrittenImage,
  writeImage,
  writeIndex,
} from '../../../src/oci/index.ts';
import { errorCode, type Kitchen, openKitchen, pushBlob } from '../kitchen.ts';

const layer = renderLayer([{ path: 'recipe', content: 'bake at 230 degrees' }]);
const amd64 = writeImage({ platform: { os: 'linux', architecture: 'amd64' }, layers: [layer] });
const arm64 = writeImage({ platform: { os: 'linux', architecture: 'arm64' }, layers: [layer] });
const both = writeIndex([amd64, arm64]);

async function pushBlobs(kitchen: Kitchen, image: WrittenImage): Promise<void> {
  for (const [digest, bytes] of image.blobs) await pushBlob(kitchen, 'kitchen/bread', digest, bytes);
}

function put(
  kitchen: Kitchen,
  reference: string,
  body: Uint8Array | string,
  contentType: string = mediaTypes.ociManifest,
): Promise<Response> {
  return kitchen.call('PUT', `/v2/kitchen/bread/manifests/${reference}`, {
    body,
    headers: { 'content-type': contentType },
  });
}

function artifact(subject: string, extra: object = {}): Buffer {
  const config = { mediaType: 'application/vnd.kitchen.note', digest: digestOf('{}'), size: 2 };
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config,
      layers: [],
      subject: { mediaType: mediaTypes.ociManifest, digest: subject, size: 10 },
      ...extra,
    }),
  );
}

describe('pushing and pulling manifests', () => {
  test('by tag and by digest, byte for byte, with type, digest and entity tag', async () => {
    const kitchen = await openKitchen();
    await pushBlobs(kitchen, amd64);
    const { bytes, digest } = amd64.manifest;
    const pushed = await put(kitchen, 'rye', bytes);
    expect([pushed.status, pushed.headers.get('docker-content-digest')]).toEqual([201, digest]);
    expect(pushed.headers.get('location')).toBe('/v2/kitchen/bread/manifests/rye');
    for (const reference of ['rye', digest]) {
      const got = await kitchen.call('GET', `/v2/kitchen/bread/manifests/${reference}`);
      expect(Buffer.from(await got.arrayBuffer())).toEqual(bytes);
      expect(got.headers.get('content-type')).toBe(mediaTypes.ociManifest);
      const head = await kitchen.call('HEAD', `/v2/kitchen/bread/manifests/${reference}`);
      expect([head.status, head.headers.get('content-length')]).toEqual([200, String(bytes.length)]);
      const headers = { 'if-none-match': `"${digest}"` };
      const same = await kitchen.call('GET', `/v2/kitchen/bread/manifests/${reference}`, { headers });
      expect(same.status).toBe(304);
    }
  });

  test('under sha512 when it is pushed so', async () => {
    const kitchen = await openKitchen();
    await pushBlobs(kitchen, amd64);
    const name = digestOf(amd64.manifest.bytes, 'sha512');
    expect((await put(kitchen, name, amd64.manifest.bytes)).status).toBe(201);
    const got = await kitchen.call('GET', `/v2/kitchen/bread/manifests/${name}`);
    expect([got.status, got.headers.get('docker-content-digest')]).toEqual([200, name]);
  });

  test('by digest with tags as parameters, which OCI-Tag repeats', async () => {
    const kitchen = await openKitchen();
    await pushBlobs(kitchen, amd64);
    const { bytes, digest } = amd64.manifest;
    const pushed = await put(kitchen, `${digest}?tag=rye&tag=spelt`, bytes);
    expect([pushed.status, pushed.headers.get('oci-tag')]).toEqual([201, 'rye, spelt']);
    expect((await kitchen.call('HEAD', '/v2/kitchen/bread/manifests/spelt')).status).toBe(200);
    expect((await put(kitchen, `${digest}?tag=-no`, bytes)).status).toBe(400);
  });

  test.each([
    ['no JSON', 'flour', mediaTypes.ociManifest],
    ['another type than its own', amd64.manifest.bytes, mediaTypes.dockerManifest],
    ['Docker schema 1', '{"schemaVersion":1,"name":"a"}', mediaTypes.dockerSchema1Signed],
  ])('%s is 400 MANIFEST_INVALID', async (_, body, type) => {
    const kitchen = await openKitchen();
    const refused = await put(kitchen, 'rye', body, type);
    expect([refused.status, await errorCode(refused)]).toEqual([400, 'MANIFEST_INVALID']);
  });

  test('another digest than its own is 400, more than 4 MiB 413, a bad tag 400', async () => {
    const kitchen = await openKitchen();
    await pushBlobs(kitchen, amd64);
    const wrong = await put(kitchen, digestOf('sugar'), amd64.manifest.bytes);
    expect([wrong.status, await errorCode(wrong)]).toEqual([400, 'DIGEST_INVALID']);
    expect((await put(kitchen, 'rye', Buffer.alloc((4 << 20) + 1, ' '))).status).toBe(413);
    expect((await put(kitchen, '.rye', amd64.manifest.bytes)).status).toBe(400);
    expect((await kitchen.call('GET', '/v2/kitchen/bread/manifests/.rye')).status).toBe(404);
  });

  test('an unknown repository is NAME_UNKNOWN, an unknown tag MANIFEST_UNKNOWN, a bad name NAME_INVALID', async () => {
    const kitchen = await openKitchen();
    await pushBlobs(kitchen, amd64);
    expect(await errorCode(await kitchen.call('GET', '/v2/kitchen/none/manifests/rye'))).toBe('NAME_UNKNOWN');
    expect(await errorCode(await kitchen.call('GET', '/v2/kitchen/bread/manifests/rye'))).toBe('MANIFEST_UNKNOWN');
    const named = await kitchen.call('GET', '/v2/Kitchen/bread/manifests/rye');
    expect([named.status, await errorCode(named)]).toEqual([400, 'NAME_INVALID']);
  });

  test('an image whose blobs are not in the repository is refused with their digests', async () => {
    const kitchen = await openKitchen();
    const refused = await put(kitchen, 'rye', amd64.manifest.bytes);
    expect(refused.status).toBe(404);
    const body = (await refused.json()) as { errors: { code: string; message: string }[] };
    expect(body.errors[0]?.code).toBe('MANIFEST_BLOB_UNKNOWN');
    expect(body.errors[0]?.message).toContain(layer.descriptor.digest);
  });

  test('a layer that has URLs may be elsewhere', async () => {
    const kitchen = await openKitchen();
    await pushBlobs(kitchen, amd64);
    const manifest = JSON.parse(amd64.manifest.bytes.toString()) as { layers: object[] };
    manifest.layers = [{ ...layer.descriptor, digest: digestOf('far away'), urls: ['https://example.com/layer'] }];
    expect((await put(kitchen, 'rye', JSON.stringify(manifest))).status).toBe(201);
  });

  test('an index with missing children is refused unless sparse indexes are allowed', async () => {
    for (const [sparse, status] of [
      ['none', 404],
      ['indexes', 201],
      ['all', 201],
    ] as const) {
      const kitchen = await openKitchen({ sparse });
      await pushBlobs(kitchen, amd64);
      await put(kitchen, amd64.manifest.digest, amd64.manifest.bytes);
      expect((await put(kitchen, 'rye', both.manifest.bytes, mediaTypes.ociIndex)).status).toBe(status);
    }
  });

  test('an image with a missing layer is taken only where all may be sparse, and never without its config', async () => {
    const lacking = {
      ...amd64,
      blobs: new Map([...amd64.blobs].filter(([digest]) => digest !== layer.descriptor.digest)),
    };
    for (const [sparse, status] of [
      ['none', 404],
      ['indexes', 404],
      ['all', 201],
    ] as const) {
      const kitchen = await openKitchen({ sparse });
      expect((await put(kitchen, 'rye', amd64.manifest.bytes)).status).toBe(404);
      await pushBlobs(kitchen, lacking);
      expect((await put(kitchen, 'rye', amd64.manifest.bytes)).status).toBe(status);
    }
  });

  test('an index with all its children is taken', async () => {
    const kitchen = await openKitchen();
    await pushBlobs(kitchen, both);
    for (const { digest, bytes } of both.children) await put(kitchen, digest, bytes);
    expect((await put(kitchen, 'rye', both.manifest.bytes, mediaTypes.ociIndex)).status).toBe(201);
  });
});

describe('deleting manifests', () => {
  test('by tag leaves the manifest and its other tags; by digest takes every tag', async () => {
    const kitchen = await openKitchen();
    await pushBlobs(kitchen, amd64);
    const { bytes, digest } = amd64.manifest;
    for (const tag of ['rye', 'spelt', 'white']) await put(kitchen, tag, bytes);
    const tags = async (): Promise<unknown> => (await kitchen.call('GET', '/v2/kitchen/bread/tags/list')).json();
    expect((await kitchen.call('DELETE', '/v2/kitchen/bread/manifests/rye')).status).toBe(202);
    expect(await tags()).toEqual({ name: 'kitchen/bread', tags: ['spelt', 'white'] });
    expect((await kitchen.call('DELETE', '/v2/kitchen/bread/manifests/rye')).status).toBe(404);
    expect((await kitchen.call('HEAD', `/v2/kitchen/bread/manifests/${digest}`)).status).toBe(200);
    expect((await kitchen.call('DELETE', `/v2/kitchen/bread/manifests/${digest}`)).status).toBe(202);
    expect(await tags()).toEqual({ name: 'kitchen/bread', tags: [] });
    expect((await kitchen.call('GET', `/v2/kitchen/bread/manifests/${digest}`)).status).toBe(404);
    expect((await kitchen.call('DELETE', `/v2/kitchen/bread/manifests/${digest}`)).status).toBe(404);
  });
});

describe('pushes and deletes of one tag at once', () => {
  test('each succeed or find nothing, and the end is one of the two states', async () => {
    const kitchen = await openKitchen();
    await pushBlobs(kitchen, amd64);
    const { bytes, digest } = amd64.manifest;
    const requests = Array.from({ length: 40 }, (_, at) => {
      if (at % 3 === 0) return put(kitchen, 'rye', bytes);
      return kitchen.call('DELETE', `/v2/kitchen/bread/manifests/${at % 3 === 1 ? 'rye' : digest}`);
    });
    const statuses = (await Promise.all(requests)).map((response) => response.status);
    expect(statuses.filter((status) => ![201, 202, 404].includes(status))).toEqual([]);
    expect((await put(kitchen, 'rye', bytes)).status).toBe(201);
    expect((await kitchen.call('GET', '/v2/kitchen/bread/manifests/rye')).status).toBe(200);
  });
});

describe('referrers', () => {
  const subject = amd64.manifest.digest;

  async function openWithReferrers(): Promise<Kitchen> {
    const kitchen = await openKitchen();
    await pushBlob(kitchen, 'kitchen/bread', digestOf('{}'), Buffer.from('{}'));
    return kitchen;
  }

  async function list(kitchen: Kitchen, query = ''): Promise<{ artifactType?: string; annotations?: object }[]> {
    const response = await kitchen.call('GET', `/v2/kitchen/bread/referrers/${subject}${query}`);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, mediaTypes.ociIndex]);
    return ((await response.json()) as { manifests: [] }).manifests;
  }

  test('are listed for a subject that is not there, with type and annotations, and OCI-Subject says so', async () => {
    const kitchen = await openWithReferrers();
    const pushed = await put(kitchen, 'note', artifact(subject, { annotations: { by: 'cook' } }));
    expect([pushed.status, pushed.headers.get('oci-subject')]).toEqual([201, subject]);
    const [only, ...more] = await list(kitchen);
    expect(more).toEqual([]);
    expect(only).toMatchObject({ artifactType: 'application/vnd.kitchen.note', annotations: { by: 'cook' } });
  });

  test('are filtered by artifactType, said in OCI-Filters-Applied', async () => {
    const kitchen = await openWithReferrers();
    const note = 'application/vnd.kitchen.price';
    for (const extra of [{}, { artifactType: note }]) {
      const bytes = artifact(subject, extra);
      await put(kitchen, digestOf(bytes), bytes);
    }
    expect(await list(kitchen)).toHaveLength(2);
    expect(await list(kitchen, `?artifactType=${encodeURIComponent(note)}`)).toMatchObject([{ artifactType: note }]);
    const response = await kitchen.call('GET', `/v2/kitchen/bread/referrers/${subject}?artifactType=x/y`);
    expect(response.headers.get('oci-filters-applied')).toBe('artifactType');
  });

  test('go when they are deleted, and an unknown subject has none', async () => {
    const kitchen = await openWithReferrers();
    expect(await list(kitchen)).toEqual([]);
    const bytes = artifact(subject);
    await put(kitchen, digestOf(bytes), bytes);
    expect(await list(kitchen)).toHaveLength(1);
    await kitchen.call('DELETE', `/v2/kitchen/bread/manifests/${digestOf(bytes)}`);
    expect(await list(kitchen)).toEqual([]);
    const bad = await kitchen.call('GET', '/v2/kitchen/bread/referrers/sha256:crumbs');
    expect(bad.status).toBe(400);
  });
});
