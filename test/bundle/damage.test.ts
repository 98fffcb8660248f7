import { copyFile, cp, mkdir, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  cutParts,
  generateSigningKey,
  loadIntoStorage,
  locateMember,
  openParts,
  publicKeyOf,
  verifyBundle,
} from '../../src/bundle/index.ts';
import { type ScannedMember, scanVolume } from '../../src/bundle/scan.ts';
import { AirlockError, isAirlockError } from '../../src/core/errors.ts';
import { quietRun } from '../../src/core/run.ts';
import { describeShared } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { listTree } from '../helpers/tree.ts';
import { buildSample, openOne } from './build-sample.ts';
import { moduleFolder } from './module-folder.ts';
import { makeSample, sampleSources } from './sample.ts';

const run = quietRun();
/** Elsewhere than in CI every third damage will do. */
const every = process.env['AIRLOCK_REQUIRE_REAL'] === '1' ? 1 : 3;

/** The kinds of members that a bundle can have, by name; in an archive of real oc-mirror too. */
const kinds: readonly (readonly [kind: string, name: RegExp])[] = [
  ['index', /^airlock\/index\.json$/],
  ['signature', /^airlock\/index\.sig$/],
  ['checksums of the index', /^airlock\/index\.sha256$/],
  ['the tool itself', /^airlock\/bin\/airlock$/],
  ['plan', /^airlock\/plan\.json$/],
  ['image set', /^airlock\/imageset\.yaml$/],
  ['web file with a name that needs PAX', /^airlock\/coreos\/.{100}/],
  ['web file', /^airlock\/coreos\//],
  ['client tool', /^airlock\/tools\//],
  ['registry image', /^airlock\/registry\//],
  ['layer link', /\/_layers\/.*\/link$/],
  ['revision link', /\/_manifests\/revisions\/.*\/link$/],
  ['tag', /\/_manifests\/tags\/[^/]+\/current\/link$/],
  ['history of a tag', /\/_manifests\/tags\/[^/]+\/index\/.*\/link$/],
  ['blob', /\/blobs\/.*\/data$/],
  ['file for oc-mirror', /^working-dir\/(?!\.history|signatures)/],
  ['release signature', /^working-dir\/signatures\//],
  ['history of oc-mirror', /^working-dir\/\.history\//],
  ['image set of oc-mirror', /^isc_/],
];

interface Place {
  readonly volume: string;
  readonly kind: string;
  readonly member: ScannedMember;
}

/** One member of each kind, every class of blob by itself, with where it lies. */
async function findPlaces(folder: string): Promise<Place[]> {
  const bundle = await openOne(folder);
  const classes = new Map<string, string>(bundle.index.blobs.map((blob) => [blob.digest.slice(7), blob.kind]));
  const places = new Map<string, Place>();
  for (const volume of bundle.volumes) {
    const handle = await run.disk.open(volume.path, 'read');
    for await (const member of scanVolume(handle, volume.sizeBytes, volume.name)) {
      const found = kinds.find(([, name]) => name.test(member.path))?.[0];
      const kind = found === 'blob' ? `blob: ${classes.get(path.basename(path.dirname(member.path)))}` : found;
      if (kind === undefined) throw new Error(`${member.path} is of no kind`);
      if (!places.has(kind)) places.set(kind, { volume: volume.path, kind, member });
    }
    await handle.close();
  }
  return [...places.values()];
}

/** A damage to a volume: a bit turned over, or all from there on cut off. */
interface Damage {
  readonly name: string;
  readonly volume: string;
  readonly offset: number;
  readonly isCut: boolean;
}

/** Fields of a header, by the byte that they begin at. */
const fields = { name: 0, mode: 106, owner: 114, size: 130, time: 145, sum: 150, type: 156, magic: 257, prefix: 345 };

function damagesOf({ volume, kind, member }: Place): Damage[] {
  const { headerOffset, dataOffset, size } = member;
  const end = dataOffset + size;
  const flip = (name: string, offset: number): Damage => ({ name: `${kind}: ${name}`, volume, offset, isCut: false });
  const cut = (name: string, offset: number): Damage => ({ name: `${kind}: cut ${name}`, volume, offset, isCut: true });
  return [
    ...Object.entries(fields).map(([name, at]) => flip(`header, ${name}`, dataOffset - 512 + at)),
    // Before the member's own header there is the extension with its name.
    ...(dataOffset - headerOffset > 512
      ? [flip('PAX header', headerOffset + 3), flip('PAX record', headerOffset + 540)]
      : []),
    flip('first byte', dataOffset),
    flip('middle', dataOffset + (size >> 1)),
    flip('last byte', end - 1),
    ...(size % 512 === 0 ? [] : [flip('padding', end)]),
    cut('at its header', headerOffset),
    cut('within its header', dataOffset - 200),
    cut('before its data', dataOffset),
    cut('within its data', dataOffset + (size >> 1)),
    ...(size % 512 === 0 ? [] : [cut('within its padding', end + 1)]),
  ];
}

/** The zeros at the end of a volume. */
async function damagesOfEnd(volume: string): Promise<Damage[]> {
  const { size } = await stat(volume);
  return [
    { name: 'end blocks: first byte', volume, offset: size - 1024, isCut: false },
    { name: 'end blocks: last byte', volume, offset: size - 1, isCut: false },
    { name: 'end blocks: half of them cut', volume, offset: size - 512, isCut: true },
    { name: 'end blocks: cut', volume, offset: size - 1024, isCut: true },
  ];
}

/** Damages a volume, looks, and mends it. */
async function withDamage(damage: Damage, look: () => Promise<void>): Promise<void> {
  const { volume, offset, isCut } = damage;
  const bytes = await readFile(volume);
  if (isCut) await truncate(volume, offset);
  else {
    const file = await open(volume, 'r+');
    await file.write(Buffer.from([(bytes[offset] ?? 0) ^ 4]), 0, 1, offset);
    await file.close();
  }
  try {
    await look();
  } finally {
    await writeFile(volume, bytes);
  }
}

/** What `verify` says: undefined when it finds nothing wrong. */
async function refusal(task: () => Promise<{ readonly whole: boolean }>): Promise<string | undefined> {
  try {
    return (await task()).whole ? undefined : 'not whole';
  } catch (error) {
    if (
      !isAirlockError(
        error,
        'BUNDLE_DAMAGED',
        'BUNDLE_INVALID',
        'BUNDLE_INCOMPLETE',
        'BUNDLE_NOT_FOUND',
        'BASE_MISSING',
      )
    )
      throw error;
    return error.code;
  }
}

function sampleFiles() {
  const long = `airlock/coreos/${'long-name-'.repeat(11)}.iso`;
  return [
    { path: 'airlock/coreos/live.iso', bytes: Buffer.alloc(5001, 7), webPath: '/rhcos/1/x86_64/live.iso' },
    { path: long, bytes: Buffer.alloc(600, 8), webPath: '/rhcos/2/x86_64/long.iso' },
    { path: 'airlock/tools/oc', bytes: Buffer.from('#!/bin/sh\n'), role: 'tool' as const },
    { path: 'airlock/registry/registry.tar', bytes: Buffer.alloc(1700, 9), role: 'registry-image' as const },
    { path: 'working-dir/signatures/4.20.1-sha256-00', bytes: Buffer.from('signature'), role: 'working-dir' as const },
  ];
}

describe.each([
  ['with its side files', true],
  ['without side files', false],
])('a damaged bundle %s', (_, withSide) => {
  const folder = moduleFolder();
  let bundleFolder = '';
  let damages: Damage[] = [];

  beforeAll(async () => {
    const tool = path.join(folder(), 'airlock');
    await writeFile(tool, Buffer.alloc(3000, 1));
    const images = [
      { repository: 'harbour/crane', tag: 'v1', layers: [['crane', 2000]] as const },
      { repository: 'harbour/ferry', tag: 'v3', platforms: ['amd64'], layers: [['ferry', 2500]] as const },
    ];
    const sample = makeSample({ images, files: sampleFiles(), volumeSizeBytes: 9000 });
    await buildSample(sample, folder(), { toolFile: tool });
    bundleFolder = path.join(folder(), 'gen-000001');
    const bundle = await openOne(bundleFolder);
    const places = await findPlaces(bundleFolder);
    expect(places.map((place) => place.kind).sort()).toEqual(
      [...kinds.map(([kind]) => kind), 'blob: config', 'blob: layer', 'blob: manifest']
        .filter((kind) => kind !== 'blob' && kind !== 'history of oc-mirror')
        .sort(),
    );
    if (!withSide)
      for (const name of ['index.json', 'index.sig', 'index.sha256']) await rm(path.join(bundleFolder, name));
    expect(bundle.volumes.length).toBeGreaterThan(1);
    const ends = await Promise.all(bundle.volumes.map((volume) => damagesOfEnd(volume.path)));
    damages = [...places.flatMap(damagesOf), ...ends.flat()];
  });

  async function load(into: string): Promise<{ readonly whole: boolean; readonly tree: Record<string, string> }> {
    const at = (name: string): string => path.join(into, name);
    const places = { storageRoot: at('storage'), webRoot: at('web'), toolsDir: at('tools'), filesDir: at('files') };
    const bundle = await openOne(bundleFolder);
    const { kind } = await loadIntoStorage({ bundle, ...places, stateFolder: at('state') }, run);
    // The record says when.
    await rm(at('state/generations/000001/load.json'), { force: true });
    return { whole: kind === 'loaded', tree: await listTree(into) };
  }

  test('is found out by verify, whatever was turned over or cut', async () => {
    expect(await refusal(async () => verifyBundle(await openOne(bundleFolder), {}, run))).toBeUndefined();
    for (const damage of damages.filter((_, at) => at % every === 0)) {
      await withDamage(damage, async () => {
        const found = await refusal(async () => verifyBundle(await openOne(bundleFolder), {}, run));
        expect(found, damage.name).toBeDefined();
      });
    }
  }, 240_000);

  test('gives a load that is refused, or byte for byte what the whole bundle gives', async () => {
    const whole = await load(await temporaryFolder());
    let refused = 0;
    for (const [at, damage] of damages.entries()) {
      // Headers are nothing that a load by the index reads: a few of them will do.
      if (at % every !== 0 || (damage.name.includes('header,') && at % 4 !== 0)) continue;
      await withDamage(damage, async () => {
        const into = await temporaryFolder();
        const found = await refusal(async () => {
          const loaded = await load(into);
          if (loaded.whole) expect(loaded.tree, damage.name).toEqual(whole.tree);
          return loaded;
        });
        if (found !== undefined) refused += 1;
        // What is not whole is not shown: no tag, unless all of its image is right.
        const isData = /(?:web file|tool|registry image|blob|plan|image set)\S*.*: (?:first|middle|last)/.test(
          damage.name,
        );
        if (isData && !damage.name.startsWith('image set of')) expect(found, damage.name).toBeDefined();
        await rm(into, { recursive: true, force: true });
      });
    }
    expect(refused).toBeGreaterThan(30 / every);
  }, 240_000);
});

describe('damage beside the volumes', () => {
  const small = () =>
    makeSample({
      images: [{ repository: 'harbour/crane', tag: 'v1', layers: [['crane', 2000]] }],
      volumeSizeBytes: 1500,
    });

  test.each(['index.json', 'index.sig', 'index.sha256', 'plan.json', 'sha256sum.txt'])(
    'to %s is said by verify, and the bundle is read all the same',
    async (name) => {
      const folder = await temporaryFolder();
      const { privateKeyPem } = generateSigningKey();
      await buildSample(small(), folder, { signingKeyPem: privateKeyPem });
      const file = path.join(folder, 'gen-000001', name);
      const { indexDigest } = await openOne(folder);
      for (const offset of [0, (await stat(file)).size - 2]) {
        await withDamage({ name, volume: file, offset, isCut: false }, async () => {
          const bundle = await openOne(folder);
          const report = await verifyBundle(bundle, { publicKeyPem: publicKeyOf(privateKeyPem) }, run);
          expect(bundle.indexDigest).toBe(indexDigest);
          expect(report).toMatchObject({ whole: true, signature: { state: 'good' } });
          expect(report.findings).toMatchObject([{ code: 'SIDE_FILE_DAMAGED', subject: file }]);
        });
      }
    },
  );

  test('to the journal of a build, any byte of it, costs work but no content', async () => {
    const sample = small();
    const undisturbed = await temporaryFolder();
    await buildSample(sample, undisturbed);
    const wanted = await listTree(path.join(undisturbed, 'gen-000001'));
    const broken = await temporaryFolder();
    const last = sample.plan.blobs.at(-1)?.digest;
    const sources = sampleSources(sample, {
      onPiece: (name) => {
        if (name === last) throw new AirlockError('REGISTRY_UNREACHABLE', 'gone');
      },
    });
    await buildSample(sample, broken, { parallelBlobs: 1, sources }).catch(() => undefined);
    const journal = await readFile(path.join(broken, 'gen-000001.partial/journal'));
    expect(journal.toString().split('\n').length).toBeGreaterThan(3);
    for (let at = 0; at < journal.length; at += 17 * every) {
      const folder = await temporaryFolder();
      await cp(broken, folder, { recursive: true });
      const damaged = Buffer.from(journal);
      damaged.writeUInt8(damaged.readUInt8(at) ^ 4, at);
      await writeFile(path.join(folder, 'gen-000001.partial/journal'), damaged);
      await buildSample(sample, folder);
      expect(await listTree(path.join(folder, 'gen-000001')), `byte ${at}`).toEqual(wanted);
      await rm(folder, { recursive: true, force: true });
    }
  }, 240_000);

  test('to a part, its list or a small file on its medium is found before anything of it is loaded', async () => {
    const folder = await temporaryFolder();
    await buildSample(small(), folder);
    const bundle = await openOne(folder);
    const parts = path.join(folder, 'parts');
    await cutParts(bundle, { folder: parts, partSizeBytes: 1000 }, run);
    const load = async (): Promise<{ readonly whole: boolean }> => {
      const into = await temporaryFolder();
      const opened = await openParts([parts], run);
      const places = { storageRoot: path.join(into, 'storage'), stateFolder: path.join(into, 'state') };
      return { whole: (await loadIntoStorage({ bundle: opened.bundle, ...places }, opened.run)).kind === 'loaded' };
    };
    expect(await refusal(load)).toBeUndefined();
    const blob = bundle.index.blobs.find((one) => one.kind === 'layer');
    const { path: volume, offset } = locateMember(bundle, blob ?? { volume: 0, offset: 0 });
    const [part = '', at = 0] = [`${path.basename(volume)}.part-000${Math.floor(offset / 1000) + 1}`, offset % 1000];
    const damages: readonly Damage[] = [
      { name: 'a blob in a part', volume: path.join(parts, part), offset: at, isCut: false },
      { name: 'a part, cut', volume: path.join(parts, part), offset: at, isCut: true },
      { name: 'index', volume: path.join(parts, 'index.json'), offset: 300, isCut: false },
      { name: 'its sum', volume: path.join(parts, 'index.sha256'), offset: 3, isCut: false },
      { name: 'part list', volume: path.join(parts, 'parts.json'), offset: 20, isCut: false },
    ];
    for (const damage of damages)
      await withDamage(damage, async () => {
        expect(await refusal(load), damage.name).toBeDefined();
      });
  }, 240_000);
});

describeShared('a damaged archive of real oc-mirror', 'golden/cases/02a-release-minmax/1-m2d/02a.tar', (archive) => {
  const folder = moduleFolder();
  let volume = '';

  beforeAll(async () => {
    await mkdir(path.join(folder(), 'in'));
    volume = path.join(folder(), 'in', 'mirror_000001.tar');
    await copyFile(archive, volume);
  });

  test('is found out by verify, whatever was turned over or cut, unless nothing in it says what the byte should be', async () => {
    const places = await findPlaces(path.dirname(volume));
    const unseen: string[] = [];
    for (const damage of [...places.flatMap(damagesOf), ...(await damagesOfEnd(volume))]) {
      await withDamage(damage, async () => {
        const found = await refusal(async () => verifyBundle(await openOne(path.dirname(volume)), {}, run));
        if (found === undefined) unseen.push(damage.name);
      });
    }
    // Of these the format says nothing but name and length.
    const unknown = ['file for oc-mirror', 'release signature', 'image set of oc-mirror'];
    const bytes = ['first byte', 'middle', 'last byte'];
    expect(unseen).toEqual(unknown.flatMap((kind) => bytes.map((byte) => `${kind}: ${byte}`)));
  }, 240_000);
});
