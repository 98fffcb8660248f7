import { readFile, rm, writeFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { useJourney } from '../helpers/journey.ts';
import { largeImage, writeImageSet } from '../helpers/journey-source.ts';

const toolbox = 'registry.example.com/kitchen/toolbox:1.0';
const oven = 'registry.example.com/kitchen/oven:1.0';

const journey = useJourney([largeImage('oven', 300_000, 2)]);
const { at, json } = journey;

beforeAll(async () => {
  await writeImageSet(at('one.yaml'), { release: false, images: [toolbox] });
  await writeImageSet(at('two.yaml'), { release: false, images: [toolbox, oven] });
  await json(0, 'build', '-c', 'one.yaml', ...journey.source.flags, 'out');
  await json(0, 'load', 'out/gen-000001', 'storage:registry');
  await json(0, 'certs', 'signing-key', 'site.key');
});

describe('inventory export', () => {
  test('refuses where nothing was loaded, in one sentence', async () => {
    const { error } = await json(1, 'inventory', 'export', '--storage', 'empty');
    expect(error).toMatchObject({ code: 'NOTHING_LOADED', hint: expect.stringContaining('--state-dir') });
  });

  test('makes the base of a bundle that carries just what the site lacks, in a workspace that knows nothing', async () => {
    const inventory = await json(0, 'inventory', 'export', '--storage', 'registry', '--signing-key', 'site.key');
    expect(inventory).toMatchObject({
      generation: { generation: 1 },
      keyFingerprint: expect.stringMatching(/^sha256:/),
    });
    const base = ['--base', 'inventory.json', '--base-key', 'site.pub'];
    const result = await json(0, 'build', '-c', 'two.yaml', ...journey.source.flags, ...base, 'elsewhere');
    // Manifest, config and two layers of the oven.
    expect(result).toMatchObject({ generation: 2, totals: { carried: { blobs: 4, images: 1 } } });
    expect(await json(0, 'load', 'elsewhere/gen-000002', 'storage:registry')).toMatchObject({ state: 'loaded' });
  });

  test('replaces an earlier inventory, and nothing else that is there', async () => {
    const before = await readFile(at('one.yaml'), 'utf8');
    const other = await json(2, 'inventory', 'export', '--storage', 'registry', 'one.yaml');
    expect(other).toMatchObject({ error: { code: 'USAGE', message: expect.stringContaining('no inventory') } });
    expect(await readFile(at('one.yaml'), 'utf8')).toBe(before);
    const folder = await json(2, 'inventory', 'export', '--storage', 'registry', 'registry');
    expect(folder).toMatchObject({ error: { hint: expect.stringContaining('registry/inventory.json') } });
    for (let times = 0; times < 2; times += 1)
      await json(0, 'inventory', 'export', '--storage', 'registry', 'twice.json');
  });

  test('leaves out what the storage lost, so that the next bundle brings it again', async () => {
    await json(0, 'build', '-c', 'one.yaml', ...journey.source.flags, 'again');
    await json(0, 'load', 'again/gen-000001', 'storage:lost');
    const before = await json(0, 'inventory', 'export', '--storage', 'lost', 'whole.json');
    const [first] = JSON.parse((await readFile(at('whole.json'), 'utf8')).split('\n')[0] ?? '').blobs;
    const hex = String(first).slice(7);
    await rm(at('lost/docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex), {
      recursive: true,
    });
    const after = await json(0, 'inventory', 'export', '--storage', 'lost', 'less.json');
    expect(after['blobs']).toBe(Number(before['blobs']) - 1);
    const plan = await json(0, 'plan', '-c', 'one.yaml', ...journey.source.flags, '--base', 'less.json', 'planned');
    expect(plan).toMatchObject({ isNew: true, plan: { totals: { carried: { blobs: 1 } } } });
  });

  test('a forged or damaged inventory and both bases at once end with 2', async () => {
    const text = await readFile(at('inventory.json'), 'utf8');
    await writeFile(at('forged.json'), text.replace('"generation":1', '"generation":7'));
    const plan = ['plan', '-c', 'two.yaml', ...journey.source.flags, 'refused'];
    const forged = await json(2, ...plan, '--base', 'forged.json');
    expect(forged).toMatchObject({ error: { code: 'INVENTORY_INVALID' } });
    await json(0, 'inventory', 'export', '--storage', 'registry', 'unsigned.json');
    const unsigned = await json(2, ...plan, '--base', 'unsigned.json', '--base-key', 'site.pub');
    expect(unsigned).toMatchObject({ error: { code: 'INVENTORY_INVALID' } });
    const both = await json(2, ...plan, '--base', 'inventory.json', '--full');
    expect(both).toMatchObject({ error: { code: 'USAGE' } });
  });
});
