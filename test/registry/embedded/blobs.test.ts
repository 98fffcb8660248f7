import { truncate } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { blobPath, digestOf } from '../../../src/oci/index.ts';
import { errorCode, openKitchen, pushBlob } from '../kitchen.ts';

const flour = Buffer.from('flour, sifted twice');
const digest = digestOf(flour);

describe('pulling blobs', () => {
  test('GET and HEAD give the whole blob with length, digest and entity tag', async () => {
    const kitchen = await openKitchen();
    await pushBlob(kitchen, 'kitchen/bread', digest, flour);
    const got = await kitchen.call('GET', `/v2/kitchen/bread/blobs/${digest}`);
    expect(got.status).toBe(200);
    expect(got.headers.get('docker-content-digest')).toBe(digest);
    expect(got.headers.get('accept-ranges')).toBe('bytes');
    expect(Buffer.from(await got.arrayBuffer())).toEqual(flour);
    const head = await kitchen.call('HEAD', `/v2/kitchen/bread/blobs/${digest}`);
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(flour.length)]);
    expect(await head.text()).toBe('');
  });

  test('a blob belongs to its repository only, and an unknown one is 404', async () => {
    const kitchen = await openKitchen();
    await pushBlob(kitchen, 'kitchen/bread', digest, flour);
    const other = await kitchen.call('GET', `/v2/kitchen/cake/blobs/${digest}`);
    expect([other.status, await errorCode(other)]).toEqual([404, 'BLOB_UNKNOWN']);
    const malformed = await kitchen.call('GET', '/v2/kitchen/bread/blobs/sha256:totallywrong');
    expect([malformed.status, await errorCode(malformed)]).toEqual([400, 'DIGEST_INVALID']);
  });

  test.each([
    ['bytes=0-4', 206, 'flour', 'bytes 0-4/19'],
    ['bytes=7-', 206, 'sifted twice', 'bytes 7-18/19'],
    ['bytes=-5', 206, 'twice', 'bytes 14-18/19'],
    ['bytes=14-99', 206, 'twice', 'bytes 14-18/19'],
    ['bytes=-99', 206, flour.toString(), 'bytes 0-18/19'],
    ['bytes=0-0,2-3', 200, flour.toString(), null],
    ['crumbs=0-3', 200, flour.toString(), null],
  ])('Range %s gives %i', async (range, status, body, contentRange) => {
    const kitchen = await openKitchen();
    await pushBlob(kitchen, 'kitchen/bread', digest, flour);
    const got = await kitchen.call('GET', `/v2/kitchen/bread/blobs/${digest}`, { headers: { range } });
    expect([got.status, await got.text(), got.headers.get('content-range')]).toEqual([status, body, contentRange]);
  });

  test.each(['bytes=19-', 'bytes=99-100', 'bytes=5-2', 'bytes=-0'])(
    'Range %s is 416 with the length',
    async (range) => {
      const kitchen = await openKitchen();
      await pushBlob(kitchen, 'kitchen/bread', digest, flour);
      const got = await kitchen.call('GET', `/v2/kitchen/bread/blobs/${digest}`, { headers: { range } });
      expect([got.status, got.headers.get('content-range')]).toEqual([416, 'bytes */19']);
    },
  );

  test('conditions: If-None-Match is 304, If-Range of another tag gives the whole', async () => {
    const kitchen = await openKitchen();
    await pushBlob(kitchen, 'kitchen/bread', digest, flour);
    const path = `/v2/kitchen/bread/blobs/${digest}`;
    const same = await kitchen.call('GET', path, { headers: { 'if-none-match': `W/"x", "${digest}"` } });
    expect(same.status).toBe(304);
    const range = 'bytes=0-4';
    const stale = await kitchen.call('GET', path, { headers: { range, 'if-range': '"stale"' } });
    expect(stale.status).toBe(200);
    const fresh = await kitchen.call('GET', path, { headers: { range, 'if-range': `"${digest}"` } });
    expect(fresh.status).toBe(206);
  });

  test('an empty blob is pushed and pulled', async () => {
    const kitchen = await openKitchen();
    const empty = digestOf('');
    const start = await kitchen.call('POST', '/v2/kitchen/bread/blobs/uploads/');
    const end = await kitchen.call('PUT', `${start.headers.get('location')}?digest=${empty}`);
    expect(end.status).toBe(201);
    const got = await kitchen.call('GET', `/v2/kitchen/bread/blobs/${empty}`);
    expect([got.status, await got.text(), got.headers.get('content-length')]).toEqual([200, '', '0']);
  });

  test('DELETE takes the blob from one repository and answers 404 the second time', async () => {
    const kitchen = await openKitchen();
    await pushBlob(kitchen, 'kitchen/bread', digest, flour);
    await pushBlob(kitchen, 'kitchen/cake', digest, flour);
    const path = `/v2/kitchen/bread/blobs/${digest}`;
    expect((await kitchen.call('DELETE', path)).status).toBe(202);
    expect((await kitchen.call('GET', path)).status).toBe(404);
    expect((await kitchen.call('DELETE', path)).status).toBe(404);
    expect((await kitchen.call('GET', `/v2/kitchen/cake/blobs/${digest}`)).status).toBe(200);
  });

  test('a blob of several buffers arrives whole, also at a slow reader, by sha512 too', async () => {
    const kitchen = await openKitchen();
    const large = Buffer.alloc((5 << 20) + 7, 'knead ');
    const name = digestOf(large, 'sha512');
    expect((await pushBlob(kitchen, 'kitchen/bread', name, large)).status).toBe(201);
    const got = await kitchen.call('GET', `/v2/kitchen/bread/blobs/${name}`);
    const chunks: Uint8Array[] = [];
    if (!got.body) throw new Error('no body');
    for await (const chunk of got.body as unknown as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      if (chunks.length % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(digestOf(Buffer.concat(chunks), 'sha512')).toBe(name);
  });

  test('many clients at once each get the whole blob', async () => {
    const kitchen = await openKitchen();
    const large = Buffer.alloc(3 << 20, 'peel ');
    const name = digestOf(large);
    await pushBlob(kitchen, 'kitchen/bread', name, large);
    const pulls = Array.from({ length: 40 }, async () => {
      const got = await kitchen.call('GET', `/v2/kitchen/bread/blobs/${name}`);
      return digestOf(Buffer.from(await got.arrayBuffer()));
    });
    expect(new Set(await Promise.all(pulls))).toEqual(new Set([name]));
  });

  test('a file that is cut while it is served breaks the connection instead of ending it', async () => {
    const kitchen = await openKitchen();
    const large = Buffer.alloc(40 << 20, 'grate ');
    const name = digestOf(large);
    await pushBlob(kitchen, 'kitchen/bread', name, large);
    const got = await kitchen.call('GET', `/v2/kitchen/bread/blobs/${name}`);
    await truncate(path.join(kitchen.storage.root, blobPath(name)), 1 << 20);
    await expect(got.arrayBuffer()).rejects.toThrow();
  });
});
