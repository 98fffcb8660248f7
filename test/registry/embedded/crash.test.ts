import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, stat, writeFile } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'esbuild';
import { describe, expect, onTestFinished, test } from 'vitest';
import { quietRun } from '../../../src/core/run.ts';
import { digestOf, findManifestBytes, openStorage } from '../../../src/oci/index.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const program = (root: string): string => `
import { quietRun } from './src/core/run.ts';
import { openStorage } from './src/oci/index.ts';
import { startEmbeddedRegistry } from './src/registry/index.ts';
const store = openStorage(${JSON.stringify(root)});
const registry = await startEmbeddedRegistry({ store, listen: [{ host: '127.0.0.1', port: 0 }] }, quietRun());
console.log(registry.url);
`;

async function startServer(file: string): Promise<{ url: string; kill(): Promise<void> }> {
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return { url: line.toString().trim(), kill };
}

async function buildServer(folder: string, root: string): Promise<string> {
  const file = path.join(folder, 'server.mjs');
  // dockerode is loaded only where Podman is asked for. A source that is bundled has createRequire under that name already.
  const banner = { js: "import { createRequire as of } from 'node:module'; const require = of(import.meta.url);" };
  const built = await build({
    stdin: { contents: program(root), resolveDir: path.resolve(import.meta.dirname, '../../..'), loader: 'ts' },
    ...{ bundle: true, external: ['dockerode'], platform: 'node', format: 'esm', write: false },
    ...{ banner, logLevel: 'silent' },
  });
  await writeFile(file, built.outputFiles[0]?.contents ?? '');
  return file;
}

describe('a server killed in the middle of pushes', () => {
  test('leaves only whole blobs under their names, and takes the same pushes after a restart', async () => {
    const folder = await temporaryFolder();
    const root = path.join(folder, 'storage');
    const file = await buildServer(folder, root);
    const blobs = Array.from({ length: 12 }, (_, at) => Buffer.alloc(2 << 20, `broth ${at} `));
    // Node's fetch does not always settle when the server dies in the middle of a body: the signal makes it.
    const push = (url: string, blob: Buffer, signal?: AbortSignal): Promise<number> =>
      fetch(`${url}/v2/kitchen/soup/blobs/uploads/?digest=${digestOf(blob)}`, {
        ...{ method: 'POST', body: new Uint8Array(blob), signal: signal ?? null },
      }).then(
        (response) => response.status,
        () => 0,
      );
    const storage = openStorage(root);
    const run = quietRun();
    for (let round = 0; round < 4; round += 1) {
      const server = await startServer(file);
      const stop = new AbortController();
      const pushes = blobs.map((blob) => push(server.url, blob, stop.signal));
      await sleep(20 + round * 50);
      await server.kill();
      stop.abort();
      await Promise.all(pushes);
      for await (const { digest } of storage.walkBlobs(run)) {
        const bytes = await findManifestBytes(storage, digest, run);
        expect(bytes && digestOf(bytes)).toBe(digest);
      }
    }
    const server = await startServer(file);
    expect(await Promise.all(blobs.map((blob) => push(server.url, blob)))).toEqual(new Array(12).fill(201));
    await server.kill();
  });

  test('goes on with a chunked upload after each of several kills', async () => {
    const folder = await temporaryFolder();
    const root = path.join(folder, 'storage');
    const file = await buildServer(folder, root);
    const blob = randomBytes(24 << 20);
    const first = await startServer(file);
    const started = await fetch(`${first.url}/v2/kitchen/stew/blobs/uploads/`, { method: 'POST' });
    const location = started.headers.get('location') ?? '';
    await first.kill();
    let doneBytes = 0;
    for (let round = 0; round < 3; round += 1) {
      const server = await startServer(file);
      const length = { 'content-length': String(blob.length - doneBytes) };
      const request = http.request(`${server.url}${location}`, { method: 'PATCH', headers: length });
      request.on('error', () => {});
      // A third of what is left comes, and then the server dies in the middle of the request.
      await new Promise((resolve) => request.write(blob.subarray(doneBytes, doneBytes + (7 << 20)), resolve));
      await expect.poll(() => uploadBytes(root), { timeout: 10_000 }).toBeGreaterThan(doneBytes);
      await server.kill();
      request.destroy();
      const next = await startServer(file);
      const shown = await fetch(`${next.url}${location}`);
      expect(shown.status).toBe(204);
      const end = Number(/^0-(\d+)$/.exec(shown.headers.get('range') ?? '')?.[1]) + 1;
      expect(end).toBe(await uploadBytes(root));
      expect(end).toBeGreaterThan(doneBytes);
      doneBytes = end;
      await next.kill();
    }
    const last = await startServer(file);
    const put = await fetch(`${last.url}${location}?digest=${digestOf(blob)}`, {
      method: 'PUT',
      headers: { 'content-range': `${doneBytes}-${blob.length - 1}` },
      body: blob.subarray(doneBytes),
    });
    expect(put.status).toBe(201);
    const got = await fetch(`${last.url}/v2/kitchen/stew/blobs/${digestOf(blob)}`);
    expect(digestOf(Buffer.from(await got.arrayBuffer()))).toBe(digestOf(blob));
    expect(await readdir(path.join(root, '.airlock-uploads'))).toEqual([]);
    await last.kill();
  }, 120_000);
});

/** Size of the one upload under way. */
async function uploadBytes(root: string): Promise<number> {
  const folder = path.join(root, '.airlock-uploads');
  const [name = ''] = await readdir(folder);
  return (await stat(path.join(folder, name))).size;
}
