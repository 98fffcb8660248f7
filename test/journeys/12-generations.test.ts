import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { airlock } from '../helpers/airlock.ts';
import { useJourney } from '../helpers/journey.ts';
import { largeImage, writeImageSet } from '../helpers/journey-source.ts';

const [toolbox, oven] = ['registry.example.com/kitchen/toolbox:1.0', 'registry.example.com/kitchen/oven:1.0'];

// Two ovens of one repository.
const ovens = ['oven', 'stove'].map((name, index) => ({
  ...largeImage(name, 200_000),
  repository: 'kitchen/oven',
  tag: `${index + 1}.0`,
}));
const journey = useJourney(ovens);
const { at, json } = journey;
const build = (...args: string[]) => json(0, 'build', '-c', 'set.yaml', ...journey.source.flags, 'out', ...args);
const generations = async (): Promise<string[]> => (await readdir(at('out'))).filter((name) => name.startsWith('gen-'));

/** Lets a tag of the source's registry mean another image that it holds. */
async function moveTag(repository: string, tag: string, digest: string): Promise<void> {
  const link = `docker/registry/v2/repositories/${repository}/_manifests/tags/${tag}/current/link`;
  await writeFile(path.join(journey.source.storage, link), digest);
}

beforeAll(async () => {
  await writeImageSet(at('set.yaml'), { release: false, images: [toolbox, oven, oven.replace('1.0', '2.0')] });
  expect(await build()).toMatchObject({ state: 'complete', generation: 1 });
});

describe('a build with nothing new', () => {
  test('says so and makes nothing, also when the bundle was carried away', async () => {
    expect(await build()).toMatchObject({ state: 'nothing-new' });
    await rename(at('out/gen-000001'), at('carried'));
    expect(await build()).toMatchObject({ state: 'nothing-new' });
    expect(await generations()).toEqual([]);
    await rename(at('carried'), at('out/gen-000001'));
  });

  test('takes records that were lost from the bundles that are there, and goes on with their chain', async () => {
    const record = await readFile(at('out/.airlock/generations/000001.json'), 'utf8');
    for (const command of ['plan', 'build']) {
      await rm(at('lost'), { recursive: true, force: true });
      await mkdir(at('lost'));
      await cp(at('out/gen-000001'), at('lost/gen-000001'), { recursive: true });
      await json(0, command, '-c', 'set.yaml', ...journey.source.flags, 'lost');
      expect(await readFile(at('lost/.airlock/generations/000001.json'), 'utf8')).toBe(record);
      const again = await json(0, 'build', '-c', 'set.yaml', ...journey.source.flags, 'lost');
      expect(again).toMatchObject({ state: 'nothing-new' });
      expect((await readdir(at('lost'))).filter((name) => name.startsWith('gen-'))).toEqual(['gen-000001']);
    }
    await writeImageSet(at('more.yaml'), { release: false, images: [toolbox] });
    await rm(at('lost/.airlock'), { recursive: true });
    const next = await json(0, 'build', '-c', 'more.yaml', ...journey.source.flags, 'lost');
    expect(next).toMatchObject({ state: 'complete', generation: 2, totals: { carried: { blobs: 0 } } });
  });

  test('refuses a folder in the place of a generation that holds something else, and names it', async () => {
    await mkdir(at('taken/gen-000001'), { recursive: true });
    const refused = await json(3, 'build', '-c', 'set.yaml', ...journey.source.flags, 'taken');
    expect(refused).toMatchObject({
      error: { code: 'GENERATION_EXISTS', message: expect.stringContaining('taken/gen-000001') },
    });
  });

  test('is one with something new when a tag moved to content that was carried before', async () => {
    const stove = journey.source.content.images.find((one) => one.tag === '2.0')?.image.descriptor.digest ?? '';
    await moveTag('kitchen/oven', '1.0', stove);
    const result = await build();
    expect(result).toMatchObject({ state: 'complete', generation: 2, totals: { carried: { blobs: 0 } } });
    expect(await build()).toMatchObject({ state: 'nothing-new' });
    await json(0, 'load', 'out', 'storage:registry');
    const serve = at('registry/docker/registry/v2/repositories/kitchen/oven/_manifests/tags/1.0/current');
    expect(await readdir(serve)).toEqual(['link']);
    // Whoever wants back to the first generation is told how, and that this is not it.
    const { options } = journey;
    const back = await airlock(['load', 'out/gen-000001', 'storage:registry'], options);
    expect(back.stderr).toContain('generation 2 is newer than this bundle, and its names stay');
    expect(await readFile(path.join(serve, 'link'), 'utf8')).toBe(stove);
    expect((await airlock(['load', 'out', 'storage:registry'], options)).stderr).not.toContain('newer');
  });

  test('makes a whole bundle with --full, which loads where nothing was loaded', async () => {
    expect(await build('--full')).toMatchObject({
      state: 'complete',
      generation: 3,
      totals: { assumed: { blobs: 0 } },
    });
    expect(await json(0, 'load', 'out/gen-000003', 'storage:fresh')).toMatchObject({ state: 'loaded' });
    const early = await json(1, 'load', 'out/gen-000002', 'storage:nothing');
    expect(early).toMatchObject({ error: { code: 'BASE_MISSING', message: expect.stringContaining('generation 1') } });
  });
});

describe('prune', () => {
  test('shows bytes and list, takes nothing without an answer, puts back, and frees what it said', async () => {
    await writeImageSet(at('set.yaml'), { release: false, images: [toolbox] });
    const last = await build();
    expect(last).toMatchObject({ state: 'complete', generation: 4 });
    await json(0, 'load', 'out', 'storage:registry');
    const args = ['prune', '--storage', 'registry', '--keep', '1'];
    const planned = await json(0, ...args, '--dry-run');
    expect(planned).toMatchObject({ state: 'planned', plan: { tags: ['kitchen/oven:1.0', 'kitchen/oven:2.0'] } });
    const bytes = (planned['plan'] as { reclaimableBytes: number }).reclaimableBytes;
    expect(bytes).toBeGreaterThan(200_000);
    expect(await json(2, ...args)).toMatchObject({ error: { code: 'USAGE', hint: expect.stringContaining('-y') } });
    expect(await json(0, ...args, '-y')).toMatchObject({ state: 'pruned' });
    expect(await json(3, ...args, '-y')).toMatchObject({ error: { code: 'PRUNE_BUSY' } });
    expect(await json(0, ...args, '--undo')).toMatchObject({ state: 'restored' });
    expect(await json(0, ...args, '--dry-run')).toMatchObject({ plan: { reclaimableBytes: bytes } });
    await json(0, ...args, '-y');
    expect(await json(0, ...args, '--collect', '-y')).toMatchObject({ state: 'collected', freedBytes: bytes });
    expect(await json(0, ...args, '--undo')).toMatchObject({ state: 'nothing-to-do' });
    // Without a question, as there is nothing to remove.
    expect(await json(0, ...args, '--collect')).toMatchObject({ state: 'nothing-to-do' });
    const { stdout } = await airlock(args, journey.options);
    expect(stdout).toMatch(/^nothing to do: 1 generation loaded \(4\), and the newest stay: --keep 1$/m);
    expect(await json(0, 'load', 'out/gen-000004', 'storage:registry')).toMatchObject({ state: 'nothing-new' });
  });
});
