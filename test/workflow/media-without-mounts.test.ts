import { cp, mkdir, readdir } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { cutParts } from '../../src/bundle/index.ts';
import { quietRun } from '../../src/core/run.ts';
import { openStorage } from '../../src/oci/index.ts';
import { load } from '../../src/workflow/load.ts';
import { buildSample, openOne } from '../bundle/build-sample.ts';
import { makeSample } from '../bundle/sample.ts';
import { sourceSettings } from '../golden/run-case.ts';
import { startDockerRegistry } from '../helpers/docker-registry.ts';
import { describeReal } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const run = quietRun();

/** A registry that takes blobs and never mounts one: it answers as if it had been asked for an upload. */
async function startWithoutMounts(host: string): Promise<{ readonly host: string; readonly refused: () => number }> {
  const [hostname, port] = host.split(':');
  let refused = 0;
  const server = http.createServer((request, response) => {
    const { method, headers, url = '' } = request;
    const isMount = url.includes('mount=');
    if (isMount) refused += 1;
    const onward = http.request(
      { hostname, port, method, headers, path: isMount ? url.replace(/\?.*/, '') : url },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      },
    );
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, refused: () => refused };
}

describeReal('a registry that mounts nothing', ['docker-registry'], () => {
  test('gets a layer that two repositories share into both, though it came with an earlier medium', async () => {
    const folder = await temporaryFolder();
    const sample = makeSample();
    await buildSample(sample, folder);
    const parts = path.join(folder, 'parts');
    await cutParts(await openOne(folder), { folder: parts, partSizeBytes: 250_000 }, run);
    const names = await readdir(parts);
    const real = await startDockerRegistry();
    const target = await startWithoutMounts(real.host);
    const states: string[] = [];
    const count = names.filter((name) => name.includes('.part-')).length;
    // One part on each medium, the last one first.
    for (let number = count; number >= 1; number -= 1) {
      const medium = path.join(folder, `medium-${number}`);
      await mkdir(medium);
      for (const name of names.filter((one) => !one.includes('.part-') || Number(one.slice(-4)) === number))
        await cp(path.join(parts, name), path.join(medium, name));
      const { state, copied } = await load(
        {
          bundle: medium,
          target: { kind: 'registry', registry: target.host, prefix: '' },
          outputFolder: path.join(folder, 'resources'),
          source: sourceSettings({}, folder),
          targetSettings: { tlsVerify: false },
        },
        run,
      );
      expect(copied?.failures).toEqual([]);
      states.push(state);
    }
    expect(count).toBeGreaterThan(10);
    expect(states).toEqual([...Array.from({ length: count - 1 }, () => 'partial'), 'loaded']);
    expect(target.refused()).toBeGreaterThan(0);
    const storage = openStorage(real.storage);
    for (const { name, tags, layers } of sample.plan.repositories) {
      for (const [tag, digest] of Object.entries(tags)) expect(await storage.findTag(name, tag, run)).toBe(digest);
      for (const layer of layers) expect(await storage.hasLayer(name, layer, run), `${name} ${layer}`).toBe(true);
    }
  }, 240_000);
});
