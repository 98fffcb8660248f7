import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AirlockOptions, airlock, startAirlock, tell } from '../helpers/airlock.ts';
import { freeSitePorts, writeSite } from '../helpers/journey-site.ts';
import { type JourneySource, largeImage, startJourneySource, writeImageSet } from '../helpers/journey-source.ts';
import { seededRandom } from '../helpers/random.ts';
import { suiteFolder } from '../helpers/temporary.ts';
import { listTree } from '../helpers/tree.ts';

/** Kills that have to meet a running process, each followed by a re-run. */
const kills = 10;
const seed = Number(process.env['AIRLOCK_TEST_SEED'] ?? Date.now() % 1_000_000);

describe(`kill -9 at a random point (seed ${seed}, AIRLOCK_TEST_SEED repeats it)`, () => {
  let folder: string;
  let source: JourneySource;
  let options: AirlockOptions;
  let site: string;
  let volumes: Record<string, string>;
  let buildMs: number;
  const random = seededRandom(seed);
  const rounds = (): string => path.join(folder, 'rounds');
  const reference = (): string => path.join(folder, 'reference');
  const buildArgs = (out: string): string[] => ['build', '-f', site, ...source.flags, '--max-bandwidth', '30MB', out];

  beforeAll(async () => {
    folder = await suiteFolder();
    const pantry = largeImage('pantry', 24_000_000, 6);
    source = await startJourneySource(path.join(folder, 'source'), [pantry]);
    options = { cwd: folder, env: source.env };
    await writeImageSet(path.join(folder, 'imageset.yaml'), { images: ['registry.example.com/kitchen/pantry:1.0'] });
    site = await writeSite(folder, { addresses: ['127.0.0.1'], mode: 'embedded', ports: await freeSitePorts() });
    const plan = await airlock(['plan', '-f', site, ...source.flags, path.join(folder, 'planned')], options);
    expect(plan.exitCode, tell(plan)).toBe(0);
    await cp(path.join(folder, 'planned'), reference(), { recursive: true });
    const build = await airlock(buildArgs(reference()), options);
    expect(build.exitCode, tell(build)).toBe(0);
    buildMs = build.durationMs;
    volumes = await volumesOf(reference());
    expect(Object.keys(volumes)).toEqual(['mirror_000001.tar']);
  });

  afterAll(async () => {
    await source?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('of build: a re-run ends with the volumes of an undisturbed run, byte for byte', async () => {
    let [met, halfWay] = [0, 0];
    for (let round = 0; met < kills; round += 1) {
      expect(round, 'runs that ended before they were killed').toBeLessThan(4 * kills);
      const out = path.join(rounds(), `build-${round}`);
      await cp(path.join(folder, 'planned'), out, { recursive: true });
      if (await killAt(buildArgs(out), (0.1 + 0.9 * random()) * buildMs, options)) met += 1;
      if (existsSync(path.join(out, 'gen-000001.partial'))) halfWay += 1;
      // What stands under its final name is whole, also after a kill.
      if (existsSync(path.join(out, 'gen-000001'))) expect(await volumesOf(out)).toEqual(volumes);
      const again = await airlock([...buildArgs(out), '-o', 'json'], options);
      expect(again.exitCode, tell(again)).toBe(0);
      expect(['complete', 'nothing-new']).toContain(JSON.parse(again.stdout).state);
      expect(await volumesOf(out)).toEqual(volumes);
      await rm(out, { recursive: true });
    }
    expect(halfWay, 'kills in the middle of the work').toBeGreaterThan(2);
    const verify = await airlock(['verify', path.join(reference(), 'gen-000001')], options);
    expect(verify.exitCode, tell(verify)).toBe(0);
  }, 240_000);

  test('of load: a re-run ends with the storage of an undisturbed run, byte for byte, and check is clean', async () => {
    const bundle = path.join(reference(), 'gen-000001');
    const far = path.join(folder, 'bastion');
    const loadArgs = ['load', bundle, '-f', site];
    const first = await startAirlock(loadArgs, options);
    await firstFile(far, first.ended);
    const writingSince = performance.now();
    const undisturbed = await first.ended;
    const writingMs = performance.now() - writingSince;
    expect(undisturbed.exitCode, tell(undisturbed)).toBe(0);
    const [storage, web] = [await listTree(path.join(far, 'registry')), await listTree(path.join(far, 'web'))];
    let [met, halfWay] = [0, 0];
    for (let round = 0; met < kills; round += 1) {
      expect(round, 'runs that ended before they were killed').toBeLessThan(4 * kills);
      await rm(far, { recursive: true });
      await mkdir(far);
      // Two of three fall into the time in which files are written, which is the short end of a load.
      const isWriting = round % 3 > 0;
      const delayMs = random() * (isWriting ? writingMs : undisturbed.durationMs);
      if (await killAt(loadArgs, delayMs, options, isWriting ? far : undefined)) met += 1;
      const there = Object.keys(await listTree(far)).length;
      if (there > 0 && there < Object.keys(storage).length) halfWay += 1;
      const again = await airlock(loadArgs, options);
      expect(again.exitCode, tell(again)).toBe(0);
      expect(await listTree(path.join(far, 'registry'))).toEqual(storage);
      expect(await listTree(path.join(far, 'web'))).toEqual(web);
    }
    expect(halfWay, 'kills in the middle of the work').toBeGreaterThan(2);
    try {
      const up = await airlock(['up', '-f', site], options);
      expect(up.exitCode, tell(up)).toBe(0);
      const check = await airlock(['check', '-f', site], options);
      expect(check.exitCode, tell(check)).toBe(0);
      expect(check.stdout).toContain('no findings');
    } finally {
      await airlock(['down', '-f', site], options);
    }
  }, 240_000);
});

/** Runs and kills after a while, which begins when there is a file in `folder` if that is given; false when the run was over before. */
async function killAt(
  args: readonly string[],
  delayMs: number,
  options: AirlockOptions,
  folder?: string,
): Promise<boolean> {
  const { child, ended } = await startAirlock(args, options);
  if (folder !== undefined) await firstFile(folder, ended);
  await Promise.race([sleep(delayMs), ended]);
  child.kill('SIGKILL');
  return (await ended).signal === 'SIGKILL';
}

/** Waits for something to appear in a folder, or for the end of the run. */
async function firstFile(folder: string, ended: Promise<unknown>): Promise<void> {
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  while (!isOver && (await readdir(folder).catch(() => [])).length === 0) await sleep(2);
}

/** The volumes of the first generation. */
async function volumesOf(out: string): Promise<Record<string, string>> {
  const tree = await listTree(path.join(out, 'gen-000001'));
  return Object.fromEntries(Object.entries(tree).filter(([name]) => /^mirror_\d{6}\.tar$/.test(name)));
}
