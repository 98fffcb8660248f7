import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { AirlockError } from '../../../src/core/errors.ts';
import { quietRun } from '../../../src/core/run.ts';
import { digestOf, staticCredentials } from '../../../src/oci/index.ts';
import { makeCertificate } from '../../helpers/certificate.ts';
import { type RegistryScript, seededBytes, startScriptedRegistry } from '../../helpers/scripted-registry.ts';
import { testRemote } from './helpers.ts';

const run = quietRun();
const bytes = seededBytes('stew', 200_000);
const blob = { mediaType: 'x', digest: digestOf(bytes), size: bytes.length };

async function serve(script: RegistryScript = {}) {
  const registry = await startScriptedRegistry(script);
  const offsets: number[] = [];
  const open = (offsetBytes: number): Promise<Readable> => {
    offsets.push(offsetBytes);
    const chunks: Buffer[] = [];
    for (let at = offsetBytes; at < bytes.length; at += 10_000)
      chunks.push(bytes.subarray(at, Math.min(at + 10_000, bytes.length)));
    return Promise.resolve(Readable.from(chunks, { objectMode: false }));
  };
  const held = (repository = 'kitchen/stew') => registry.blobs.get(repository)?.get(blob.digest);
  const methods = () =>
    registry.requests.filter((request) => request.url.includes('/blobs/')).map((request) => request.method);
  return {
    registry,
    offsets,
    open,
    held,
    methods,
    repository: { registry: registry.host, repository: 'kitchen/stew' },
  };
}

describe('pushBlob', () => {
  test('uploads with one POST and one PUT', async () => {
    const { repository, open, held, methods } = await serve();
    await testRemote().pushBlob(repository, blob, open, run);
    expect(held()?.equals(bytes)).toBe(true);
    expect(methods()).toEqual(['POST', 'PUT']);
  });

  test('uploads a small blob with one POST where the registry takes that', async () => {
    const small = seededBytes('pepper', 1000);
    const pinch = { mediaType: 'x', digest: digestOf(small), size: small.length };
    const { repository, held, methods, registry } = await serve({ singlePost: true });
    await testRemote().pushBlob(repository, pinch, async () => Readable.from([small]), run);
    expect(registry.blobs.get('kitchen/stew')?.get(pinch.digest)?.equals(small)).toBe(true);
    expect(methods()).toEqual(['POST']);
    expect(held()).toBeUndefined();
  });

  test.each([202, 400, 404, 405, 413])('asks only once for that where the answer is %s', async (status) => {
    const { repository, registry, methods } = await serve({
      prank: (request) =>
        status !== 202 && request.method === 'POST' && request.url.includes('?digest=')
          ? { kind: 'answer', status }
          : undefined,
    });
    const remote = testRemote();
    const opened: string[] = [];
    for (const seed of ['salt', 'pepper']) {
      const bytes = seededBytes(seed, 1000);
      const open = async () => {
        opened.push(seed);
        return Readable.from([bytes]);
      };
      await remote.pushBlob(repository, { mediaType: 'x', digest: digestOf(bytes), size: 1000 }, open, run);
      expect(registry.blobs.get('kitchen/stew')?.get(digestOf(bytes))?.equals(bytes)).toBe(true);
    }
    expect(opened).toEqual(['salt', 'pepper']);
    expect(methods()).toEqual(status === 202 ? ['POST', 'PUT', 'POST', 'PUT'] : ['POST', 'POST', 'PUT', 'POST', 'PUT']);
  });

  test('a small blob that the source gives short is SIZE_MISMATCH of the source', async () => {
    const { repository, registry } = await serve();
    const pinch = { mediaType: 'x', digest: digestOf('salt'), size: 1000 };
    const open = async () => Readable.from([Buffer.from('salt')]);
    await expect(testRemote().pushBlob(repository, pinch, open, run)).rejects.toMatchObject({
      code: 'SIZE_MISMATCH',
      side: 'source',
    });
    expect(registry.blobs.get('kitchen/stew')).toBeUndefined();
  });

  test('uploads an empty blob', async () => {
    const { repository, registry } = await serve();
    const empty = { mediaType: 'x', digest: digestOf(''), size: 0 };
    await testRemote().pushBlob(repository, empty, () => Promise.resolve(Readable.from([])), run);
    expect(registry.blobs.get('kitchen/stew')?.get(empty.digest)).toHaveLength(0);
  });

  test('uses a token for pull and push', async () => {
    const { repository, open, held, registry } = await serve({ auth: { kind: 'bearer', user: 'cook', password: 'p' } });
    const remote = testRemote({ credentials: staticCredentials('cook', 'p') });
    expect(await remote.hasBlob(repository, blob, run)).toBe(false);
    await remote.pushBlob(repository, blob, open, run);
    expect(await remote.hasBlob(repository, blob, run)).toBe(true);
    expect(held()).toBeDefined();
    const tokens = registry.requests.filter((request) => request.url.startsWith('/token'));
    expect(tokens.map((request) => new URL(request.url, 'http://x').searchParams.get('scope'))).toEqual([
      'repository:kitchen/stew:pull,push',
    ]);
  });

  test('falls back to chunks on 413, smaller ones if need be, and remembers', async () => {
    const { repository, registry, open, held, methods } = await serve({ bodyLimitBytes: 60_000 });
    const remote = testRemote({ chunkBytes: 50_000 });
    await remote.pushBlob(repository, blob, open, run);
    expect(held()?.equals(bytes)).toBe(true);
    expect(methods()).toEqual(['POST', 'PUT', 'POST', 'PATCH', 'PATCH', 'PATCH', 'PATCH', 'PUT']);
    const ranges = registry.requests.flatMap((request) =>
      request.method === 'PATCH' ? [request.headers['content-range']] : [],
    );
    expect(ranges).toEqual(['0-49999', '50000-99999', '100000-149999', '150000-199999']);
    registry.requests.length = 0;
    await remote.pushBlob({ ...repository, repository: 'kitchen/other' }, blob, open, run);
    expect(methods()).toEqual(['POST', 'PATCH', 'PATCH', 'PATCH', 'PATCH', 'PUT']);
  });

  test('makes no chunk smaller than the registry allows', async () => {
    const { repository, registry, open, held } = await serve({
      bodyLimitBytes: 90_000,
      prank: ({ method }) =>
        method === 'POST'
          ? { kind: 'lie', change: (body) => body, headers: { 'oci-chunk-min-length': '80000' } }
          : undefined,
    });
    await testRemote({ chunkBytes: 50_000 }).pushBlob(repository, blob, open, run);
    expect(held()?.equals(bytes)).toBe(true);
    const ranges = registry.requests.flatMap(({ headers }) => headers['content-range'] ?? []);
    expect(ranges).toEqual(['0-79999', '80000-159999', '160000-199999']);
  });

  test('begins anew when the registry forgets the upload between two chunks', async () => {
    let patches = 0;
    const unknown = { errors: [{ code: 'BLOB_UPLOAD_UNKNOWN', message: 'restarted' }] };
    const { repository, open, held, methods } = await serve({
      bodyLimitBytes: 120_000,
      prank: ({ method, url }) => {
        const forgotten = (method === 'PATCH' && ++patches === 2) || (method === 'GET' && url.includes('uploads'));
        return forgotten ? { kind: 'answer', status: 404, body: JSON.stringify(unknown) } : undefined;
      },
    });
    await testRemote({ chunkBytes: 110_000 }).pushBlob(repository, blob, open, run);
    expect(held()?.equals(bytes)).toBe(true);
    expect(methods().filter((method) => method === 'PATCH')).toHaveLength(4);
  });

  test.each([409, 416])('tries again where a broken try is still being read: %s', async (status) => {
    let patches = 0;
    const { repository, open, held } = await serve({
      prank: ({ method }, nth) => {
        if (method === 'PUT' && nth === 1) return { kind: 'hang-up', afterBytes: 120_000 };
        return method === 'PATCH' && ++patches === 1 ? { kind: 'answer', status } : undefined;
      },
    });
    await testRemote().pushBlob(repository, blob, open, run);
    expect(held()?.equals(bytes)).toBe(true);
  });

  test('leaves the query of an upload as the registry wrote it', async () => {
    const query = '_state=a%20b~c%2fd+e&sig=x%3D%3D';
    const storage = await startScriptedRegistry({ prank: () => ({ kind: 'answer', status: 201 }) });
    const { repository, open } = await serve({
      prank: ({ method }) =>
        method === 'POST'
          ? { kind: 'answer', status: 202, headers: { location: `${storage.url}/put?${query}` } }
          : undefined,
    });
    await testRemote().pushBlob(repository, blob, open, run);
    expect(storage.requests[0]?.url).toBe(`/put?${query}&digest=${encodeURIComponent(blob.digest)}`);
  });

  test('gives up where not even small chunks are taken', async () => {
    const { repository, open } = await serve({ bodyLimitBytes: 10 });
    await expect(testRemote({ chunkBytes: 1000 }).pushBlob(repository, blob, open, run)).rejects.toMatchObject({
      code: 'REGISTRY_FAILED',
      details: { status: 413 },
    });
  });

  test('continues a broken upload where the registry says that it stopped', async () => {
    const { repository, open, offsets, held, methods } = await serve({
      prank: (request, nth) =>
        request.method === 'PUT' && nth === 1 ? { kind: 'hang-up', afterBytes: 120_000 } : undefined,
    });
    await testRemote().pushBlob(repository, blob, open, run);
    expect(held()?.equals(bytes)).toBe(true);
    expect(offsets).toEqual([0, 120_000]);
    expect(methods()).toEqual(['POST', 'PUT', 'HEAD', 'GET', 'PATCH', 'PUT']);
  });

  test('begins anew when the registry has forgotten the upload', async () => {
    let hangUps = 0;
    const { repository, open, offsets, held } = await serve({
      prank: (request) => {
        if (request.method === 'PUT' && hangUps++ === 0) return { kind: 'hang-up', afterBytes: 1 };
        return request.method === 'GET' && request.url.includes('uploads')
          ? { kind: 'answer', status: 404 }
          : undefined;
      },
    });
    await testRemote().pushBlob(repository, blob, open, run);
    expect(held()).toBeDefined();
    expect(offsets).toEqual([0, 0]);
  });

  test('is content when only the answer was lost', async () => {
    const { repository, registry, open, offsets } = await serve({
      prank: (request) => {
        if (request.method !== 'PUT') return undefined;
        registry.putBlob('kitchen/stew', bytes);
        return { kind: 'hang-up', afterBytes: 150_000 };
      },
    });
    await testRemote().pushBlob(repository, blob, open, run);
    expect(offsets).toEqual([0]);
  });

  test('repeats on 500 and 429, but not on 400', async () => {
    const { repository, open, held } = await serve({
      prank: (request, nth) =>
        request.method === 'POST' && nth <= 2 ? { kind: 'answer', status: nth === 1 ? 500 : 429 } : undefined,
    });
    await testRemote().pushBlob(repository, blob, open, run);
    expect(held()).toBeDefined();
    const other = await serve({
      prank: (request) => (request.method === 'PUT' ? { kind: 'answer', status: 400 } : undefined),
    });
    await expect(
      testRemote({ side: 'target' }).pushBlob(other.repository, blob, other.open, run),
    ).rejects.toMatchObject({
      code: 'REGISTRY_FAILED',
      side: 'target',
    });
    expect(other.methods()).toEqual(['POST', 'PUT']);
  });

  test('fails with the error of the source when that is what failed, and leaves no blob', async () => {
    const { repository, held } = await serve();
    const open = () => {
      let sent = false;
      return Promise.resolve(
        new Readable({
          read() {
            if (!sent) this.push(bytes.subarray(0, 1000));
            else this.destroy(new AirlockError('DIGEST_MISMATCH', 'rotten', { side: 'source' }));
            sent = true;
          },
        }),
      );
    };
    await expect(testRemote().pushBlob(repository, blob, open, run)).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      side: 'source',
    });
    expect(held()).toBeUndefined();
  });

  test('wrong bytes are refused by the registry', async () => {
    const { repository, held } = await serve();
    const open = () => Promise.resolve(Readable.from([Buffer.alloc(bytes.length)]));
    await expect(testRemote().pushBlob(repository, blob, open, run)).rejects.toMatchObject({
      details: { codes: ['DIGEST_INVALID'] },
    });
    expect(held()).toBeUndefined();
  });

  test('an upload location elsewhere gets the bytes but not the token', async () => {
    const storage = await startScriptedRegistry({ prank: () => ({ kind: 'answer', status: 201 }) });
    const { repository, open } = await serve({
      auth: { kind: 'basic', user: 'cook', password: 'p' },
      prank: (request) =>
        request.method === 'POST' && request.headers.authorization
          ? { kind: 'answer', status: 202, headers: { location: `${storage.url}/put-here?signed=1` } }
          : undefined,
    });
    await testRemote({ credentials: staticCredentials('cook', 'p') }).pushBlob(repository, blob, open, run);
    expect(storage.requests.map((request) => [request.method, request.headers.authorization])).toEqual([
      ['PUT', undefined],
    ]);
    expect(storage.requests[0]?.url).toBe(`/put-here?signed=1&digest=${encodeURIComponent(blob.digest)}`);
  });

  test('goes on over https where a registry behind a TLS proxy names itself with http', async () => {
    const { cert, key } = await makeCertificate();
    const { repository, registry, open, held } = await serve({
      tls: { cert, key },
      prank: (request) =>
        request.method === 'POST'
          ? {
              kind: 'lie',
              change: (body) => body,
              headers: { location: `http://${request.headers.host}/v2/kitchen/stew/blobs/uploads/x` },
            }
          : undefined,
    });
    const error = await testRemote()
      .pushBlob(repository, blob, open, run)
      .catch((reason: unknown) => reason);
    // The made-up upload is not known there: that the question came over https is the point.
    expect(error).toMatchObject({ details: { status: 404 } });
    expect(registry.requests.at(-1)?.method).toBe('PUT');
    expect(held()).toBeUndefined();
  });

  test('ends with CANCELLED when the run is aborted', async () => {
    const { repository } = await serve();
    const abort = new AbortController();
    const open = () => Promise.resolve(new Readable({ read() {} }));
    setTimeout(() => abort.abort(), 50);
    await expect(
      testRemote().pushBlob(repository, blob, open, quietRun({ signal: abort.signal })),
    ).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('pushBlob from a short source', () => {
  test('is SIZE_MISMATCH of the source, without further tries', async () => {
    const { repository, methods } = await serve();
    const open = () => Promise.resolve(Readable.from([bytes.subarray(0, 1000)], { objectMode: false }));
    await expect(testRemote().pushBlob(repository, blob, open, run)).rejects.toMatchObject({
      code: 'SIZE_MISMATCH',
      side: 'source',
    });
    expect(methods().filter((method) => method === 'POST')).toHaveLength(1);
  });
});

describe('mountBlob', () => {
  test('takes the blob from the other repository, with a scope for both', async () => {
    const { registry, repository, held } = await serve({ auth: { kind: 'bearer' } });
    registry.putBlob('larder/stew', bytes);
    expect(await testRemote().mountBlob(repository, blob, 'larder/stew', run)).toBe(true);
    expect(held()).toBeDefined();
    const token = registry.requests.find((request) => request.url.startsWith('/token'));
    expect(new URL(token?.url ?? '', 'http://x').searchParams.getAll('scope')).toEqual([
      'repository:kitchen/stew:pull,push',
      'repository:larder/stew:pull',
    ]);
  });

  test('is false where the blob is not, and the upload that was offered is given back', async () => {
    const { repository, methods } = await serve();
    expect(await testRemote().mountBlob(repository, blob, 'larder/stew', run)).toBe(false);
    expect(methods()).toEqual(['POST', 'DELETE']);
  });

  test.each([400, 403, 404, 405])('is false where mounts are answered with %i', async (status) => {
    const { repository } = await serve({
      prank: (request) => (request.method === 'POST' ? { kind: 'answer', status } : undefined),
    });
    expect(await testRemote().mountBlob(repository, blob, 'larder/stew', run)).toBe(false);
  });
});
