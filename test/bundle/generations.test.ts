import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  applyPrune,
  type Bundle,
  collectPruned,
  cutParts,
  describeBundle,
  findNeeded,
  generateSigningKey,
  type LoadOutcome,
  listLoaded,
  loadIntoStorage,
  openBundle,
  openParts,
  planPrune,
  readHistory,
  readInventory,
  readLoadedIndex,
  readPartList,
  renderChecksums,
  renderInventory,
  renderSpdx,
  sideNames,
  takeInventory,
  undoPrune,
} from '../../src/bundle/index.ts';
import type { AirlockError } from '../../src/core/errors.ts';
import { quietRun, type Run } from '../../src/core/run.ts';
import { blobPath, mediaTypes, openStorage } from '../../src/oci/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { buildSample, openOne } from './build-sample.ts';
import { harbourImages, makeSample, type Sample } from './sample.ts';

const run = quietRun();
const nextImages = [
  ...harbourImages.slice(1),
  {
    repository: 'harbour/tug',
    tag: 'v1',
    layers: [
      ['base', 300_000],
      ['tug', 9000],
    ],
  },
] as const;

/** Builds the next generation of a workspace from its history. */
async function buildNext(folder: string, images: Parameters<typeof makeSample>[0]): Promise<Sample> {
  const history = await readHistory(path.join(folder, '.airlock'), run);
  const sample = makeSample({
    ...images,
    generation: history.next,
    ...(history.parent ? { parent: history.parent } : {}),
    carried: history.carriedBlobs,
    carriedFiles: history.carriedFiles,
  });
  expect((await buildSample(sample, folder)).kind).toBe('sealed');
  return sample;
}

function load(bundle: Bundle, folder: string, withRun: Run = run): Promise<LoadOutcome> {
  const places = { storageRoot: path.join(folder, 'storage'), stateFolder: path.join(folder, 'state') };
  return loadIntoStorage({ bundle, ...places }, withRun);
}

describe('generations', () => {
  test('the second carries only what is new, names its parent, and loads only after the first', async () => {
    const folder = await temporaryFolder();
    await buildNext(folder, {});
    const second = await buildNext(folder, { images: nextImages });
    const [one, two] = await openBundle(folder, run);
    if (!one || !two) throw new Error('two bundles were built');
    expect(two.index.parent).toEqual({ generation: 1, indexDigest: one.indexDigest });
    // The layer of the new image, its config and its manifest.
    expect(two.index.blobs).toHaveLength(3);
    expect(two.index.assumed.length).toBeGreaterThan(0);
    const refusal = load(two, folder);
    await expect(refusal).rejects.toMatchObject({
      code: 'BASE_MISSING',
      message: expect.stringMatching(/needs generation 1 .*no generation was loaded here/),
    });
    expect((await load(one, folder)).kind).toBe('loaded');
    expect(await load(two, folder)).toMatchObject({ kind: 'loaded', placedBlobs: 3 });
    expect((await load(one, folder)).kind).toBe('nothing-new');
    const storage = openStorage(path.join(folder, 'storage'));
    for (const image of second.plan.images)
      expect(await storage.findTag(image.repository, image.tag, run)).toBe(image.digest);
  });

  test('a blob that was lost since is put down to the generation that brought it, and loading that one again mends it', async () => {
    const folder = await temporaryFolder();
    await buildNext(folder, {});
    await buildNext(folder, { images: nextImages });
    const [one, two] = await openBundle(folder, run);
    if (!one || !two) throw new Error('two bundles were built');
    await load(one, folder);
    const gone = two.index.assumed[0];
    if (!gone) throw new Error('the second builds on the first');
    await rm(path.join(folder, 'storage', blobPath(gone)));
    await expect(load(two, folder)).rejects.toMatchObject({
      code: 'BASE_MISSING',
      hint: expect.stringContaining('load generation 1 again'),
      details: { lost: [1], missing: [gone] },
    });
    expect((await load(one, folder)).kind).toBe('loaded');
    expect((await load(two, folder)).kind).toBe('loaded');
  });

  test('an inventory carried back makes an exact delta, and one that was changed is refused', async () => {
    const folder = await temporaryFolder();
    await buildNext(folder, {});
    await load(await openOne(folder), folder);
    const key = generateSigningKey();
    const inventory = await takeInventory(path.join(folder, 'state'), path.join(folder, 'storage'), run);
    const file = path.join(folder, 'inventory.json');
    await writeFile(file, renderInventory(inventory, key.privateKeyPem));
    const back = await readInventory(file, key.publicKeyPem, run);
    expect(back).toEqual(inventory);
    const delta = makeSample({ images: nextImages, carried: new Set(back.blobs), generation: 1 });
    expect(delta.plan.blobs).toHaveLength(3);
    await expect(readInventory(file, generateSigningKey().publicKeyPem, run)).rejects.toMatchObject({
      code: 'INVENTORY_INVALID',
    });
    await writeFile(file, (await readFile(file, 'utf8')).replace('sha256:', 'sha256:0'));
    await expect(readInventory(file, undefined, run)).rejects.toMatchObject({ code: 'INVENTORY_INVALID' });
  });

  test('a build whose content cannot be had is incomplete, leaves nothing under the final name, and completes later', async () => {
    const folder = await temporaryFolder();
    const sample = makeSample();
    const lost = sample.plan.blobs.find((blob) => blob.kind === 'layer')?.digest;
    const { sampleSources } = await import('./sample.ts');
    const honest = sampleSources(sample);
    const sources = {
      ...honest,
      openBlob: (...args: Parameters<typeof honest.openBlob>) =>
        args[0].digest === lost ? Promise.reject(new Error('gone')) : honest.openBlob(...args),
    };
    expect(await buildSample(sample, folder, { sources })).toMatchObject({
      kind: 'incomplete',
      missing: [{ digest: lost, cause: 'gone' }],
    });
    expect((await readdir(folder)).filter((name) => name.startsWith('gen-'))).toEqual(['gen-000001.partial']);
    await expect(openBundle(folder, run)).rejects.toMatchObject({ code: 'BUNDLE_NOT_FOUND' });
    expect((await buildSample(sample, folder)).kind).toBe('sealed');
  });

  test('what is no bundle is told from a damaged one', async () => {
    const folder = await temporaryFolder();
    const say = (name: string) =>
      openBundle(path.join(folder, name), run).then(
        () => 'opened',
        (error: AirlockError) => `${error.code} ${error.message.replace(`${folder}/`, '')}`,
      );
    for (const name of ['notes.txt', 'mirror_000001.tar.part-0001', 'mirror_000001.tar'])
      await writeFile(path.join(folder, name), 'a text');
    await writeFile(path.join(folder, 'empty'), '');
    expect(await say('gone')).toBe('BUNDLE_NOT_FOUND gone does not exist');
    for (const name of ['notes.txt', 'empty'])
      expect(await say(name)).toBe(`BUNDLE_NOT_FOUND ${name} is no volume of a bundle: it is no tar archive`);
    expect(await say('mirror_000001.tar.part-0001')).toMatch(/^BUNDLE_NOT_FOUND .* is a part of a volume$/);
    expect(await say('mirror_000001.tar')).toMatch(/^BUNDLE_(?:INVALID|DAMAGED) mirror_000001\.tar/);
  });

  test('content that lies is refused, content that breaks off is continued where it stopped', async () => {
    const folder = await temporaryFolder();
    const sample = makeSample();
    const { sampleSources } = await import('./sample.ts');
    let breaks = 0;
    const sources = sampleSources(sample, {
      onPiece: (_name, offset) => {
        if (offset > 1_000_000 && breaks === 0) {
          breaks += 1;
          throw new Error('connection reset');
        }
      },
    });
    expect((await buildSample(sample, folder, { sources })).kind).toBe('sealed');
    expect(breaks).toBe(1);
    const other = await temporaryFolder();
    const [first] = sample.plan.blobs.filter((blob) => blob.kind === 'layer');
    const bytes = Buffer.from(sample.blobs.get(first?.digest ?? ('' as never)) ?? '');
    bytes[10] = (bytes[10] ?? 0) ^ 1;
    const lying = { ...sample, blobs: new Map([...sample.blobs, [first?.digest as never, bytes]]) };
    expect(await buildSample(sample, other, { sources: sampleSources(lying) })).toMatchObject({
      kind: 'incomplete',
      missing: [{ code: 'DIGEST_MISMATCH' }],
    });
  });
});

describe('parts', () => {
  test('are exact cuts that cat puts together; a damaged and a missing one are named and made again alike', async () => {
    const folder = await temporaryFolder();
    await buildNext(folder, {});
    const bundle = await openOne(folder);
    const media = path.join(folder, 'media');
    const options = { folder: media, partSizeBytes: 700_000 };
    const { list } = await cutParts(bundle, options, run);
    const joined = Buffer.concat(await Promise.all(list.parts.map((part) => readFile(path.join(media, part.name)))));
    expect(joined.equals(await readFile(bundle.volumes[0]?.path ?? ''))).toBe(true);
    const [first, second, third] = list.parts;
    if (!first || !second || !third) throw new Error('three parts at least');
    await rm(path.join(media, first.name));
    await writeFile(path.join(media, second.name), Buffer.alloc(second.size));
    expect(await findNeeded(list, [media], run)).toMatchObject([
      { name: first.name, reason: 'missing' },
      { name: second.name, reason: 'digest' },
    ]);
    const again = await cutParts(bundle, { ...options, only: [first.name, second.name] }, run);
    expect(again.made).toEqual([first.name, second.name]);
    expect(await findNeeded((await readPartList(media, run)) ?? list, [media], run)).toEqual([]);
  });

  test('are loaded from one medium after the other, in any order, with nothing put together on the way', async () => {
    const folder = await temporaryFolder();
    await buildNext(folder, {});
    const media = path.join(folder, 'media');
    const { list } = await cutParts(await openOne(folder), { folder: media, partSizeBytes: 700_000 }, run);
    const outcomes: LoadOutcome[] = [];
    for (const part of [...list.parts].reverse()) {
      const disk = await temporaryFolder();
      for (const name of [sideNames.index, sideNames.signature, sideNames.checksums, 'parts.json'])
        await copyFile(path.join(media, name), path.join(disk, name));
      await rename(path.join(media, part.name), path.join(disk, part.name));
      const { bundle, run: joined } = await openParts([disk], run);
      outcomes.push(await load(bundle, folder, joined).catch((error: unknown) => Promise.reject(error)));
    }
    // A member that lies in two parts needs both at once: what is left comes when they are mounted side by side.
    expect(outcomes.slice(0, -1).every((outcome) => outcome.kind === 'partial')).toBe(true);
    expect(outcomes.reduce((sum, outcome) => sum + outcome.placedBlobs, 0)).toBeGreaterThan(5);
  });
});

describe('what a bundle tells of itself', () => {
  test('contents, checksums and SPDX name everything that is carried', async () => {
    const folder = await temporaryFolder();
    const sample = await buildNext(folder, {});
    const bundle = await openOne(folder);
    const contents = describeBundle(bundle);
    expect(contents.totals).toMatchObject({ images: 3, blobs: sample.plan.blobs.length });
    const unpacked = path.join(folder, 'unpacked');
    await mkdir(unpacked);
    const { execFileSync } = await import('node:child_process');
    execFileSync('tar', ['-xf', bundle.volumes[0]?.path ?? '', '-C', unpacked]);
    expect(
      execFileSync('sha256sum', ['-c', '--quiet', '-'], { cwd: unpacked, input: renderChecksums(bundle) }).toString(),
    ).toBe('');
    execFileSync('sha256sum', ['-c', '--quiet', sideNames.sums], { cwd: bundle.folder });
    const spdx = renderSpdx(bundle);
    expect(spdx).toMatchObject({
      spdxVersion: 'SPDX-2.3',
      packages: [
        ...contents.images.map((image) => ({ name: image.origin })),
        ...contents.files.map((file) => ({ name: file.path })),
      ],
    });
  });
});

describe('bundles of two workspaces with the same number', () => {
  test('are both remembered at the site, in the order in which they were loaded', async () => {
    const [one, other, site] = [await temporaryFolder(), await temporaryFolder(), await temporaryFolder()];
    await buildNext(one, {});
    await buildNext(other, { images: nextImages.slice(-1) });
    const events: string[] = [];
    const noting = quietRun({ report: (event) => void (event.state === 'log' && events.push(event.message)) });
    for (const folder of [one, other, one, other])
      for (const bundle of await openBundle(folder, run)) await load(bundle, site, noting);
    const loaded = await listLoaded(path.join(site, 'state'), run);
    expect(loaded.map(({ record }) => record.generation)).toEqual([1, 2]);
    const tags = await Promise.all(
      loaded.map(async (each) => (await readLoadedIndex(each, run)).images.map((image) => image.repository).sort()),
    );
    expect(tags).toEqual([['harbour/crane', 'harbour/ferry', 'harbour/lighthouse'], ['harbour/tug']]);
    expect(events).toEqual([
      'generation 1 of another workspace was loaded here before; this one is remembered as generation 2',
    ]);
    const options = { storageRoot: path.join(site, 'storage'), stateFolder: path.join(site, 'state'), keep: 1 };
    const plan = await planPrune({ ...options, liveDigests: [] }, run);
    expect([plan.generations, plan.tags]).toEqual([
      [1],
      ['harbour/crane:v1', 'harbour/ferry:v3', 'harbour/lighthouse:v2'],
    ]);
  });
});

describe('prune', () => {
  test('keeps an image of which live objects use one architecture, whole, with its signature, and what is attached to that', async () => {
    const folder = await temporaryFolder();
    const ferry = harbourImages.at(-1);
    if (!ferry) throw new Error('the sample has a ferry');
    const plain = makeSample({ images: [ferry] });
    const instance = [...plain.facts.manifests.values()].find((one) => one.mediaType === mediaTypes.ociManifest);
    if (!instance) throw new Error('the ferry has instances');
    const signatureTag = (digest: string) => `${digest.replace(':', '-')}.sig`;
    const signature = {
      repository: 'harbour/ferry',
      tag: signatureTag(instance.digest),
      layers: [['signature', 500]] as const,
    };
    const first = await buildNext(folder, { images: [ferry, signature, ...harbourImages.slice(0, 1)] });
    expect(first.plan.images).toHaveLength(3);
    await buildNext(folder, { images: nextImages.slice(-1) });
    for (const bundle of await openBundle(folder, run)) await load(bundle, folder);
    const options = { storageRoot: path.join(folder, 'storage'), stateFolder: path.join(folder, 'state'), keep: 1 };
    const all = ['harbour/crane:v1', `harbour/ferry:${signature.tag}`, 'harbour/ferry:v3'];
    expect((await planPrune({ ...options, liveDigests: [] }, run)).tags).toEqual(all.sort());
    const plan = await planPrune({ ...options, liveDigests: [instance.digest] }, run);
    expect(plan.tags).toEqual(['harbour/crane:v1']);
    await applyPrune(plan, { ...options, liveDigests: [] }, run);
    await collectPruned({ ...options, liveDigests: [] }, run);
    const storage = openStorage(options.storageRoot);
    for (const repository of first.plan.repositories.filter((one) => one.name === 'harbour/ferry'))
      for (const digest of [...repository.revisions, ...repository.layers])
        expect(await storage.findBlob(digest, run)).toBeDefined();
  });

  test('shows first, removes only what no kept generation needs, can be undone, and collects', async () => {
    const folder = await temporaryFolder();
    await buildNext(folder, {});
    const second = await buildNext(folder, { images: nextImages });
    for (const bundle of await openBundle(folder, run)) await load(bundle, folder);
    const storageRoot = path.join(folder, 'storage');
    const storage = openStorage(storageRoot);
    const options = { storageRoot, stateFolder: path.join(folder, 'state'), keep: 1, liveDigests: [] };
    const plan = await planPrune(options, run);
    expect(plan).toMatchObject({ generations: [1], tags: ['harbour/crane:v1'] });
    expect(plan.reclaimableBytes).toBeGreaterThan(70_000);
    // The base layer is shared with an image that stays.
    expect(plan.blobs).toHaveLength(3);
    const [crane] = (await openOne(folder)).index.images;
    expect((await planPrune({ ...options, liveDigests: crane ? [crane.digest] : [] }, run)).tags).toEqual([]);
    await applyPrune(plan, options, run);
    expect(await storage.findTag('harbour/crane', 'v1', run)).toBeUndefined();
    await expect(applyPrune(plan, options, run)).rejects.toMatchObject({ code: 'PRUNE_BUSY' });
    expect(await undoPrune(options, run)).toBe(plan.links.length);
    expect(await storage.findTag('harbour/crane', 'v1', run)).toBe(crane?.digest);
    await applyPrune(plan, options, run);
    // A tag that somebody gave again meanwhile is not taken back to what it was.
    const current = path.join(storageRoot, 'docker/registry/v2/repositories/harbour/crane/_manifests/tags/v1/current');
    await mkdir(current, { recursive: true });
    const tug = second.plan.images.at(-1)?.digest ?? '';
    await writeFile(path.join(current, 'link'), tug);
    expect(await undoPrune(options, run)).toBe(plan.links.length - 1);
    expect(await readFile(path.join(current, 'link'), 'utf8')).toBe(tug);
    await writeFile(path.join(current, 'link'), crane?.digest ?? '');
    await applyPrune(plan, options, run);
    expect(await collectPruned(options, run)).toBe(plan.reclaimableBytes);
    expect(await storage.listRepositories(run)).not.toContain('harbour/crane');
    for (const repository of second.plan.repositories) {
      for (const digest of [...repository.revisions, ...repository.layers])
        expect(await storage.findBlob(digest, run)).toBeDefined();
    }
  });
});
