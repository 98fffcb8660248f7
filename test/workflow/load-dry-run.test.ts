import { cp, rename, rm, stat, truncate } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { acquireLock, cutParts, readHistory } from '../../src/bundle/index.ts';
import { renderLoadDryRun } from '../../src/cli/render/load-dry-run.ts';
import { quietRun } from '../../src/core/run.ts';
import { inspect, type LoadRequest, load, loadDryRun } from '../../src/workflow/index.ts';
import { buildSample, openOne } from '../bundle/build-sample.ts';
import { harbourImages, makeSample, seededBytes } from '../bundle/sample.ts';
import { smallSite } from '../config/sites.ts';
import { sourceSettings } from '../golden/run-case.ts';
import { startDockerRegistry } from '../helpers/docker-registry.ts';
import { describeReal } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { listTree } from '../helpers/tree.ts';

const run = quietRun();
const files = [
  { path: 'airlock/rhcos/live.iso', bytes: seededBytes('iso', 50_000), webPath: '/rhcos/live.iso' },
  { path: 'airlock/tools/oc', bytes: seededBytes('oc', 9000), role: 'tool' as const },
];
const more = {
  repository: 'harbour/tug',
  tag: 'v4',
  layers: [
    ['base', 300_000],
    ['tug', 40_000],
  ] as const,
};

/** Two generations, the second with one image more, and with other files where they are given. */
async function makeChain(later = files) {
  const folder = await temporaryFolder();
  await buildSample(makeSample({ files }), folder);
  const history = await readHistory(path.join(folder, '.airlock'), run);
  const second = makeSample({
    images: [...harbourImages, more],
    files: later,
    generation: 2,
    ...(history.parent ? { parent: history.parent } : {}),
    carried: history.carriedBlobs,
    carriedFiles: history.carriedFiles,
  });
  await buildSample(second, folder);
  const site = await temporaryFolder();
  const request = (bundle: string, rest: Partial<LoadRequest> = {}): LoadRequest => ({
    bundle: path.join(folder, bundle),
    target: { kind: 'storage', folder: path.join(site, 'data') },
    outputFolder: path.join(site, 'resources'),
    webFolder: path.join(site, 'web'),
    toolsFolder: path.join(site, 'tools'),
    source: sourceSettings({}, folder),
    targetSettings: { tlsVerify: false },
    ...rest,
  });
  return { folder, site, request };
}

describe('load --dry-run into storage', () => {
  test('says of a chain what the load then does, and changes nothing', async () => {
    const { site, request } = await makeChain();
    const forecast = await loadDryRun(request('.'), run);
    expect(await listTree(site)).toEqual({});
    const loaded = await load(request('.'), run);
    expect(forecast.generations.map(({ kind, generation }) => [kind, generation])).toEqual([
      ['to-load', 1],
      ['to-load', 2],
    ]);
    expect(
      forecast.generations.map(({ blobs, blobBytes, presentBlobs, files, fileBytes, missingFiles }) => [
        blobs,
        blobBytes + fileBytes,
        presentBlobs,
        files,
        missingFiles,
      ]),
    ).toEqual(
      loaded.generations.map(({ placedBlobs, placedBytes, presentBlobs, placedFiles, missingFiles }) => [
        placedBlobs,
        placedBytes,
        presentBlobs,
        placedFiles,
        missingFiles,
      ]),
    );
    expect(forecast.space.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(
      loaded.generations.reduce((sum, { placedBytes }) => sum + placedBytes, 0),
    );
    const before = await listTree(site);
    expect(await loadDryRun(request('.'), run)).toMatchObject({ state: 'nothing-new', space: [], findings: [] });
    expect(await listTree(site)).toEqual(before);
  });

  test('counts a file again that a later generation replaces, also where the later one was loaded before', async () => {
    const newer = { path: 'airlock/tools/oc', bytes: seededBytes('oc 2', 9500), role: 'tool' as const };
    const { request } = await makeChain([...files.slice(0, 1), newer]);
    for (const wanted of [
      [2, 1],
      [1, 1],
    ]) {
      const forecast = await loadDryRun(request('.'), run);
      expect(forecast.generations.map((one) => one.files)).toEqual(wanted);
      const loaded = await load(request('.'), run);
      expect(loaded.generations.map((one) => one.placedFiles)).toEqual(wanted);
      expect(forecast.generations.map(({ fileBytes, blobBytes }) => fileBytes + blobBytes)).toEqual(
        loaded.generations.map(({ placedBytes }) => placedBytes),
      );
      expect([forecast.state, loaded.state]).toEqual(['to-load', 'loaded']);
    }
  });

  test('waits for no lock', async () => {
    const { site, request } = await makeChain();
    const lock = await acquireLock(path.join(site, 'data/.airlock'), 'airlock load', run);
    expect(await loadDryRun(request('.'), run)).toMatchObject({ state: 'to-load' });
    await lock.release();
  });

  test('refuses what the load refuses: a base that is missing', async () => {
    const { request } = await makeChain();
    await expect(loadDryRun(request('gen-000002'), run)).rejects.toMatchObject({ code: 'BASE_MISSING' });
  });

  test('finds that it does not fit, and says so for people', async () => {
    const { request } = await makeChain();
    const small = quietRun({
      disk: { ...run.disk, space: async () => ({ freeBytes: 100_000, blockBytes: 4096, freeInodes: 1e6 }) },
    });
    const result = await loadDryRun(request('.'), small);
    expect(result.findings).toMatchObject([{ code: 'SPACE_SHORT' }]);
    const text = renderLoadDryRun(result);
    expect(text).toMatch(/^generation 1: \d+ blobs to place \([\d.]+ MiB\), 0 there before, 2 files/m);
    expect(text).toMatch(/^target: .*data$/m);
    expect(text).toMatch(/SPACE_SHORT/);
    expect(text).toMatch(/\nnothing was changed$/);
  });

  test('takes the site out of the bundle where a load would, and leaves it there', async () => {
    const folder = await temporaryFolder();
    const text = smallSite.replace('spec:', 'spec:\n  paths: {registry: b/registry, web: b/web, state: b/state}');
    const carried = { path: 'airlock/site.yaml', bytes: Buffer.from(text), role: 'config' as const };
    await buildSample(makeSample({ files: [...files, carried] }), folder);
    const { site, request } = await makeChain();
    const { target: _, webFolder: __, toolsFolder: ___, ...rest } = request('.');
    const asked = { ...rest, bundle: folder, adoptFolder: site };
    const forecast = await loadDryRun(asked, run);
    expect(await listTree(site)).toEqual({});
    const at = (name: string) => path.join(site, 'b', name);
    expect(forecast).toMatchObject({
      target: at('registry/data'),
      webFolder: at('web'),
      toolsFolder: at('state/tools'),
      stateFolder: at('state'),
    });
    expect((await load(asked, run)).target).toBe(forecast.target);
  });

  test('tells what is not here of a bundle in several volumes', async () => {
    const folder = await temporaryFolder();
    await buildSample(makeSample({ volumeSizeBytes: 1_000_000 }), folder);
    const bundle = path.join(folder, 'gen-000001');
    await rename(path.join(bundle, 'mirror_000002.tar'), path.join(folder, 'away.tar'));
    const { request } = await makeChain();
    const asked = { ...request('.'), bundle };
    const forecast = await loadDryRun(asked, run);
    const loaded = await load(asked, run);
    expect(loaded.state).toBe('partial');
    expect(forecast).toMatchObject({ state: 'partial' });
    expect(forecast.generations[0]).toMatchObject({
      kind: 'partial',
      missingVolumes: ['mirror_000002.tar'],
      blobs: loaded.generations[0]?.placedBlobs,
    });
  });
});

test('load --dry-run knows what earlier media left: each medium as its load then goes', async () => {
  const { folder, request } = await makeChain();
  const parts = path.join(folder, 'parts');
  const { list } = await cutParts(
    await openOne(path.join(folder, 'gen-000001')),
    { folder: parts, partSizeBytes: 400_000 },
    run,
  );
  const [half, media] = [Math.ceil(list.parts.length / 2), ['one', 'two'].map((name) => path.join(folder, name))];
  for (const [at, medium] of media.entries()) {
    await cp(parts, medium, { recursive: true });
    for (const { name } of list.parts.filter((_, index) => index < half !== (at === 0)))
      await rm(path.join(medium, name));
  }
  const endings: string[] = [];
  for (const bundle of media) {
    const forecast = await loadDryRun({ ...request('.'), bundle }, run);
    const loaded = await load({ ...request('.'), bundle }, run);
    endings.push(forecast.state);
    expect(forecast.findings).toEqual([]);
    expect(forecast.generations).toMatchObject(
      loaded.generations.map(({ placedBlobs, placedFiles, presentBlobs }) => ({
        blobs: placedBlobs,
        files: placedFiles,
        presentBlobs,
      })),
    );
  }
  expect(endings).toEqual(['partial', 'to-load']);
});

test('load --dry-run and inspect say when a volume is cut off', async () => {
  const { folder, request } = await makeChain();
  const volume = path.join(folder, 'gen-000001/mirror_000001.tar');
  const { size } = await stat(volume);
  await truncate(volume, 100_000);
  const { findings } = await loadDryRun(request('gen-000001'), run);
  expect(findings).toMatchObject([{ code: 'VOLUME_DAMAGED', message: `has 100000 bytes, and should have ${size}` }]);
  const [first] = await inspect(path.join(folder, 'gen-000001'), run);
  expect(first?.cutVolumes).toEqual([{ name: 'mirror_000001.tar', sizeBytes: size, foundBytes: 100_000 }]);
});

describeReal('load --dry-run into a registry', ['docker-registry'], () => {
  test('asks it what would be pushed, pushes nothing, and says what the load then does', async () => {
    const { site, request } = await makeChain();
    const { host, storage } = await startDockerRegistry();
    const target = { kind: 'registry', registry: host, prefix: 'mirror' } as const;
    for (const bundle of ['gen-000001', '.']) {
      const before = [await listTree(site), await listTree(storage).catch(() => ({}))];
      const { registry, placed, state } = await loadDryRun(request(bundle, { target }), run);
      expect([await listTree(site), await listTree(storage).catch(() => ({}))]).toEqual(before);
      const { copied, placed: done } = await load(request(bundle, { target }), run);
      expect(state).toBe('to-load');
      expect(registry).toMatchObject({
        pushBlobs: copied?.pushedBlobs,
        pushBytes: copied?.pushedBytes,
        pushManifests: copied?.pushedManifests,
        presentManifests: copied?.presentManifests,
        pushTags: copied?.pushedTags,
        presentTags: copied?.presentTags,
        failures: [],
      });
      expect(placed).toEqual(done);
    }
    const last = await loadDryRun(request('.', { target }), run);
    expect(last).toMatchObject({ state: 'nothing-new', registry: { pushBlobs: 0, pushTags: 0 } });
    expect(renderLoadDryRun(last)).toContain('generation 1, 2: nothing to do, the registry has all of it');
  });

  test('names what a delta builds on and the registry lacks', async () => {
    const { request } = await makeChain();
    const { host } = await startDockerRegistry();
    const target = { kind: 'registry', registry: host, prefix: '' } as const;
    const result = await loadDryRun(request('gen-000002', { target }), run);
    expect(result.state).toBe('partial');
    expect(result.registry?.failures.length).toBeGreaterThan(0);
    expect((await load(request('gen-000002', { target }), run)).state).toBe('partial');
  });
});
