import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AirlockOptions, airlock, tell } from '../helpers/airlock.ts';
import { freeSitePorts, writeSite } from '../helpers/journey-site.ts';
import { type JourneySource, startJourneySource, writeImageSet } from '../helpers/journey-source.ts';
import { suiteFolder } from '../helpers/temporary.ts';

let folder: string;
let source: JourneySource;
let options: AirlockOptions;
const at = (...names: string[]): string => path.join(folder, ...names);

/** Runs and gives the one document of `-o json`. */
async function json(exitCode: number, ...args: string[]): Promise<Record<string, unknown>> {
  const ending = await airlock([...args, '-o', 'json'], options);
  expect(ending.exitCode, tell(ending)).toBe(exitCode);
  return JSON.parse(ending.stdout) as Record<string, unknown>;
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

describe('refresh', () => {
  test('builds the next generation on the connected host, and says when there is none', async () => {
    const flags = ['-f', 'site.yaml', ...source.flags, '--dir', 'out'];
    expect(await json(0, 'refresh', ...flags)).toMatchObject({ state: 'complete', generation: 1 });
    expect(await json(0, 'refresh', ...flags)).toMatchObject({ state: 'nothing-new' });
  });

  test('verifies, loads, emits and checks on the bastion; ends with the answer of check', async () => {
    // Nothing serves here: check has to say so, after everything before it was done.
    const result = await json(1, 'refresh', 'out', '-f', 'site.yaml');
    expect(result).toMatchObject({
      verified: { whole: true },
      loaded: { state: 'loaded' },
      checked: { generation: 1 },
    });
    expect((await readdir(at('manifests'))).length).toBeGreaterThan(3);
    const again = await json(1, 'refresh', 'out', '-f', 'site.yaml');
    expect(again).toMatchObject({ loaded: { state: 'nothing-new' } });
  });

  test('loads nothing of a bundle that is not whole', async () => {
    await rm(at('out/gen-000001/mirror_000001.tar'));
    const result = await json(1, 'refresh', 'out', '-f', 'site.yaml');
    expect(result).toMatchObject({ verified: { whole: false } });
    expect(result).not.toHaveProperty('loaded');
  });

  test('asks for one host at a time', async () => {
    const both = await json(2, 'refresh', 'out', '-c', 'imageset.yaml');
    expect(both).toMatchObject({ error: { code: 'USAGE' } });
  });
});
