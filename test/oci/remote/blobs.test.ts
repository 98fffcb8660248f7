import { describe, expect, test } from 'vitest';
import { createBandwidth } from '../../../src/core/http-bandwidth.ts';
import { createHostLimits } from '../../../src/core/http-concurrency.ts';
import { quietRun } from '../../../src/core/run.ts';
import { digestOf } from '../../../src/oci/index.ts';
import { collectingSink } from '../../helpers/collecting-sink.ts';
import { type Prank, seededBytes, startScriptedRegistry } from '../../helpers/scripted-registry.ts';
import { listeningRun, readAll, testRemote } from './helpers.ts';

const run = quietRun();
const bytes = seededBytes('soup', 300_000);

async function serve(prank: (nth: number) => Prank | undefined) {
  const registry = await startScriptedRegistry({
    prank: (request, nth) => (request.method === 'GET' && request.url.includes('/blobs/sha') ? prank(nth) : undefined),
  });
  const blob = registry.putBlob('kitchen/soup', bytes);
  const ranges = () =>
    registry.requests.filter((request) => request.url.includes('/blobs/')).map((request) => request.headers.range);
  return { registry, blob, ranges, repository: { registry: registry.host, repository: 'kitchen/soup' } };
}

describe('pourBlob', () => {
  test('gives exactly the bytes, from where the sink has it on', async () => {
    const { blob, repository, ranges } = await serve(() => undefined);
    const { sink, bytes: got } = collectingSink();
    await testRemote().pourBlob?.(repository, blob, sink, run);
    expect(digestOf(got())).toBe(blob.digest);
    const rest = collectingSink(299_990);
    await testRemote().pourBlob?.(repository, blob, rest.sink, run);
    expect(rest.bytes().equals(bytes.subarray(299_990))).toBe(true);
    expect(ranges()).toEqual([undefined, 'bytes=299990-']);
  });

  test('continues by range after the connection drops, again and again, and says so', async () => {
    const { blob, repository, ranges } = await serve((nth) =>
      nth <= 3 ? { kind: 'drop', afterBytes: 70_000 } : undefined,
    );
    const { run: listening, events } = listeningRun();
    const { sink, bytes: got } = collectingSink();
    await testRemote().pourBlob?.(repository, blob, sink, listening);
    expect(digestOf(got())).toBe(blob.digest);
    expect(ranges()).toEqual([undefined, 'bytes=70000-', 'bytes=140000-', 'bytes=210000-']);
    expect(events.filter((event) => event.state === 'retrying')).toHaveLength(3);
  });

  test('gives up when every connection drops without progress', async () => {
    const { blob, repository, ranges } = await serve(() => ({ kind: 'drop', afterBytes: 10 }));
    const remote = testRemote({ side: 'source', retry: { firstDelayMs: 0, retryTimes: 3 } });
    await expect(remote.pourBlob?.(repository, blob, collectingSink().sink, run)).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      side: 'source',
    });
    expect(ranges()).toHaveLength(4);
  });

  test('refuses another size and a server that ignores the range', async () => {
    const { blob, repository } = await serve(() => ({ kind: 'lie', change: (body) => body.subarray(1) }));
    await expect(testRemote().pourBlob?.(repository, blob, collectingSink().sink, run)).rejects.toMatchObject({
      code: 'SIZE_MISMATCH',
    });
    const whole = await serve(() => ({ kind: 'ignore-range' }));
    const { sink } = collectingSink(7);
    await expect(testRemote().pourBlob?.(whole.repository, whole.blob, sink, run)).rejects.toMatchObject({
      code: 'RANGE_IGNORED',
    });
  });

  test('keeps to a bandwidth', async () => {
    const { blob, repository } = await serve(() => undefined);
    const started = performance.now();
    const { sink } = collectingSink();
    // A quarter of a second's worth is there at once: 300 kB less 100 kB at 400 kB/s.
    await testRemote({ bandwidth: createBandwidth(400_000) }).pourBlob?.(repository, blob, sink, run);
    expect(performance.now() - started).toBeGreaterThan(300);
  });
});

describe('fetchBlob', () => {
  test('gives exactly the bytes, whole or from an offset', async () => {
    const { blob, repository } = await serve(() => undefined);
    const remote = testRemote();
    expect(digestOf(await readAll(await remote.fetchBlob(repository, blob, 0, run)))).toBe(blob.digest);
    expect(
      (await readAll(await remote.fetchBlob(repository, blob, 299_990, run))).equals(bytes.subarray(299_990)),
    ).toBe(true);
    expect(await readAll(await remote.fetchBlob(repository, blob, 300_000, run))).toHaveLength(0);
  });

  test('checks sha512 digests and empty blobs too', async () => {
    const { registry, repository } = await serve(() => undefined);
    const remote = testRemote();
    const wide = { mediaType: 'x', digest: digestOf(bytes, 'sha512'), size: bytes.length };
    const empty = { mediaType: 'x', digest: digestOf(''), size: 0 };
    registry.blobs.get('kitchen/soup')?.set(wide.digest, bytes).set(empty.digest, Buffer.alloc(0));
    expect(await readAll(await remote.fetchBlob(repository, wide, 0, run))).toHaveLength(bytes.length);
    expect(await readAll(await remote.fetchBlob(repository, empty, 0, run))).toHaveLength(0);
  });

  test('continues by range after the connection drops, again and again, and says so', async () => {
    const { blob, repository, ranges } = await serve((nth) =>
      nth <= 3 ? { kind: 'drop', afterBytes: 70_000 } : undefined,
    );
    const { run: listening, events } = listeningRun();
    const got = await readAll(await testRemote().fetchBlob(repository, blob, 0, listening));
    expect(digestOf(got)).toBe(blob.digest);
    expect(ranges()).toEqual([undefined, 'bytes=70000-', 'bytes=140000-', 'bytes=210000-']);
    expect(events.filter((event) => event.state === 'retrying')).toHaveLength(3);
  });

  test('continues after a drop and a 503 in between', async () => {
    const { blob, repository } = await serve((nth) =>
      nth === 1 ? { kind: 'drop', afterBytes: 5 } : nth === 2 ? { kind: 'answer', status: 503 } : undefined,
    );
    expect(digestOf(await readAll(await testRemote().fetchBlob(repository, blob, 0, run)))).toBe(blob.digest);
  });

  test('gives up when every connection drops without progress', async () => {
    const { blob, repository, ranges } = await serve(() => ({ kind: 'drop', afterBytes: 10 }));
    const remote = testRemote({ side: 'source', retry: { firstDelayMs: 0, retryTimes: 3 } });
    await expect(readAll(await remote.fetchBlob(repository, blob, 0, run))).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      side: 'source',
    });
    expect(ranges()).toHaveLength(4);
  });

  test('refuses a server that ignores the range, at once and after a drop', async () => {
    const { blob, repository } = await serve((nth) =>
      nth === 1 ? { kind: 'drop', afterBytes: 10 } : { kind: 'ignore-range' },
    );
    await expect(readAll(await testRemote().fetchBlob(repository, blob, 0, run))).rejects.toMatchObject({
      code: 'RANGE_IGNORED',
    });
    await expect(testRemote().fetchBlob(repository, blob, 7, run)).rejects.toMatchObject({ code: 'RANGE_IGNORED' });
  });

  test('refuses a range that begins elsewhere', async () => {
    const { blob, repository } = await serve(() => ({
      kind: 'lie',
      change: (body) => body,
      headers: { 'content-range': `bytes 6-299999/${bytes.length}` },
    }));
    await expect(testRemote().fetchBlob(repository, blob, 7, run)).rejects.toMatchObject({ code: 'RANGE_IGNORED' });
  });

  test('fails before the end when the digest is wrong', async () => {
    const { blob, repository } = await serve(() => ({
      kind: 'lie',
      change: (body) => Buffer.from(body).fill(0, 100, 101),
    }));
    const stream = await testRemote({ side: 'source' }).fetchBlob(repository, blob, 0, run);
    let length = 0;
    const read = async (): Promise<void> => {
      for await (const chunk of stream as AsyncIterable<Buffer>) length += chunk.length;
    };
    await expect(read()).rejects.toMatchObject({ code: 'DIGEST_MISMATCH', side: 'source' });
    expect(length).toBeLessThan(bytes.length);
  });

  test.each([
    ['shorter, as stated', (body: Buffer) => body.subarray(1), {}],
    ['longer, as stated', (body: Buffer) => Buffer.concat([body, Buffer.from('x')]), {}],
    [
      'shorter, unstated',
      (body: Buffer) => body.subarray(1),
      { 'content-length': undefined, 'transfer-encoding': 'chunked' },
    ],
    [
      'longer, unstated',
      (body: Buffer) => Buffer.concat([body, body]),
      { 'content-length': undefined, 'transfer-encoding': 'chunked' },
    ],
  ])('refuses a blob of another size: %s', async (_, change, headers) => {
    const { blob, repository } = await serve(() => ({ kind: 'lie', change, headers }));
    const read = async () => readAll(await testRemote().fetchBlob(repository, blob, 0, run));
    await expect(read()).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
  });

  test('a missing blob is BLOB_UNKNOWN with the codes of the registry, and not tried again', async () => {
    const { repository, registry } = await serve(() => undefined);
    const missing = { mediaType: 'x', digest: digestOf('none'), size: 4 };
    const error = { code: 'BLOB_UNKNOWN', details: { status: 404, codes: ['BLOB_UNKNOWN'] } };
    await expect(testRemote().fetchBlob(repository, missing, 0, run)).rejects.toMatchObject(error);
    expect(registry.requests.filter((request) => request.url.includes('/blobs/'))).toHaveLength(1);
  });

  test('waits as long as a 429 asks, slows everybody down, then goes on', async () => {
    const { blob, repository } = await serve((nth) =>
      nth === 1 ? { kind: 'answer', status: 429, headers: { 'retry-after': '1' } } : undefined,
    );
    const limits = createHostLimits(8, () => 5000);
    const { run: listening, events } = listeningRun();
    const remote = testRemote({ limits, retry: { firstDelayMs: 0, maxDelayMs: 30 } });
    await readAll(await remote.fetchBlob(repository, blob, 0, listening));
    expect(limits.for(repository.registry).current()).toBe(4);
    expect(events).toMatchObject([{ state: 'retrying', message: expect.stringContaining('429') }]);
  });

  test('RATE_LIMITED after the last try', async () => {
    const { blob, repository } = await serve(() => ({ kind: 'answer', status: 429 }));
    await expect(testRemote().fetchBlob(repository, blob, 0, run)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  });

  test('follows a redirect to storage elsewhere without the token, also when it continues', async () => {
    const storage = await startScriptedRegistry({
      prank: (request, nth) =>
        request.url.startsWith('/v2/kitchen') && nth === 1 ? { kind: 'drop', afterBytes: 1000 } : undefined,
    });
    const blob = storage.putBlob('kitchen/soup', bytes);
    const registry = await startScriptedRegistry({
      auth: { kind: 'bearer' },
      prank: (request) =>
        request.url.includes('/blobs/') && request.headers.authorization
          ? { kind: 'answer', status: 307, headers: { location: `${storage.url}${request.url}` } }
          : undefined,
    });
    const repository = { registry: registry.host, repository: 'kitchen/soup' };
    expect(digestOf(await readAll(await testRemote().fetchBlob(repository, blob, 0, run)))).toBe(blob.digest);
    expect(storage.requests.map((request) => [request.headers.authorization, request.headers.range])).toEqual([
      [undefined, undefined],
      [undefined, 'bytes=1000-'],
    ]);
  });

  test('is paced by the bandwidth it shares', async () => {
    const { blob, repository } = await serve(() => undefined);
    const started = performance.now();
    const remote = testRemote({ bandwidth: createBandwidth(1_000_000) });
    await readAll(await remote.fetchBlob(repository, blob, 0, run));
    // 300 kB at 1 MB/s, of which a quarter of a second is free.
    expect(performance.now() - started).toBeGreaterThan(35);
  });

  test('ends with CANCELLED when the run is aborted in the middle', async () => {
    const { blob, repository } = await serve(() => ({ kind: 'drop', afterBytes: 10 }));
    const abort = new AbortController();
    const remote = testRemote({ retry: { firstDelayMs: 60_000 } });
    const stream = await remote.fetchBlob(repository, blob, 0, quietRun({ signal: abort.signal }));
    setTimeout(() => abort.abort(), 50);
    await expect(readAll(stream)).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test('a stream that nobody reads to its end lets go of its connection', async () => {
    const { blob, repository } = await serve(() => undefined);
    const remote = testRemote();
    for (let n = 0; n < 40; n += 1) (await remote.fetchBlob(repository, blob, 0, run)).destroy();
    expect(await readAll(await remote.fetchBlob(repository, blob, 0, run))).toHaveLength(bytes.length);
  });
});
