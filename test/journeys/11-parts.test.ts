import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { airlock, startAirlock, tell } from '../helpers/airlock.ts';
import { useJourney } from '../helpers/journey.ts';
import { largeImage, writeImageSet } from '../helpers/journey-source.ts';

const journey = useJourney([largeImage('oven', 500_000, 3)]);
const { at, json } = journey;

beforeAll(async () => {
  await writeImageSet(at('oven.yaml'), { release: false, images: ['registry.example.com/kitchen/oven:1.0'] });
  const flags = ['-c', 'oven.yaml', ...journey.source.flags, '--part-size', '120000', '--volume-size', '300000'];
  await json(0, 'build', ...flags, 'out');
});

const side = ['index.json', 'index.sig', 'index.sha256', 'parts.json'];

/** Spreads the parts over media, each with the small files. */
async function spread(count: number): Promise<string[]> {
  const names = (await readdir(at('out/gen-000001/parts'))).filter((name) => name.includes('.part-'));
  const media = Array.from({ length: count }, (_, index) => `medium-${index + 1}`);
  for (const medium of media) {
    await rm(at(medium), { recursive: true, force: true });
    await mkdir(at(medium));
    for (const name of side) await cp(at('out/gen-000001/parts', name), at(medium, name));
  }
  for (const [index, name] of names.entries())
    await cp(at('out/gen-000001/parts', name), at(media[index % count] ?? '', name));
  return media;
}

describe('parts', () => {
  test('put together with cat give the volumes, and a second build makes none again', async () => {
    const names = await readdir(at('out/gen-000001/parts'));
    for (const volume of ['mirror_000001.tar', 'mirror_000002.tar']) {
      const parts = names.filter((name) => name.startsWith(`${volume}.part-`)).sort();
      const joined = Buffer.concat(await Promise.all(parts.map((name) => readFile(at('out/gen-000001/parts', name)))));
      expect(joined.equals(await readFile(at('out/gen-000001', volume)))).toBe(true);
    }
    const again = await json(0, 'build', '-c', 'oven.yaml', ...journey.source.flags, '--part-size', '120000', 'out');
    expect(again).toMatchObject({ state: 'nothing-new', parts: { made: [] } });
  });

  test('of another size replace those that lie there: cat with a star still gives the volume', async () => {
    const cut = (size: string) =>
      json(0, 'build', '-c', 'oven.yaml', ...journey.source.flags, '--part-size', size, '--parts-dir', 'cut', 'out');
    await cut('60000');
    const many = (await readdir(at('cut'))).length;
    await cut('150001');
    const names = (await readdir(at('cut'))).filter((name) => name.startsWith('mirror_000001.tar.part-')).sort();
    expect(names.length).toBeLessThan(many);
    const joined = Buffer.concat(await Promise.all(names.map((name) => readFile(at('cut', name)))));
    expect(joined.equals(await readFile(at('out/gen-000001/mirror_000001.tar')))).toBe(true);
  });

  test('are loaded one medium after the other, in any order', async () => {
    const [one = '', two = '', three = ''] = await spread(3);
    const load = (medium: string, exitCode: number) => json(exitCode, 'load', medium, 'storage:slow');
    expect(await load(three, 5)).toMatchObject({ state: 'partial' });
    const second = await airlock(['load', one, 'storage:slow'], journey.options);
    expect(second.exitCode, tell(second)).toBe(5);
    expect(second.stdout).toContain('load again with the other volumes or parts');
    // Parts lie on the media in turn: nearly every member is divided between two of them.
    expect(await load(two, 0)).toMatchObject({ state: 'loaded' });
    expect(await json(0, 'load', 'out/gen-000001', 'storage:slow')).toMatchObject({ state: 'nothing-new' });
    expect(await readdir(at('slow/docker/registry/v2'))).toEqual(['blobs', 'repositories']);
    expect(await readdir(at('slow/.airlock'))).not.toContain('incoming');
  });

  test('are loaded from several media that are there at once', async () => {
    const [one = '', two = '', three = ''] = await spread(3);
    const media = ['--media', `${one},${three}`];
    const folder = [two, one, three].map((name) => at(name)).join(', ');
    expect(await json(0, 'verify', two, ...media)).toMatchObject({ whole: true, bundles: [{ folder }] });
    expect(await json(0, 'load', two, ...media, 'storage:joined')).toMatchObject({ state: 'loaded' });
    expect(await json(0, 'load', 'out/gen-000001', 'storage:joined')).toMatchObject({ state: 'nothing-new' });
  });

  test('that are damaged or missing are listed by verify and made again by build, with the same bytes', async () => {
    const [one = ''] = await spread(1);
    const names = (await readdir(at(one))).filter((name) => name.includes('.part-')).sort();
    const [gone = '', bad = ''] = [names[1], names[3]];
    const good = await readFile(at(one, bad));
    const broken = Buffer.from(good);
    broken.writeUInt8(broken.readUInt8(1000) ^ 1, 1000);
    await writeFile(at(one, bad), broken);
    await rm(at(one, gone));
    const found = await json(1, 'verify', one, '--need-list', 'need.json');
    expect(found).toMatchObject({
      whole: false,
      needed: [
        {
          generation: 1,
          needs: [
            { name: gone, reason: 'missing' },
            { name: bad, reason: 'digest' },
          ],
        },
      ],
    });
    const { bundles } = found as { bundles: { checkedBytes: number; findings: { code: string; subject: string }[] }[] };
    expect(bundles[0]?.checkedBytes).toBeGreaterThan(100_000);
    expect(bundles[0]?.findings.map(({ code }) => code)).toEqual(['PART_DAMAGED', 'PART_MISSING']);
    const made = await json(0, 'build', '--parts', 'need.json', '--parts-dir', 'again', 'out');
    expect(made['made']).toEqual([gone, bad]);
    expect((await readdir(at('again'))).filter((name) => name.includes('.part-')).sort()).toEqual([gone, bad]);
    expect((await readFile(at('again', bad))).equals(good)).toBe(true);
    expect(await json(0, 'verify', one, '--media', 'again')).toMatchObject({ whole: true });
    // Where the other parts of a cut lie only what is not right there is made.
    await rm(at('out/gen-000001/parts', gone));
    expect(await json(0, 'build', '--parts', 'need.json', 'out')).toMatchObject({ made: [gone], kept: [bad] });
    await cp(at('out'), at('lost'), { recursive: true });
    await rm(at('lost/gen-000001/mirror_000001.tar'));
    const lost = await json(1, 'build', '--parts', 'need.json', '--parts-dir', 'more', 'lost');
    expect(lost).toMatchObject({
      error: { code: 'BUNDLE_DAMAGED', message: expect.stringContaining('mirror_000001.tar is not there any more') },
    });
    await rename(at('lost/gen-000001'), at('lost/gen-000002'));
    const gonest = await json(2, 'build', '--parts', 'need.json', '--parts-dir', 'more', 'lost');
    expect(gonest).toMatchObject({
      error: { code: 'BUNDLE_NOT_FOUND', message: expect.stringContaining('generation 1 is not in') },
    });
  });

  test('of one medium of several are looked at alone: what is elsewhere is one finding, what is here is said to be right', async () => {
    const [one = ''] = await spread(3);
    const ending = await airlock(['verify', one], journey.options);
    expect(ending.exitCode, tell(ending)).toBe(1);
    expect(ending.stdout).toMatch(
      /[2-9] of \d+ parts are not on the media that are here: mirror_000001\.tar\.part-0002/,
    );
    expect(ending.stdout).toMatch(/the (?:part here is|\d+ parts here are) right/);
    expect(ending.stdout).toContain('1 error,');
  });

  test('of another bundle and need lists that are none are refused in one sentence', async () => {
    const [one = ''] = await spread(1);
    await json(0, 'build', '-c', 'oven.yaml', ...journey.source.flags, '--part-size', '1MB', 'other');
    const mixed = await json(1, 'verify', one, '--media', 'other/gen-000001/parts');
    expect(mixed).toMatchObject({ error: { code: 'BUNDLE_INVALID' } });
    await writeFile(at('no.json'), '{}');
    expect(await json(2, 'build', '--parts', 'no.json', 'out')).toMatchObject({ error: { code: 'NEED_LIST_INVALID' } });
  });
});

describe('cutting that was interrupted', () => {
  test('goes on with its own generation, with nothing planned anew, and keeps what was cut', async () => {
    // Parts so small that cutting takes a while.
    const args = ['-c', 'oven.yaml', '--part-size', '2000', '--volume-size', '300000', 'slow'];
    const build = ['build', ...args, ...journey.source.flags, '--log-format', 'json'];
    const { child, ended, said } = await startAirlock(build, journey.options);
    await said(/"subject":"mirror_000001\.tar\.part-0009","state":"finished"/);
    child.kill('SIGINT');
    const ending = await ended;
    expect(ending.exitCode, tell(ending)).toBe(130);
    const parts = at('slow/gen-000001/parts');
    expect(await readdir(parts)).toContain('parts.json.partial');
    expect(await readdir(parts)).not.toContain('parts.json');
    // Without the source's flags nothing could be planned.
    const again = await airlock(['build', ...args, '-o', 'json'], journey.options);
    expect(again.exitCode, tell(again)).toBe(0);
    expect(again.stderr).toContain('continuing to cut generation 1');
    const result = JSON.parse(again.stdout);
    expect(result).toMatchObject({ state: 'complete', generation: 1, parts: { generation: 1 } });
    expect(result.parts.made.length).toBeLessThan(result.parts.parts - 8);
    expect(await json(0, 'verify', 'slow/gen-000001/parts')).toMatchObject({ whole: true });
  });

  test('holds the lock of the workspace', async () => {
    await mkdir(at('locked'));
    const flags = ['-c', 'oven.yaml', ...journey.source.flags];
    await json(0, 'build', ...flags, 'locked');
    const build = ['build', ...flags, '--part-size', '2000', '--log-format', 'json', 'locked'];
    const { child, ended, said } = await startAirlock(build, journey.options);
    await said(/"subject":"mirror_000001\.tar\.part-0002","state":"finished"/);
    child.kill('SIGSTOP');
    try {
      const refused = await json(3, 'build', ...flags, '--part-size', '2000', 'locked');
      expect(refused).toMatchObject({ error: { code: 'WORKSPACE_LOCKED' } });
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
  });
});

describe('volumes that are damaged', () => {
  test('are in the need list too', async () => {
    await cp(at('out/gen-000001'), at('copy'), { recursive: true });
    await rm(at('copy/mirror_000002.tar'));
    const found = await json(1, 'verify', 'copy', '--need-list', 'volumes.json');
    expect(found).toMatchObject({ needed: [{ needs: [{ name: 'mirror_000002.tar', reason: 'missing' }] }] });
    await json(0, 'build', '--parts', 'volumes.json', '--parts-dir', 'copy', 'out');
    expect(await json(0, 'verify', 'copy')).toMatchObject({ whole: true });
  });
});

describe('verify --report', () => {
  test('writes a receipt that says what was verified, by whom, and is one page', async () => {
    const { written } = await json(0, 'verify', 'out/gen-000001', '--report', 'receipts');
    expect(written).toEqual(['md', 'json', 'html'].map((ending) => at(`receipts/receipt-000001.${ending}`)));
    const receipt = JSON.parse(await readFile(at('receipts/receipt-000001.json'), 'utf8'));
    expect(receipt).toMatchObject({
      kind: 'Receipt',
      report: { whole: true },
      verifiedBy: expect.stringContaining(' on '),
    });
    const html = await readFile(at('receipts/receipt-000001.html'), 'utf8');
    expect(html).toContain('<svg');
    expect(html).not.toMatch(/(?:src|href)=/);
    expect(await readFile(at('receipts/receipt-000001.md'), 'utf8')).toContain(receipt.contents.indexDigest);
  });
});

describe('inspect --format', () => {
  test('gives contents, an SPDX document and a list that sha256sum accepts', async () => {
    const run = async (form: string): Promise<string> => {
      const ending = await airlock(['inspect', '--format', form, 'out/gen-000001'], journey.options);
      expect(ending.exitCode, tell(ending)).toBe(0);
      return ending.stdout;
    };
    expect(JSON.parse(await run('json'))).toMatchObject({
      bundles: [{ generation: 1, images: [{ type: 'generic' }] }],
    });
    expect(JSON.parse(await run('spdx'))).toMatchObject({
      spdxVersion: 'SPDX-2.3',
      packages: expect.arrayContaining([expect.objectContaining({ primaryPackagePurpose: 'CONTAINER' })]),
    });
    const lines = (await run('sha256sum')).trim().split('\n');
    for (const line of lines) expect(line).toMatch(/^[0-9a-f]{64} {2}\S/);
    expect(await run('table')).toContain('kitchen/oven:1.0');
  });
});
