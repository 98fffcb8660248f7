import { lstat, readdir, statfs } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { airlock } from '../helpers/airlock.ts';
import { startDockerRegistry } from '../helpers/docker-registry.ts';
import { useJourney } from '../helpers/journey.ts';
import { freeSitePorts, writeSite } from '../helpers/journey-site.ts';
import { writeImageSet } from '../helpers/journey-source.ts';
import { describeReal } from '../helpers/real.ts';

interface Need {
  readonly host: string;
  readonly purpose: string;
  readonly bytes: number;
  readonly allocatedBytes: number;
  readonly folder?: string;
  readonly freeBytes?: number;
}

const journey = useJourney();
const { at, json } = journey;

/** What a folder holds: bytes of its files, and blocks of it and all below it. */
async function measure(root: string, skip?: RegExp): Promise<{ bytes: number; allocatedBytes: number }> {
  const sum = { bytes: 0, allocatedBytes: (await lstat(root)).blocks * 512 };
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
  await writeImageSet(at('imageset.yaml'), {});
  await writeSite(journey.folder, { addresses: ['127.0.0.1'], mode: 'embedded', ports: await freeSitePorts() });
});

describe('the forecast of plan', () => {
  test('names each folder, and what is free there on this host, also where there is enough', async () => {
    const flags = ['-f', 'site.yaml', ...journey.source.flags, '--part-size', '1MiB', 'free'];
    const { space } = await json<{ space: Need[] }>(0, 'plan', ...flags);
    const folders = space.map(({ host, purpose, folder }) => [host, purpose, folder && path.relative(at('.'), folder)]);
    expect(folders).toEqual([
      ['connected', 'bundle', 'free'],
      ['connected', 'workspace', 'free/.airlock'],
      ['connected', 'parts', 'free'],
      ['bastion', 'registry', 'bastion/registry/data'],
      ['bastion', 'web', 'bastion/web'],
      ['bastion', 'tools', 'bastion/state/tools'],
      ['bastion', 'files', 'bastion/state/files'],
      ['bastion', 'state', 'bastion/state'],
    ]);
    const { bavail, bsize } = await statfs(at('.'));
    for (const { host, freeBytes } of space)
      if (host === 'bastion') expect(freeBytes).toBeUndefined();
      // Others use the disk meanwhile.
      else expect(Math.abs((freeBytes ?? 0) - bavail * bsize)).toBeLessThan(bavail * bsize * 0.2);
    const { stdout } = await airlock(['plan', ...flags], { cwd: journey.folder });
    expect(stdout).toMatch(/^space +bytes +on disk +free +files +folder$/m);
    expect(stdout).toMatch(/^bundle \(connected host\) +\d+ +[\d.]+ \w+ +[\d.]+ \w+ +\d+ +\S*free$/m);
    expect(stdout).toMatch(/^registry \(bastion host\) +\d+ +[\d.]+ \w+ +- +\d+ +\S*bastion\/registry\/data$/m);
  });

  test('is what every folder on both hosts holds afterwards, to the byte, and on disk within one per cent', async () => {
    const flags = ['-f', 'site.yaml', ...journey.source.flags];
    const { space } = await json<{ space: Need[] }>(0, 'plan', ...flags, 'out');
    const need = (purpose: string): Need => {
      const found = space.find((one) => one.purpose === purpose);
      if (!found) throw new Error(`no forecast for ${purpose}`);
      return found;
    };
    await json(0, 'build', ...flags, 'out');
    const dry = await json<{ state: string; generations: { blobs: number; blobBytes: number }[] }>(
      0,
      'load',
      'out',
      '-f',
      'site.yaml',
      '--dry-run',
    );
    expect(await readdir(at('bastion')).catch(() => [])).toEqual([]);
    const loaded = await json<{ generations: { placedBlobs: number }[] }>(0, 'load', 'out', '-f', 'site.yaml');
    expect(dry).toMatchObject({ state: 'to-load', generations: [{ blobs: loaded.generations[0]?.placedBlobs }] });
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
      // Of the state the folders above the generations count too, so that few blocks may differ.
      const allowed = Math.max(purpose === 'state' ? 4096 : 0, need(purpose).allocatedBytes * 0.01);
      expect(Math.abs(found.allocatedBytes - need(purpose).allocatedBytes), purpose).toBeLessThanOrEqual(allowed);
    }
  });

  test('knows parts and their list to the byte, signed or not', async () => {
    await airlock(['certs', 'signing-key', 'signing.key'], journey.options);
    const flags = ['-c', 'imageset.yaml', ...journey.source.flags, '--part-size', '300000', '--parts-dir', 'media'];
    const all = [...flags, '--signing-key', 'signing.key', 'cut'];
    const { space } = await json<{ space: Need[] }>(0, 'plan', ...all);
    await json(0, 'build', ...all);
    expect((await measure(at('media'))).bytes).toBe(space.find((one) => one.purpose === 'parts')?.bytes);
  });

  test('counts blocks of the size that is given', async () => {
    const plan = async (...flags: string[]): Promise<Need | undefined> => {
      const { space } = await json<{ space: Need[] }>(
        0,
        'plan',
        '-c',
        'imageset.yaml',
        ...journey.source.flags,
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

describeReal('the forecast of plan for an external registry', ['docker-registry'], () => {
  test('is what that registry stores, to the byte, and what is put on the bastion beside', async () => {
    const { host, storage } = await startDockerRegistry();
    const flags = ['-c', 'imageset.yaml', ...journey.source.flags, '--rhcos=amd64', '--tools', 'oc'];
    const { space } = await json<{ space: Need[] }>(0, 'plan', ...flags, 'outside');
    await json(0, 'build', ...flags, 'outside');
    const places = ['--web-dir', 'far/web', '--tools-dir', 'far/tools'];
    await json(0, 'load', 'outside', `docker://${host}/site`, '--dest-tls-verify=false', ...places);
    for (const [purpose, place, skip] of [
      ['registry', storage, /_uploads/],
      ['web', at('far/web')],
      ['tools', at('far/tools')],
    ] as const)
      expect((await measure(place, skip)).bytes, purpose).toBe(space.find((one) => one.purpose === purpose)?.bytes);
  });
});
