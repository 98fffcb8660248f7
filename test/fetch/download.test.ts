import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createHttp } from '../../src/core/http.ts';
import { quietRun } from '../../src/core/run.ts';
import { createDownloader } from '../../src/fetch/index.ts';
import { collectingSink } from '../helpers/collecting-sink.ts';
import { type Prank, type SeenRequest, seededBytes, startScriptedRegistry } from '../helpers/scripted-registry.ts';

const run = quietRun();
const bytes = seededBytes('rootfs', 100_000);
const sha256 = createHash('sha256').update(bytes).digest('hex');

async function serve(prank: (request: SeenRequest, nth: number) => Prank | undefined = () => undefined) {
  let served = 0;
  const server = await startScriptedRegistry({ prank: (request) => prank(request, ++served) });
  const { digest } = server.putBlob('rhcos', bytes);
  const http = createHttp();
  onTestFinished(() => http.close());
  return {
    server,
    url: `${server.url}/v2/rhcos/blobs/${digest}`,
    downloads: createDownloader({ http, retry: { firstDelayMs: 0 } }),
    ranges: () => server.requests.map((request) => request.headers.range),
  };
}

async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const lie = (headers: Record<string, string | undefined>, change = (body: Buffer) => body): Prank => ({
  kind: 'lie',
  headers,
  change,
});

describe('head', () => {
  test('tells size, entity tag and ranges', async () => {
    const { downloads, url } = await serve(() => lie({ etag: '"a"' }));
    expect(await downloads.head(url, run)).toEqual({ sizeBytes: 100_000, etag: '"a"', acceptsRanges: true });
  });

  test('leaves out a weak tag, which says nothing of bytes', async () => {
    const { downloads, url } = await serve(() => lie({ etag: 'W/"a"', 'accept-ranges': undefined }));
    expect(await downloads.head(url, run)).toEqual({ sizeBytes: 100_000, acceptsRanges: false });
  });

  test('without a length is FETCH_NO_LENGTH', async () => {
    const { downloads, url } = await serve(() => lie({ 'content-length': undefined, 'transfer-encoding': 'chunked' }));
    await expect(downloads.head(url, run)).rejects.toMatchObject({ code: 'FETCH_NO_LENGTH' });
  });

  test('of a missing file is FETCH_NOT_FOUND, of a forbidden one FETCH_FAILED; an overloaded server is asked again', async () => {
    const { downloads, server, url } = await serve((_, nth) =>
      nth === 1 ? { kind: 'answer', status: 503 } : undefined,
    );
    expect((await downloads.head(url, run)).sizeBytes).toBe(100_000);
    await expect(downloads.head(`${server.url}/v2/none`, run)).rejects.toMatchObject({ code: 'FETCH_NOT_FOUND' });
    const closed = await serve(() => ({ kind: 'answer', status: 403 }));
    await expect(closed.downloads.head(closed.url, run)).rejects.toMatchObject({
      code: 'FETCH_FAILED',
      side: 'source',
    });
  });
});

describe('pour', () => {
  test('gives the file, from where the sink has it on, over broken connections and an overloaded server', async () => {
    const { downloads, url, ranges } = await serve((_, nth) =>
      nth === 1
        ? { kind: 'drop', afterBytes: 30_000 }
        : nth === 2
          ? { kind: 'answer', status: 503, headers: { 'content-length': '0' } }
          : undefined,
    );
    const { sink, bytes: got } = collectingSink();
    await downloads.pour({ url, expectedSizeBytes: 100_000 }, sink, run);
    expect(got().equals(bytes)).toBe(true);
    expect(ranges()).toEqual([undefined, 'bytes=30000-', 'bytes=30000-']);
  });

  test('refuses another file in the middle, and another size', async () => {
    const { downloads, url } = await serve(() => lie({ etag: '"b"' }));
    const changed = downloads.pour({ url, expectedSizeBytes: 100_000, etag: '"a"' }, collectingSink().sink, run);
    await expect(changed).rejects.toMatchObject({ code: 'FETCH_CHANGED' });
    await expect(downloads.pour({ url, expectedSizeBytes: 99_999 }, collectingSink().sink, run)).rejects.toMatchObject({
      code: 'FETCH_SIZE_MISMATCH',
    });
  });
});

describe('open', () => {
  test('gives the file, checked, with and without a size known beforehand', async () => {
    const { downloads, url } = await serve();
    expect((await readAll(await downloads.open({ url, sha256 }, run))).equals(bytes)).toBe(true);
    expect((await readAll(await downloads.open({ url, sha256, expectedSizeBytes: 100_000 }, run))).equals(bytes)).toBe(
      true,
    );
  });

  test('continues where it is told to, and where a connection broke', async () => {
    const { downloads, url, ranges } = await serve((_, nth) =>
      nth === 1 ? { kind: 'drop', afterBytes: 40_000 } : undefined,
    );
    const rest = await readAll(await downloads.open({ url, offsetBytes: 10_000, expectedSizeBytes: 100_000 }, run));
    expect(rest.equals(bytes.subarray(10_000))).toBe(true);
    expect(ranges()).toEqual(['bytes=10000-', 'bytes=50000-']);
    expect(
      await readAll(await downloads.open({ url, offsetBytes: 100_000, expectedSizeBytes: 100_000 }, run)),
    ).toHaveLength(0);
  });

  test('asks for the same file again by its tag, and notices another one', async () => {
    const { downloads, url, server } = await serve((_, nth) =>
      nth === 1
        ? { kind: 'lie', headers: { etag: '"a"', 'content-length': '100000' }, change: (body) => body.subarray(0, 50) }
        : lie({ etag: '"b"' }),
    );
    server.requests.length = 0;
    const stream = await downloads.open({ url, sha256, offsetBytes: 0 }, run);
    // The body breaks off when the server has no more to send and the connection is closed.
    setTimeout(() => server.closeConnections(), 100);
    await expect(readAll(stream)).rejects.toMatchObject({ code: 'FETCH_CHANGED' });
    expect(server.requests[1]?.headers).toMatchObject({ range: 'bytes=50-', 'if-range': '"a"' });
  });

  test('a tag held from an earlier run goes along', async () => {
    const { downloads, url, server } = await serve(() => lie({ etag: '"b"' }));
    const request = { url, offsetBytes: 5, expectedSizeBytes: 100_000, etag: '"a"' };
    await expect(downloads.open(request, run)).rejects.toMatchObject({ code: 'FETCH_CHANGED' });
    expect(server.requests[0]?.headers['if-range']).toBe('"a"');
  });

  test('refuses a server that ignores the range', async () => {
    const { downloads, url } = await serve(() => ({ kind: 'ignore-range' }));
    await expect(downloads.open({ url, offsetBytes: 5, expectedSizeBytes: 100_000 }, run)).rejects.toMatchObject({
      code: 'FETCH_RANGE_IGNORED',
    });
  });

  test('refuses another size before the first byte, another digest before the last', async () => {
    const { downloads, url } = await serve();
    await expect(downloads.open({ url, expectedSizeBytes: 99_999 }, run)).rejects.toMatchObject({
      code: 'FETCH_SIZE_MISMATCH',
    });
    const stream = await downloads.open({ url, sha256: 'a'.repeat(64) }, run);
    let length = 0;
    const read = async (): Promise<void> => {
      for await (const chunk of stream as AsyncIterable<Buffer>) length += chunk.length;
    };
    await expect(read()).rejects.toMatchObject({ code: 'FETCH_DIGEST_MISMATCH' });
    expect(length).toBeLessThan(100_000);
  });

  test('without a length and without a size known beforehand is FETCH_NO_LENGTH', async () => {
    const { downloads, url } = await serve(() => lie({ 'content-length': undefined, 'transfer-encoding': 'chunked' }));
    await expect(downloads.open({ url }, run)).rejects.toMatchObject({ code: 'FETCH_NO_LENGTH' });
    expect(await readAll(await downloads.open({ url, expectedSizeBytes: 100_000, sha256 }, run))).toHaveLength(100_000);
  });

  test('follows redirects to a mirror', async () => {
    const mirror = await serve();
    const front = await serve((request) => ({
      kind: 'answer',
      status: 302,
      headers: { location: `${mirror.server.url}${request.url}` },
    }));
    expect(await readAll(await front.downloads.open({ url: front.url, sha256 }, run))).toHaveLength(100_000);
  });
});
