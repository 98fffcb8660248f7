import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  cutParts,
  forecastChain,
  type LoadOutcome,
  loadIntoStorage,
  locateMember,
  openParts,
  partListName,
  sideNames,
} from '../../src/bundle/index.ts';
import { quietRun, type Run } from '../../src/core/run.ts';
import { createFaultyDisk } from '../helpers/faulty-disk.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { listTree } from '../helpers/tree.ts';
import { buildSample, openOne } from './build-sample.ts';
import { moduleFolder } from './module-folder.ts';
import { makeSample } from './sample.ts';

const folder = moduleFolder();
const side = [sideNames.index, sideNames.signature, sideNames.checksums, partListName];
let names: string[] = [];
/** Parts that hold nothing but bytes of the one large layer. */
let inside: string[] = [];

const run = (): Run => quietRun({ disk: createFaultyDisk() });

beforeAll(async () => {
  const images = [{ repository: 'harbour/crane', tag: 'v1', layers: [['crane', 40_000]] as const }];
  await buildSample(makeSample({ images }), path.join(folder(), 'out'));
  const bundle = await openOne(path.join(folder(), 'out'));
  const options = { folder: path.join(folder(), 'parts'), partSizeBytes: 5000 };
  names = (await cutParts(bundle, options, run())).list.parts.map((part) => part.name);
  const layer = bundle.index.blobs.find((blob) => blob.size > 30_000);
  if (!layer) throw new Error('the sample has no large layer');
  const { offset } = locateMember(bundle, layer);
  inside = names.filter((_, at) => at * 5000 >= offset && (at + 1) * 5000 <= offset + layer.size);
  expect(inside.length).toBeGreaterThan(3);
});

/** A medium with some of the parts. */
async function medium(wanted: readonly string[], damaged?: string): Promise<string> {
  const where = await temporaryFolder();
  for (const name of [...side, ...wanted]) await cp(path.join(folder(), 'parts', name), path.join(where, name));
  if (damaged === undefined) return where;
  const file = path.join(where, damaged);
  const bytes = await readFile(file);
  bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100);
  await writeFile(file, bytes);
  return where;
}

async function load(into: string, media: readonly string[], own = run()): Promise<LoadOutcome> {
  const opened = await openParts(media, own);
  const places = { storageRoot: path.join(into, 'storage'), stateFolder: path.join(into, 'state') };
  return loadIntoStorage({ bundle: opened.bundle, ...places }, opened.run);
}

test('the parts of a volume are listed once, and not for each of its members', async () => {
  const { bundle } = await openParts([path.join(folder(), 'parts')], run());
  const [volume] = bundle.volumes;
  const listed = bundle.parts?.(volume?.path ?? '');
  expect(listed?.map(({ name }) => name)).toEqual(names);
  expect(bundle.parts?.(volume?.path ?? '')).toBe(listed);
});

test('pieces that a medium brings are in the space that is asked for, and those that lie there already are not', async () => {
  const into = await temporaryFolder();
  const half = Math.ceil(inside.length / 2);
  const places = { storageRoot: path.join(into, 'storage'), stateFolder: path.join(into, 'state') };
  for (const [pieces, added] of [
    [inside.slice(0, half), half],
    [inside, inside.length - half],
  ] as const) {
    const fresh = added * 5000;
    const where = await medium(pieces);
    const opened = await openParts([where], run());
    const { needs } = await forecastChain([{ bundle: opened.bundle, ...places }], opened.run);
    expect(needs.map(({ size }) => size)).toEqual([fresh]);
    const full = { ...run().disk, space: async () => ({ freeBytes: fresh - 1, blockBytes: 1, freeInodes: 1e6 }) };
    await expect(load(into, [where], quietRun({ disk: full }))).rejects.toMatchObject({ code: 'SPACE_SHORT' });
    await load(into, [where]);
  }
});

async function expectWhole(into: string): Promise<void> {
  const undisturbed = await temporaryFolder();
  expect((await load(undisturbed, [path.join(folder(), 'parts')])).kind).toBe('loaded');
  expect(await listTree(path.join(into, 'storage'))).toEqual(await listTree(path.join(undisturbed, 'storage')));
}

describe('a damaged part of a member that media divide', () => {
  const odd = () => names.filter((_, at) => at % 2 === 0);
  const even = () => names.filter((_, at) => at % 2 === 1);
  const bad = () => even().find((name) => inside.includes(name)) ?? '';

  test('is named when its medium comes last; it alone has to come again', async () => {
    const into = await temporaryFolder();
    const first = await load(into, [await medium(odd())]);
    expect(first.kind).toBe('partial');
    expect(first.neededPieces).toEqual(expect.arrayContaining([bad()]));
    expect(first.neededPieces.every((name) => even().includes(name))).toBe(true);
    const second = await medium(even(), bad());
    await expect(load(into, [second])).rejects.toMatchObject({
      code: 'BUNDLE_DAMAGED',
      message: expect.stringContaining(path.join(second, bad())),
      details: { parts: [bad()] },
    });
    expect((await load(into, [await medium([bad()])])).kind).toBe('loaded');
    await expectWhole(into);
  });

  test('is put right by a good one that comes later, whatever came between', async () => {
    const into = await temporaryFolder();
    const lost = odd().find((name) => inside.includes(name)) ?? '';
    await load(into, [await medium(even(), bad())]);
    const partial = await load(into, [await medium(odd().filter((name) => name !== lost))]);
    expect([partial.kind, partial.neededPieces]).toEqual(['partial', [lost]]);
    expect((await load(into, [await medium([bad(), lost])])).kind).toBe('loaded');
    await expectWhole(into);
  });

  test('is looked for on the other media when those here are right, and they alone come again', async () => {
    const into = await temporaryFolder();
    await load(into, [await medium(even(), bad())]);
    await expect(load(into, [await medium(odd())])).rejects.toMatchObject({
      code: 'BUNDLE_DAMAGED',
      hint: expect.stringContaining('an earlier medium brought the damage'),
    });
    expect((await load(into, [await medium(even())])).kind).toBe('loaded');
    await expectWhole(into);
  });

  test('is named too where all parts are here', async () => {
    const all = await medium(names, bad());
    await expect(load(await temporaryFolder(), [all])).rejects.toMatchObject({
      code: 'BUNDLE_DAMAGED',
      message: expect.stringContaining(path.join(all, bad())),
    });
  });

  test('that cannot be read is named, and not what was being written', async () => {
    const into = await temporaryFolder();
    const all = await medium(names);
    const base = createFaultyDisk();
    const disk: Run['disk'] = {
      ...base,
      async open(file, access, mode) {
        const handle = await base.open(file, access, mode);
        const fails = () => Promise.reject(Object.assign(new Error('EIO: worn'), { code: 'EIO', syscall: 'read' }));
        return path.basename(file) === bad() ? { ...handle, read: fails } : handle;
      },
    };
    await expect(load(into, [all], quietRun({ disk }))).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringContaining(path.join(all, bad())),
    });
    await mkdir(path.join(into, 'storage'), { recursive: true });
    expect((await load(into, [all])).kind).toBe('loaded');
    expect(await readdir(path.join(into, 'storage/docker/registry/v2'))).toEqual(['blobs', 'repositories']);
  });
});
