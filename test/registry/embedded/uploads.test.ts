import { readdir } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Disk, nodeDisk } from '../../../src/core/disk.ts';
import type { RunEvent } from '../../../src/core/events.ts';
import { quietRun } from '../../../src/core/run.ts';
import { digestOf } from '../../../src/oci/index.ts';
import { errorCode, type Kitchen, openKitchen, pushBlob } from '../kitchen.ts';

const dough = Buffer.from('flour water salt yeast');
const digest = digestOf(dough);
const uploads = '/v2/kitchen/bread/blobs/uploads/';

async function start(kitchen: Kitchen): Promise<string> {
  const response = await kitchen.call('POST', uploads);
  expect(response.status).toBe(202);
  return response.headers.get('location') ?? '';
}

function patch(kitchen: Kitchen, location: string, from: number, to: number): Promise<Response> {
  return kitchen.call('PATCH', location, {
    body: dough.subarray(from, to),
    headers: { 'content-range': `${from}-${to - 1}`, 'content-type': 'application/octet-stream' },
  });
}

describe('pushing blobs', () => {
  test('POST with digest takes the blob in one request', async () => {
    const kitchen = await openKitchen();
    const response = await pushBlob(kitchen, 'kitchen/bread', digest, dough);
    expect(response.status).toBe(201);
    expect(response.headers.get('location')).toBe(`/v2/kitchen/bread/blobs/${digest}`);
    expect((await kitchen.call('HEAD', `/v2/kitchen/bread/blobs/${digest}`)).status).toBe(200);
  });

  test('POST then PUT takes the blob whole', async () => {
    const kitchen = await openKitchen();
    const response = await kitchen.call('PUT', `${await start(kitchen)}?digest=${digest}`, { body: dough });
    expect([response.status, response.headers.get('docker-content-digest')]).toEqual([201, digest]);
  });

  test('chunks in order are counted by Range, and the last one may come with PUT', async () => {
    const kitchen = await openKitchen();
    const location = await start(kitchen);
    const first = await patch(kitchen, location, 0, 5);
    expect([first.status, first.headers.get('range')]).toEqual([202, '0-4']);
    const shown = await kitchen.call('GET', first.headers.get('location') ?? '');
    expect([shown.status, shown.headers.get('range')]).toEqual([204, '0-4']);
    expect((await patch(kitchen, location, 5, 11)).headers.get('range')).toBe('0-10');
    const last = await kitchen.call('PUT', `${location}?digest=${digest}`, {
      body: dough.subarray(11),
      headers: { 'content-range': `11-${dough.length - 1}` },
    });
    expect(last.status).toBe(201);
    expect((await kitchen.call('GET', location)).status).toBe(404);
  });

  test('a chunk out of order is 416 with how far the upload is, and the upload goes on', async () => {
    const kitchen = await openKitchen();
    const location = await start(kitchen);
    const early = await patch(kitchen, location, 5, 11);
    expect([early.status, early.headers.get('location')]).toEqual([416, location]);
    await patch(kitchen, location, 0, 5);
    const repeated = await patch(kitchen, location, 0, 5);
    expect([repeated.status, repeated.headers.get('range'), await errorCode(repeated)]).toEqual([
      416,
      '0-4',
      'BLOB_UPLOAD_INVALID',
    ]);
    expect((await patch(kitchen, location, 5, dough.length)).status).toBe(202);
    expect((await kitchen.call('PUT', `${location}?digest=${digest}`)).status).toBe(201);
  });

  test('a Content-Range that is no range or does not fit the body is refused', async () => {
    const kitchen = await openKitchen();
    const location = await start(kitchen);
    const headers = { 'content-range': 'some-crumbs' };
    expect((await kitchen.call('PATCH', location, { body: 'abc', headers })).status).toBe(400);
    const longer = await kitchen.call('PATCH', location, { body: 'abc', headers: { 'content-range': '0-9' } });
    expect(longer.status).toBe(416);
  });

  test('a wrong digest is 400, ends the upload and leaves nothing', async () => {
    const kitchen = await openKitchen();
    const location = await start(kitchen);
    const wrong = await kitchen.call('PUT', `${location}?digest=${digestOf('sugar')}`, { body: dough });
    expect([wrong.status, await errorCode(wrong)]).toEqual([400, 'DIGEST_INVALID']);
    expect((await kitchen.call('HEAD', `/v2/kitchen/bread/blobs/${digestOf('sugar')}`)).status).toBe(404);
    expect((await kitchen.call('GET', location)).status).toBe(404);
    expect(await kitchen.storage.collectStale(-1000, quietRun())).toBe(0);
  });

  test('PUT without a digest, or with one that is none, is 400', async () => {
    const kitchen = await openKitchen();
    expect(await errorCode(await kitchen.call('PUT', await start(kitchen)))).toBe('DIGEST_INVALID');
    const other = await kitchen.call('PUT', `${await start(kitchen)}?digest=md5:abcd`);
    expect([other.status, await errorCode(other)]).toEqual([400, 'DIGEST_INVALID']);
  });

  test('sha512 works in one request, in chunks, and when it is only named at the end', async () => {
    const kitchen = await openKitchen();
    const long = digestOf(dough, 'sha512');
    expect((await pushBlob(kitchen, 'kitchen/one', long, dough)).status).toBe(201);
    const said = await kitchen.call('POST', `${uploads}?digest-algorithm=sha512`);
    const end = await kitchen.call('PUT', `${said.headers.get('location')}?digest=${long}`, { body: dough });
    expect(end.status).toBe(201);
    const unsaid = await kitchen.call('PUT', `${await start(kitchen)}?digest=${long}`, { body: dough });
    expect(unsaid.status).toBe(201);
    expect((await kitchen.call('POST', `${uploads}?digest-algorithm=md5`)).status).toBe(400);
  });

  test('DELETE cancels an upload', async () => {
    const kitchen = await openKitchen();
    const location = await start(kitchen);
    await patch(kitchen, location, 0, 5);
    expect((await kitchen.call('DELETE', location)).status).toBe(204);
    expect(await errorCode(await kitchen.call('PATCH', location, { body: 'x' }))).toBe('BLOB_UPLOAD_UNKNOWN');
  });

  test('an upload belongs to its repository', async () => {
    const kitchen = await openKitchen();
    const location = await start(kitchen);
    const elsewhere = location.replace('kitchen/bread', 'kitchen/cake');
    expect((await kitchen.call('PATCH', elsewhere, { body: 'x' })).status).toBe(404);
  });

  test('an upload that rests is closed, and goes on when it is asked for again', async () => {
    const kitchen = await openKitchen({ uploadIdleMs: 30 });
    const location = await start(kitchen);
    await patch(kitchen, location, 0, 5);
    const folder = path.join(kitchen.storage.root, '.airlock-uploads');
    await expect.poll(async () => (await readdir(folder)).join()).toMatch(/\.parked$/);
    const [shown, again] = await Promise.all([kitchen.call('GET', location), kitchen.call('GET', location)]);
    expect([shown.status, shown.headers.get('range'), again.status]).toEqual([204, '0-4', 204]);
    expect((await patch(kitchen, location, 5, dough.length)).status).toBe(202);
    expect((await kitchen.call('PUT', `${location}?digest=${digest}`)).status).toBe(201);
    expect(await readdir(folder)).toEqual([]);
  });

  test('an upload outlives the server, but not in another repository', async () => {
    const before = await openKitchen();
    const location = await start(before);
    await patch(before, location, 0, 5);
    await before.registry.close();
    const kitchen = await openKitchen({ store: before.storage });
    const elsewhere = location.replace('kitchen/bread', 'kitchen/cake');
    expect((await kitchen.call('GET', elsewhere)).status).toBe(404);
    expect((await kitchen.call('GET', location)).headers.get('range')).toBe('0-4');
    const wrong = await kitchen.call('PUT', `${location}?digest=${digest}`, { body: dough.subarray(6) });
    expect([wrong.status, await errorCode(wrong)]).toEqual([400, 'DIGEST_INVALID']);
    expect((await kitchen.call('GET', location)).status).toBe(404);
  });

  test('an upload that is open in one server is not taken by another on the same storage', async () => {
    const one = await openKitchen();
    const location = await start(one);
    await patch(one, location, 0, 5);
    const other = await openKitchen({ store: one.storage });
    expect((await patch(other, location, 5, dough.length)).status).toBe(404);
    expect((await patch(one, location, 5, dough.length)).status).toBe(202);
    expect((await one.call('PUT', `${location}?digest=${digest}`)).status).toBe(201);
  });

  test('an upload that brought nothing for a day is given up, and an id that is none finds nothing', async () => {
    const before = await openKitchen();
    const location = await start(before);
    await before.registry.close();
    const late = quietRun({ now: () => new Date(Date.now() + 25 * 3_600_000) });
    const kitchen = await openKitchen({ store: before.storage }, late);
    expect((await kitchen.call('GET', location)).status).toBe(404);
    expect((await kitchen.call('GET', `${uploads}..%2F..%2Fdocker`)).status).toBe(404);
  });

  test('a broken connection keeps what came, and the client goes on from there', async () => {
    const kitchen = await openKitchen();
    const location = await start(kitchen);
    await new Promise<void>((resolve) => {
      const request = http.request(new URL(location, kitchen.url), { method: 'PATCH' });
      request.on('error', () => resolve());
      request.setHeader('content-length', dough.length);
      request.write(dough.subarray(0, 5), () => setTimeout(() => request.destroy(), 100));
    });
    await expect
      .poll(async () => (await kitchen.call('GET', location)).headers.get('range'), { timeout: 5000 })
      .toBe('0-4');
    expect((await patch(kitchen, location, 5, dough.length)).status).toBe(202);
    expect((await kitchen.call('PUT', `${location}?digest=${digest}`)).status).toBe(201);
  });

  test('a full disk is 507 with a reason, reported, and leaves nothing', async () => {
    const events: RunEvent[] = [];
    const disk: Disk = {
      ...nodeDisk,
      async open(file, access, mode) {
        const handle = await nodeDisk.open(file, access, mode);
        if (access === 'read') return handle;
        const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC', syscall: 'write' });
        return Object.assign(handle, { write: () => Promise.reject(full) });
      },
    };
    const kitchen = await openKitchen({}, quietRun({ disk, report: (event) => events.push(event) }));
    const large = Buffer.alloc(8 << 20, 'overflow ');
    const refused = await pushBlob(kitchen, 'kitchen/bread', digestOf(large), large);
    expect([refused.status, await errorCode(refused)]).toEqual([507, 'UNKNOWN']);
    expect(events).toMatchObject([{ state: 'log', level: 'error' }]);
    expect(await kitchen.storage.collectStale(-1000, quietRun())).toBe(0);
  });

  test('pushes of the same blob at once all succeed, while it is pulled', async () => {
    const kitchen = await openKitchen();
    const large = Buffer.alloc(3 << 20, 'stir ');
    const name = digestOf(large);
    await pushBlob(kitchen, 'kitchen/a', name, large);
    const pushes = Array.from({ length: 8 }, (_, at) => pushBlob(kitchen, `kitchen/cook-${at}`, name, large));
    const pulls = Array.from({ length: 8 }, async () => {
      const got = await kitchen.call('GET', `/v2/kitchen/a/blobs/${name}`);
      return digestOf(Buffer.from(await got.arrayBuffer()));
    });
    expect((await Promise.all(pushes)).map((one) => one.status)).toEqual(new Array(8).fill(201));
    expect(await Promise.all(pulls)).toEqual(new Array(8).fill(name));
  });
});

describe('mounting blobs', () => {
  test('from a repository that has it, and from anywhere when none is named, is 201', async () => {
    const kitchen = await openKitchen();
    await pushBlob(kitchen, 'kitchen/bread', digest, dough);
    for (const [repository, from] of [
      ['kitchen/cake', '&from=kitchen/bread'],
      ['kitchen/pie', ''],
    ]) {
      const mounted = await kitchen.call('POST', `/v2/${repository}/blobs/uploads/?mount=${digest}${from}`);
      expect([mounted.status, mounted.headers.get('location')]).toEqual([201, `/v2/${repository}/blobs/${digest}`]);
      expect((await kitchen.call('HEAD', `/v2/${repository}/blobs/${digest}`)).status).toBe(200);
    }
  });

  test('of a blob that is not there starts an upload instead', async () => {
    const kitchen = await openKitchen();
    await pushBlob(kitchen, 'kitchen/bread', digest, dough);
    for (const query of [`mount=${digestOf('sugar')}&from=kitchen/bread`, `mount=${digest}&from=kitchen/empty`]) {
      const response = await kitchen.call('POST', `/v2/kitchen/cake/blobs/uploads/?${query}`);
      expect(response.status).toBe(202);
      expect(response.headers.get('location')).toMatch(/^\/v2\/kitchen\/cake\/blobs\/uploads\/.+/);
    }
    expect((await kitchen.call('HEAD', `/v2/kitchen/cake/blobs/${digest}`)).status).toBe(404);
  });
});
