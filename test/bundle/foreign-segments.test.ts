import { appendFile, cp, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { quietRun } from '../../src/core/run.ts';
import { type LoadResult, load } from '../../src/workflow/load.ts';
import { verify } from '../../src/workflow/verify.ts';
import { sourceSettings } from '../golden/run-case.ts';
import { createFaultyDisk } from '../helpers/faulty-disk.ts';
import { sharedPath } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { listTree } from '../helpers/tree.ts';
import { buildSample } from './build-sample.ts';
import { writeForeign } from './foreign-sample.ts';
import { moduleFolder } from './module-folder.ts';
import { makeSample } from './sample.ts';

const folder = moduleFolder();
const run = quietRun({ disk: createFaultyDisk() });
let set = '';

beforeAll(async () => {
  await buildSample(makeSample(), path.join(folder(), 'out'));
  // The archive that real oc-mirror made, where it is at hand; it cuts between members as well.
  const real = sharedPath('golden/cases/02a-release-minmax/1-m2d/02a.tar');
  set = path.join(folder(), 'set');
  await writeForeign(real ?? path.join(folder(), 'out/gen-000001/mirror_000001.tar'), set, 3);
});

const volume = (number: number): string => `mirror_00000${number}.tar`;

/** A copy of the set with something done to it. */
async function changed(change: (folder: string) => Promise<void>): Promise<string> {
  const copy = path.join(await temporaryFolder(), 'set');
  await cp(set, copy, { recursive: true });
  await change(copy);
  return copy;
}

function loadInto(bundle: string, storage: string): Promise<LoadResult> {
  const request = {
    bundle,
    outputFolder: storage,
    source: sourceSettings({}, storage),
    targetSettings: { tlsVerify: false },
  };
  return load({ ...request, target: { kind: 'storage', folder: storage } }, run);
}

async function refuse(bundle: string, code: string, message: RegExp): Promise<void> {
  const storage = path.join(await temporaryFolder(), 'storage');
  await expect(loadInto(bundle, storage)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  expect(await listTree(storage).catch(() => ({}))).toEqual({});
}

describe('an archive of oc-mirror of several segments', () => {
  test.each([
    ['the first', 1, /mirror_000001\.tar is not here, though mirror_000003\.tar is/],
    ['one between', 2, /mirror_000002\.tar is not here, though mirror_000003\.tar is/],
    ['the last', 3, /the last volume of the set is not here/],
  ])(
    'of which %s is not there is refused by verify and load, with that as the one finding',
    async (_, number, message) => {
      const copy = await changed((where) => rm(path.join(where, volume(number))));
      const { bundles } = await verify({ bundle: copy, media: [], verifiedBy: 'nobody' }, run);
      const errors = bundles.flatMap((report) => report.findings.filter(({ severity }) => severity === 'error'));
      expect(errors).toMatchObject([{ code: 'BUNDLE_INCOMPLETE', message: expect.stringMatching(message) }]);
      await refuse(copy, 'BUNDLE_INCOMPLETE', message);
    },
  );

  test('is not taken segment by segment, in whatever order: each says what belongs to it', async () => {
    for (const [number, message] of [
      [3, /mirror_000001\.tar, mirror_000002\.tar are not here/],
      [1, /the last volume of the set is not here/],
    ] as const)
      await refuse(path.join(set, volume(number)), 'BUNDLE_INCOMPLETE', message);
  });

  test('is taken among files and folders that are none of it', async () => {
    const plain = await temporaryFolder();
    await loadInto(set, path.join(plain, 'storage'));
    const wanted = await listTree(path.join(plain, 'storage/docker'));
    const copy = await changed(async (where) => {
      await cp(path.join(where, volume(1)), path.join(where, `._${volume(1)}`));
      await writeFile(path.join(where, `${volume(2)}.partial`), 'half of it');
      await writeFile(path.join(where, 'notes.txt'), 'carried by hand');
      await mkdir(path.join(where, volume(4)));
    });
    const storage = path.join(await temporaryFolder(), 'storage');
    expect(await loadInto(copy, storage)).toMatchObject({ state: 'loaded' });
    expect(await listTree(path.join(storage, 'docker'))).toEqual(wanted);
    expect(await loadInto(copy, storage)).toMatchObject({ state: 'nothing-new' });
  });

  test('is refused by name where one of its segments is something else, swapped, or goes on behind its end', async () => {
    const junk = await changed((where) => writeFile(path.join(where, volume(4)), Buffer.alloc(10_240, 7)));
    await refuse(junk, 'BUNDLE_INVALID', /mirror_000004\.tar: a header is damaged at byte 0/);
    const longer = await changed((where) => appendFile(path.join(where, volume(2)), Buffer.alloc(512, 7)));
    const { whole } = await verify({ bundle: longer, media: [], verifiedBy: 'nobody' }, run);
    expect(whole).toBe(false);
    // Numbers swapped are the same set: what lies where does not matter.
    const swapped = await changed(async (where) => {
      await rename(path.join(where, volume(1)), path.join(where, 'aside'));
      await rename(path.join(where, volume(2)), path.join(where, volume(1)));
      await rename(path.join(where, 'aside'), path.join(where, volume(2)));
    });
    expect(await loadInto(swapped, path.join(await temporaryFolder(), 'storage'))).toMatchObject({ state: 'loaded' });
  });
});
