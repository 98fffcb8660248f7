import { spawn } from 'node:child_process';
import { readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build as bundleScript } from 'esbuild';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Bundle, cutParts, findNeeded, forecastParts, sideNames } from '../../src/bundle/index.ts';
import { isAirlockError } from '../../src/core/errors.ts';
import { quietRun, type Run } from '../../src/core/run.ts';
import { createFaultyDisk, type Fault } from '../helpers/faulty-disk.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { listTree } from '../helpers/tree.ts';
import { buildSample, openOne } from './build-sample.ts';
import { moduleFolder } from './module-folder.ts';
import { makeSample } from './sample.ts';

const partSizeBytes = 400_000;
const folder = moduleFolder();
let script = '';
let bundle: Bundle;
let wanted: Record<string, string> = {};

beforeAll(async () => {
  script = path.join(folder(), 'child.cjs');
  const entryPoints = [path.join(import.meta.dirname, 'cut-child.ts')];
  await bundleScript({ entryPoints, outfile: script, bundle: true, platform: 'node', format: 'cjs', target: 'node20' });
  const images = [{ repository: 'harbour/crane', tag: 'v1', layers: [['crane', 1_500_000]] as const }];
  await buildSample(makeSample({ images, volumeSizeBytes: 1_000_000 }), path.join(folder(), 'out'));
  bundle = await openOne(path.join(folder(), 'out'));
  await cutParts(bundle, { folder: path.join(folder(), 'undisturbed'), partSizeBytes }, run());
  wanted = await listTree(path.join(folder(), 'undisturbed'));
  expect(Object.keys(wanted).filter((name) => name.includes('.part-')).length).toBeGreaterThan(4);
});

/** Without waiting for the real disk. */
const run = (): Run => quietRun({ disk: createFaultyDisk() });
const cut = (into: string, own = run()) => cutParts(bundle, { folder: into, partSizeBytes }, own);

/** Cuts as far as the part with that number, and is interrupted there. */
async function cutUpTo(into: string, count: number): Promise<void> {
  const interrupt = new AbortController();
  let done = 0;
  const own: Run = {
    ...run(),
    signal: interrupt.signal,
    report: (event) => {
      if (event.state === 'finished') done += 1;
      if (done === count) interrupt.abort();
    },
  };
  await expect(cut(into, own)).rejects.toMatchObject({ code: 'CANCELLED' });
}

function runChild(into: string, dieAt: number): Promise<{ steps: number; made: string[] } | undefined> {
  return new Promise((resolve) => {
    const args = [script, bundle.folder, into, String(partSizeBytes), String(dieAt)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (text: Buffer) => {
      said += text.toString();
    });
    child.on('close', (code) => resolve(code === 0 ? JSON.parse(said) : undefined));
  });
}

async function bytesIn(where: string): Promise<number> {
  const sizes = await Promise.all(
    (await readdir(where)).map(async (name) => (await stat(path.join(where, name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

describe('cutting a bundle into parts', () => {
  test('that is killed at any step goes on, and never takes more room than was forecast', async () => {
    const whole = await runChild(await temporaryFolder(), 0);
    expect(whole?.steps).toBeGreaterThan(40);
    const sealed = new Map<string, number>();
    for (const name of [sideNames.index, sideNames.signature, sideNames.checksums])
      sealed.set(name, (await stat(path.join(bundle.folder, name))).size);
    const forecast = forecastParts(bundle.index.generation, bundle.volumes, sealed, partSizeBytes);
    const room = [...forecast.values()].reduce((sum, size) => sum + size, 0);
    let madeAgain = 0;
    for (let dieAt = 1; dieAt <= (whole?.steps ?? 0); dieAt += 1) {
      const into = await temporaryFolder();
      expect(await runChild(into, dieAt), `step ${dieAt}`).toBeUndefined();
      expect(await bytesIn(into).catch(() => 0), `killed at step ${dieAt}`).toBeLessThanOrEqual(room);
      const { made } = await cut(into);
      madeAgain += made.length;
      expect(await listTree(into), `killed at step ${dieAt}`).toEqual(wanted);
      await rm(into, { recursive: true });
    }
    // Starting over each time would make every part at every step.
    expect(madeAgain).toBeLessThan((whole?.steps ?? 0) * (whole?.made.length ?? 0) * 0.8);
  }, 300_000);

  const faults: readonly [string, (at: number) => Fault, boolean][] = [
    ['EIO', (at) => ({ kind: 'EIO', at }), false],
    ['ENOSPC', (at) => ({ kind: 'ENOSPC', at }), false],
    ['a power loss that keeps names and loses bytes', (at) => ({ kind: 'power', at }), false],
    ['a power loss that loses names and bytes', (at) => ({ kind: 'power', at }), true],
  ];
  test.each(faults)(
    'that meets %s at any step goes on',
    async (_, faultOf, losesNames) => {
      const counting = createFaultyDisk();
      await cut(await temporaryFolder(), quietRun({ disk: counting }));
      for (let at = 1; at <= counting.operations(); at += 1) {
        const into = await temporaryFolder();
        const disk = createFaultyDisk(faultOf(at), { withoutSyncFileSystem: losesNames });
        const failure = await cut(into, quietRun({ disk })).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (failure !== undefined) expect(isAirlockError(failure), `operation ${at}: ${String(failure)}`).toBe(true);
        if (faultOf(at).kind === 'ENOSPC' && failure !== undefined)
          expect(failure, `operation ${at}`).toMatchObject({ code: 'DISK_FULL' });
        await disk.crash(losesNames);
        await cut(into);
        const got = Object.entries(await listTree(into)).filter(([name]) => !name.startsWith('.'));
        expect(Object.fromEntries(got), `operation ${at}`).toEqual(wanted);
      }
    },
    300_000,
  );

  test('keeps what is right of an interrupted run, and makes again what was damaged, cut or lost since', async () => {
    const into = await temporaryFolder();
    await cutUpTo(into, 4);
    const [first = '', second = '', third = '', fourth = ''] = Object.keys(wanted).filter((one) =>
      one.includes('.part-'),
    );
    const bytes = await readFile(path.join(into, first));
    bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100);
    await writeFile(path.join(into, first), bytes);
    await truncate(path.join(into, second), 1000);
    await rm(path.join(into, third));
    const { made, kept } = await cut(into);
    expect(kept).toEqual([fourth]);
    expect(made).toEqual(expect.arrayContaining([first, second, third]));
    expect(await listTree(into)).toEqual(wanted);
  });

  test('believes no list of an interrupted run that was damaged, or is of other parts', async () => {
    for (const spoil of [
      (text: string) => text.slice(0, text.length / 2),
      (text: string) => text.replace('"offset": 0', '"offset": 1'),
      (text: string) => text.replace(/"sha256": "[0-9a-f]{4}/g, '"sha256": "0000'),
      () => '',
    ]) {
      const into = await temporaryFolder();
      await cutUpTo(into, 3);
      const list = path.join(into, 'parts.json.partial');
      await writeFile(list, spoil(await readFile(list, 'utf8')));
      expect((await cut(into)).kept).toEqual([]);
      expect(await listTree(into)).toEqual(wanted);
    }
    const into = await temporaryFolder();
    await cutUpTo(into, 3);
    await cutParts(bundle, { folder: into, partSizeBytes: partSizeBytes * 2 }, run());
    await cut(into);
    expect(await listTree(into)).toEqual(wanted);
  });

  test('is refused where the volume is gone, or gives other bytes than the first time', async () => {
    const out = await temporaryFolder();
    await buildSample(
      makeSample({ images: [{ repository: 'harbour/buoy', tag: 'v1', layers: [['buoy', 900_000]] }] }),
      out,
    );
    const own = await openOne(out);
    const into = await temporaryFolder();
    const { list } = await cutParts(own, { folder: into, partSizeBytes }, run());
    const name = list.parts[1]?.name ?? '';
    const volume = own.volumes[0]?.path ?? '';
    const good = await readFile(volume);
    await writeFile(volume, Buffer.concat([good.subarray(0, 500_000), Buffer.alloc(1), good.subarray(500_001)]));
    const again = { folder: await temporaryFolder(), knownFolder: into, partSizeBytes, only: [name] };
    await expect(cutParts(own, again, run())).rejects.toMatchObject({
      code: 'BUNDLE_DAMAGED',
      message: expect.stringContaining('other bytes than the first time'),
    });
    expect(await readdir(again.folder)).not.toContain(name);
    await rm(volume);
    await expect(cutParts(await openOne(out), again, run())).rejects.toMatchObject({
      code: 'BUNDLE_DAMAGED',
      message: expect.stringContaining('is not there any more'),
    });
  });

  test('of some parts reads nothing else where the sums of the others are known, and goes into no folder with parts of another cut', async () => {
    const [name = ''] = Object.keys(wanted).filter((one) => one.includes('.part-0002'));
    const into = await temporaryFolder();
    let read = 0;
    const base = createFaultyDisk();
    const disk: Run['disk'] = {
      ...base,
      async open(file, access, mode) {
        const handle = await base.open(file, access, mode);
        if (!file.endsWith('.tar')) return handle;
        return {
          ...handle,
          read: async (buffer, position) => {
            const count = await handle.read(buffer, position);
            read += count;
            return count;
          },
        };
      },
    };
    const options = { folder: into, partSizeBytes, only: [name], knownFolder: path.join(folder(), 'undisturbed') };
    expect((await cutParts(bundle, options, quietRun({ disk }))).made).toEqual([name]);
    expect(read).toBe(partSizeBytes);
    const got = await listTree(into);
    expect(got[name]).toEqual(wanted[name]);
    expect(got['parts.json']).toEqual(wanted['parts.json']);
    await expect(cutParts(bundle, { ...options, partSizeBytes: 300_000 }, run())).rejects.toMatchObject({
      code: 'USAGE',
    });
    expect(await listTree(into)).toEqual(got);
  });

  test('that lies on a worn medium says which part cannot be read, and looks at the others', async () => {
    const into = await temporaryFolder();
    const { list } = await cut(into);
    const [, bad] = list.parts;
    const base = createFaultyDisk();
    const disk: Run['disk'] = {
      ...base,
      async open(file, access, mode) {
        const handle = await base.open(file, access, mode);
        const fails = () => Promise.reject(Object.assign(new Error('EIO: worn'), { code: 'EIO', syscall: 'read' }));
        return path.basename(file) === bad?.name ? { ...handle, read: fails } : handle;
      },
    };
    expect(await findNeeded(list, [into], quietRun({ disk }))).toEqual([{ ...bad, reason: 'unreadable' }]);
  });
});
