import { lstat, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AirlockOptions, airlock, tell } from '../helpers/airlock.ts';
import { freeSitePorts, writeSite } from '../helpers/journey-site.ts';
import { type JourneySource, startJourneySource, writeImageSet } from '../helpers/journey-source.ts';
import { suiteFolder } from '../helpers/temporary.ts';

interface Need {
  readonly host: string;
  readonly purpose: string;
  readonly bytes: number;
  readonly allocatedBytes: number;
}

let folder: string;
let source: JourneySource;
let options: AirlockOptions;
const at = (...names: string[]): string => path.join(folder, ...names);

/** Runs and gives the one document of `-o json`. */
async function json<T = Record<string, unknown>>(exitCode: number, ...args: string[]): Promise<T> {
  const ending = await airlock([...args, '-o', 'json'], options);
  expect(ending.exitCode, tell(ending)).toBe(exitCode);
  return JSON.parse(ending.stdout) as T;
}

/** What a folder holds: bytes of its files, and blocks of files and folders below it. */
async function measure(root: string, skip?: RegExp): Promise<{ bytes: number; allocatedBytes: number }> {
  const sum = { bytes: 0, allocatedBytes: 0 };
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (skip?.test(path.relative(root, file))) continue;
    const stat = await lstat(file);
    if (entry.isFile()) sum.bytes += stat.size;
    sum.allocatedBytes += stat.blocks * 512;
  }
  return sum;
}

beforeAll(async () => {
  folder = await suiteFolder();
  source = await startJourneySource(at('source'));
  options = { cwd: folder, env: source.env };
  await writeImageSet(at('imageset.yaml'), {});
  await writeSite(folder, { addresses: ['127.0.0.1'], mode: 'embedded', ports: await freeSitePorts() });
});

afterAll(async () => {
  await source?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('the forecast of plan', () => {
  test('is what every folder on both hosts holds afterwards, to the byte, and on disk within one per cent', async () => {
    const flags = ['-f', 'site.yaml', ...source.flags];
    const { space } = await json<{ space: Need[] }>(0, 'plan', ...flags, 'out');
    const need = (purpose: string): Need => {
      const found = space.find((one) => one.purpose === purpose);
      if (!found) throw new Error(`no forecast for ${purpose}`);
      return found;
    };
    await json(0, 'build', ...flags, 'out');
    await json(0, 'load', 'out', '-f', 'site.yaml');
    const records = await measure(at('out/.airlock/generations'));
    expect(records.bytes).toBe(need('workspace').bytes);
    const places: [string, string, RegExp?][] = [
      ['bundle', 'out/gen-000001'],
      ['registry', 'bastion/registry/data'],
      ['web', 'bastion/web'],
      ['tools', 'bastion/state/tools'],
      ['state', 'bastion/state/generations'],
    ];
    for (const [purpose, place, skip] of places) {
      const found = await measure(at(place), skip);
      expect(found.bytes, purpose).toBe(need(purpose).bytes);
      // The folder of the generations itself is one block that counts once.
      expect(Math.abs(found.allocatedBytes - need(purpose).allocatedBytes), purpose).toBeLessThanOrEqual(
        Math.max(8192, need(purpose).allocatedBytes * 0.01),
      );
    }
  });

  test('counts blocks of the size that is given', async () => {
    const plan = async (...flags: string[]): Promise<Need | undefined> => {
      const { space } = await json<{ space: Need[] }>(
        0,
        'plan',
        '-c',
        'imageset.yaml',
        ...source.flags,
        ...flags,
        'big',
      );
      return space.find((one) => one.purpose === 'registry');
    };
    const [small, large] = [await plan(), await plan('--block-size', '64KiB')];
    expect(large?.bytes).toBe(small?.bytes);
    expect(large?.allocatedBytes).toBeGreaterThan(Number(small?.allocatedBytes) * 2);
    expect(Number(large?.allocatedBytes) % 65536).toBe(0);
  });
});
