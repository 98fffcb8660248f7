import { cp, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { startDockerRegistry } from '../helpers/docker-registry.ts';
import { useJourney } from '../helpers/journey.ts';
import { largeImage, writeImageSet } from '../helpers/journey-source.ts';
import { describeReal } from '../helpers/real.ts';
import { listTree } from '../helpers/tree.ts';

const journey = useJourney([largeImage('oven', 500_000, 3), largeImage('range', 100_000, 3)]);
const { at, json } = journey;
const side = ['index.json', 'index.sig', 'index.sha256', 'parts.json'];

beforeAll(async () => {
  await writeImageSet(at('set.yaml'), {
    images: ['registry.example.com/kitchen/oven:1.0', 'registry.example.com/kitchen/range:1.0'],
  });
  const flags = ['-c', 'set.yaml', ...journey.source.flags, '--tools', 'oc', '--part-size', '200000'];
  await json(0, 'build', ...flags, '--volume-size', '700000', 'out');
});

/** Spreads the parts over media in turn, so that nearly every large member is divided between two of them. */
async function spread(count: number): Promise<string[]> {
  const parts = at('out/gen-000001/parts');
  const names = (await readdir(parts)).filter((name) => name.includes('.part-'));
  const media = Array.from({ length: count }, (_, index) => `medium-${index + 1}`);
  for (const medium of media) {
    await rm(at(medium), { recursive: true, force: true });
    await mkdir(at(medium));
    for (const name of side) await cp(path.join(parts, name), at(medium, name));
  }
  for (const [index, name] of names.entries()) await cp(path.join(parts, name), at(media[index % count] ?? '', name));
  return media;
}

/** What a registry stores, without the leftovers of uploads. */
async function stored(storage: string): Promise<string[]> {
  const tree = await listTree(storage);
  return Object.entries(tree).flatMap(([name, what]) => (name.includes('/_uploads/') ? [] : [`${name} ${what}`]));
}

/** Cluster resources as they were written, but for the port of the registry. */
async function resources(folder: string, host: string): Promise<string[]> {
  const names = (await readdir(at(folder))).filter((name) => !name.startsWith('.'));
  return Promise.all(
    names.map(async (name) => `${name}\n${(await readFile(at(folder, name), 'utf8')).replaceAll(host, 'HOST')}`),
  );
}

interface Loaded {
  readonly state: string;
  readonly clusterResources: readonly string[];
  readonly copied: {
    readonly failures: readonly unknown[];
    readonly waiting: readonly unknown[];
    readonly pushedBlobs: number;
  };
}

describeReal('a bundle that comes medium by medium into a registry over HTTP', ['docker-registry'], () => {
  const load = (medium: string, host: string, exitCode: number, ...flags: string[]) =>
    json<Loaded>(exitCode, 'load', medium, `docker://${host}/site`, '--dest-tls-verify=false', ...flags);

  async function wanted() {
    const { host, storage } = await startDockerRegistry();
    await load('out', host, 0, '--output-dir', 'whole');
    return { content: await stored(storage), written: await resources('whole', host) };
  }

  test('gives what one run with all of it gives, in any order, and leaves nothing behind', async () => {
    const whole = await wanted();
    const media = await spread(3);
    // Each medium is the first once, and the one with the start of all volumes is first, second and last.
    const orders = [
      [0, 1, 2],
      [2, 0, 1],
      [1, 2, 0],
    ];
    for (const order of orders) {
      const { host, storage } = await startDockerRegistry();
      const name = `order-${order.join('')}`;
      const places = [
        '--state-dir',
        `${name}/state`,
        '--tools-dir',
        `${name}/tools`,
        '--output-dir',
        `${name}/resources`,
      ];
      const [first = '', second = '', last = ''] = order.map((index) => media[index] ?? '');
      const begun = await load(first, host, 5, ...places);
      expect(begun).toMatchObject({ state: 'partial', clusterResources: [], copied: { failures: [] } });
      expect(begun.copied.waiting.length).toBeGreaterThan(0);
      // Once more changes nothing, and sends nothing again.
      expect((await load(first, host, 5, ...places)).copied.pushedBlobs).toBe(0);
      await load(second, host, 5, ...places);
      expect(await load(last, host, 0, ...places)).toMatchObject({ state: 'loaded', copied: { waiting: [] } });
      expect(await stored(storage), name).toEqual(whole.content);
      expect(await resources(`${name}/resources`, host), name).toEqual(whole.written);
      expect(await readFile(at(name, 'tools/SHA256SUMS'), 'utf8')).toContain('  oc\n');
      expect(await readdir(at(name, 'state'))).not.toContain('incoming');
      for (const medium of [first, last])
        expect(await load(medium, host, 0, ...places)).toMatchObject({ state: 'nothing-new' });
      expect(await resources(`${name}/resources`, host), name).toEqual(whole.written);
      expect(await load('out', host, 0, ...places)).toMatchObject({ state: 'nothing-new' });
    }
  }, 240_000);

  test('needs no state folder: what waits lies beside the cluster resources meanwhile', async () => {
    const { host, storage } = await startDockerRegistry();
    const media = await spread(2);
    expect(await load(media[1] ?? '', host, 5, '--output-dir', 'own')).toMatchObject({ state: 'partial' });
    expect(await readdir(at('own/.airlock'))).toContain('incoming');
    expect(await load(media[0] ?? '', host, 0, '--output-dir', 'own')).toMatchObject({ state: 'loaded' });
    expect(await readdir(at('own'))).not.toContain('.airlock');
    expect(await stored(storage)).toEqual((await wanted()).content);
    expect(await load(media[0] ?? '', host, 0, '--output-dir', 'own')).toMatchObject({ state: 'nothing-new' });
  }, 240_000);

  test('may also be whole volumes, also into storage', async () => {
    const { host, storage } = await startDockerRegistry();
    const volumes = (await readdir(at('out/gen-000001'))).filter((name) => name.endsWith('.tar')).reverse();
    for (const [index, volume] of volumes.entries()) {
      await rm(at('stick'), { recursive: true, force: true });
      await mkdir(at('stick'));
      for (const name of [volume, ...side.slice(0, 3)]) await cp(at('out/gen-000001', name), at('stick', name));
      const exitCode = index === volumes.length - 1 ? 0 : 5;
      await load('stick', host, exitCode, '--state-dir', 'volumes-state');
      await json(exitCode, 'load', 'stick', 'storage:by-volume', '--registry', 'registry.example.com');
    }
    expect(volumes.length).toBeGreaterThan(2);
    expect(await stored(storage)).toEqual((await wanted()).content);
    await json(0, 'load', 'out', 'storage:at-once');
    expect(await stored(at('by-volume/docker'))).toEqual(await stored(at('at-once/docker')));
    expect(await json(0, 'load', 'out', 'storage:by-volume')).toMatchObject({ state: 'nothing-new' });
  }, 240_000);
});
