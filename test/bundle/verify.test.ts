import { randomInt } from 'node:crypto';
import { open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Bundle, openBundle, sideNames, verifyBundle } from '../../src/bundle/index.ts';
import { scanVolume } from '../../src/bundle/scan.ts';
import { isAirlockError } from '../../src/core/errors.ts';
import { quietRun } from '../../src/core/run.ts';
import { buildSample, openOne } from './build-sample.ts';
import { moduleFolder } from './module-folder.ts';
import { makeSample } from './sample.ts';

const run = quietRun();

/** Flips one bit, looks, and flips it back. */
async function lookWithFlip(file: string, offset: number, look: () => Promise<void>): Promise<void> {
  const handle = await open(file, 'r+');
  const byte = Buffer.alloc(1);
  try {
    await handle.read(byte, 0, 1, offset);
    await handle.write(Buffer.from([(byte[0] ?? 0) ^ 4]), 0, 1, offset);
    await look();
  } finally {
    await handle.write(byte, 0, 1, offset);
    await handle.close();
  }
}

describe.each([
  ['with side files', true],
  ['without side files', false],
])('verifyBundle on a bundle %s', (_name, withSide) => {
  const folder = moduleFolder();
  let bundle: Bundle;

  beforeAll(async () => {
    const iso = {
      path: 'airlock/coreos/live.iso',
      bytes: Buffer.alloc(50_001, 7),
      webPath: '/rhcos/1/x86_64/live.iso',
    };
    await buildSample(makeSample({ files: [iso], volumeSizeBytes: 1_000_000 }), folder());
    bundle = await openOne(folder());
    if (!withSide) for (const name of [sideNames.index, sideNames.checksums]) await rm(path.join(bundle.folder, name));
    bundle = await openOne(folder());
  });

  /** Where the damage was seen: by `open` or by `verify`. */
  async function findDamage(): Promise<
    { readonly volume: unknown; readonly offset: number; readonly member: unknown }[]
  > {
    try {
      const report = await verifyBundle(await openOne(folder()), {}, run);
      expect(report.whole).toBe(report.damages.length === 0);
      return report.damages.map(({ volume, offset, member }) => ({ volume, offset, member }));
    } catch (error) {
      if (!isAirlockError(error, 'BUNDLE_DAMAGED', 'BUNDLE_INVALID')) throw error;
      return [
        {
          volume: error.details['volume'],
          offset: Number(error.details['offset'] ?? 0),
          member: error.details['member'],
        },
      ];
    }
  }

  test('finds nothing wrong with it as it is', async () => {
    expect(await findDamage()).toEqual([]);
  });

  test('finds a flipped byte in the header, the data and the padding of every kind of member, and names it', async () => {
    for (const volume of bundle.volumes) {
      const handle = await run.disk.open(volume.path, 'read');
      const members = [];
      for await (const member of scanVolume(handle, volume.sizeBytes, volume.name)) members.push(member);
      await handle.close();
      for (const member of members.filter((_, at) => at % 3 === 0 || at < 8)) {
        for (const offset of [member.headerOffset + 20, member.dataOffset, member.dataOffset + member.size]) {
          // The end of a member that fills its block is the header of the next one.
          if (offset >= member.dataOffset + member.size && member.size % 512 === 0) continue;
          await lookWithFlip(volume.path, offset, async () => {
            const [damage] = await findDamage();
            expect(damage, `${member.path} at ${offset}`).toBeDefined();
            // Without side files these three are looked at before anything else, and only as a whole.
            const own = member.path.startsWith('airlock/index.');
            if (!own) expect(damage).toMatchObject({ volume: volume.name, member: member.path });
          });
        }
      }
    }
  }, 240_000);

  test('finds a flipped byte at random offsets, end blocks included', async () => {
    for (const volume of bundle.volumes) {
      const offsets = Array.from({ length: 25 }, () => randomInt(volume.sizeBytes));
      for (const offset of [...offsets, volume.sizeBytes - 1, volume.sizeBytes - 1024]) {
        await lookWithFlip(volume.path, offset, async () => {
          expect(await findDamage(), `${volume.name} at ${offset}`).not.toEqual([]);
        });
      }
    }
  }, 240_000);

  test('finds a volume that was cut, one that grew, and one that is missing', async () => {
    const last = bundle.volumes.at(-1);
    if (!last) throw new Error('no volume');
    const bytes = await readFile(last.path);
    await truncate(last.path, bytes.length - 700);
    expect(await findDamage()).toMatchObject([{ volume: last.name }]);
    await writeFile(last.path, Buffer.concat([bytes, Buffer.alloc(10)]));
    expect(await findDamage()).toMatchObject([{ volume: last.name, offset: bytes.length }]);
    await rm(last.path);
    expect(await findDamage()).toMatchObject([{ volume: last.name }]);
    await writeFile(last.path, bytes);
    expect(await findDamage()).toEqual([]);
  });

  test('opens by a volume, by its folder, and by the folder above', async () => {
    for (const where of [bundle.volumes[0]?.path ?? '', bundle.folder, path.dirname(bundle.folder)]) {
      const [found] = await openBundle(where, run);
      expect(found?.indexDigest).toBe(bundle.indexDigest);
    }
  });
});
