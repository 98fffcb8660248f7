import { readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { acquireLock } from '../../src/bundle/index.ts';
import { quietRun, type Run } from '../../src/core/run.ts';
import { cutBundle, isCutInterrupted, makeNeeded } from '../../src/workflow/parts.ts';
import { buildSample, openOne } from '../bundle/build-sample.ts';
import { makeSample } from '../bundle/sample.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const run = quietRun();
const partSizeBytes = 100_000;
let folder = '';
let generationFolder = '';

beforeEach(async () => {
  folder = await temporaryFolder();
  await buildSample(
    makeSample({ images: [{ repository: 'harbour/crane', tag: 'v1', layers: [['crane', 400_000]] }] }),
    folder,
  );
  generationFolder = path.join(folder, 'gen-000001');
});

/** A run that is interrupted as soon as a part is finished. */
function interrupted(): Run {
  const interrupt = new AbortController();
  return {
    ...run,
    signal: interrupt.signal,
    report: ({ state }) => {
      if (state === 'finished') interrupt.abort();
    },
  };
}

const cut = (own: Run) => cutBundle({ generationFolder, partSizeBytes, workspace: path.join(folder, '.airlock') }, own);
const ask = () => isCutInterrupted({ generationFolder, partSizeBytes }, run);

describe('a cut that was interrupted', () => {
  test('is to go on, until it is done', async () => {
    await expect(cut(interrupted())).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await ask()).toBe(true);
    await cut(run);
    expect(await ask()).toBe(false);
  });

  test('is none when all parts were there before, and only some of them were being made again', async () => {
    await cut(run);
    const { indexDigest } = await openOne(generationFolder);
    const needs = [1, 2, 3].map((number) => ({ name: `mirror_000001.tar.part-000${number}`, reason: 'digest' }));
    const needListFile = path.join(folder, 'need.json');
    const list = { apiVersion: 'airlock/v1alpha1', kind: 'NeedList', generation: 1, indexDigest, partSizeBytes, needs };
    await writeFile(needListFile, JSON.stringify(list));
    await expect(makeNeeded({ folder, needListFile }, interrupted())).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await readdir(path.join(generationFolder, 'parts'))).toContain('parts.json.partial');
    expect(await ask()).toBe(false);
  });

  test('makes nothing again while another run works on the workspace', async () => {
    const { indexDigest } = await openOne(generationFolder);
    const needs = [{ name: 'mirror_000001.tar.part-0001', reason: 'missing' }];
    const needListFile = path.join(folder, 'need.json');
    const list = { apiVersion: 'airlock/v1alpha1', kind: 'NeedList', generation: 1, indexDigest, partSizeBytes, needs };
    await writeFile(needListFile, JSON.stringify(list));
    const lock = await acquireLock(path.join(folder, '.airlock'), 'airlock build', run);
    await expect(makeNeeded({ folder, needListFile }, run)).rejects.toMatchObject({ code: 'WORKSPACE_LOCKED' });
    await lock.release();
    expect((await makeNeeded({ folder, needListFile }, run)).made).toEqual(['mirror_000001.tar.part-0001']);
  });

  test('cannot go on without its volume: whoever builds the set anew is not held up by it', async () => {
    await expect(cut(interrupted())).rejects.toMatchObject({ code: 'CANCELLED' });
    await rm(path.join(generationFolder, 'mirror_000001.tar'));
    expect(await ask()).toBe(false);
  });

  test('is not looked for in a bundle that was taken away', async () => {
    for (const name of await readdir(generationFolder))
      await rm(path.join(generationFolder, name), { recursive: true });
    expect(await ask()).toBe(false);
  });
});
