import { chmod, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Bundle, listLoaded, loadIntoStorage, readLoadedIndex } from '../../src/bundle/index.ts';
import { type Disk, nodeDisk } from '../../src/core/disk.ts';
import { quietRun } from '../../src/core/run.ts';
import { blobPath, openStorage } from '../../src/oci/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { buildSample, openOne } from './build-sample.ts';
import { makeSample } from './sample.ts';

const run = quietRun();
const iso = { path: 'airlock/coreos/live.iso', bytes: Buffer.alloc(40_000, 7), webPath: '/rhcos/1/x86_64/live.iso' };
const oc = { path: 'airlock/tools/oc', bytes: Buffer.from('#!/bin/sh\n'), role: 'tool' as const };

async function prepare(): Promise<{
  readonly folder: string;
  readonly bundle: Bundle;
  readonly options: Parameters<typeof loadIntoStorage>[0];
}> {
  const folder = await temporaryFolder();
  await buildSample(makeSample({ files: [iso, oc] }), folder);
  const bundle = await openOne(folder);
  const at = (name: string): string => path.join(folder, name);
  const options = {
    bundle,
    storageRoot: at('storage'),
    webRoot: at('web'),
    toolsDir: at('tools'),
    stateFolder: at('state'),
  };
  return { folder, bundle, options };
}

describe('loadIntoStorage', () => {
  test('puts web files and tools where they belong and remembers what was loaded', async () => {
    const { folder, bundle, options } = await prepare();
    expect(await loadIntoStorage(options, run)).toMatchObject({ kind: 'loaded', placedFiles: 2 });
    expect(await readFile(path.join(folder, 'web', iso.webPath))).toEqual(iso.bytes);
    expect(await readFile(path.join(folder, 'tools', 'oc'))).toEqual(oc.bytes);
    const [loaded] = await listLoaded(options.stateFolder, run);
    if (!loaded) throw new Error('nothing was remembered');
    expect(loaded.record).toMatchObject({
      generation: 1,
      indexDigest: bundle.indexDigest,
      target: options.storageRoot,
    });
    expect(await readLoadedIndex(loaded, run)).toEqual(bundle.index);
    expect(await readdir(loaded.folder)).toEqual([
      'imageset.yaml',
      'index.json',
      'index.sig',
      'load.json',
      'plan.json',
    ]);
  });

  test('gives modes that a registry running as somebody else can read, under any umask', async () => {
    const before = process.umask(0o077);
    onTestFinished(() => void process.umask(before));
    const { options } = await prepare();
    await loadIntoStorage(options, run);
    for (const root of [options.storageRoot, options.webRoot ?? '']) {
      for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
        const { mode } = await stat(path.join(entry.parentPath, entry.name));
        expect((mode & 0o777).toString(8), entry.name).toBe(entry.isDirectory() ? '755' : '644');
      }
    }
  });

  test('takes storage, web root and tools on file systems of their own', async () => {
    const { folder, options } = await prepare();
    const topOf = (file: string): string => path.relative(folder, file).split(path.sep)[0] ?? '';
    const disk: Disk = {
      ...nodeDisk,
      async rename(from, to) {
        if (topOf(from) !== topOf(to)) throw Object.assign(new Error('EXDEV: cross-device link'), { code: 'EXDEV' });
        await nodeDisk.rename(from, to);
      },
    };
    expect(await loadIntoStorage(options, quietRun({ disk }))).toMatchObject({ kind: 'loaded', placedFiles: 2 });
    expect(await readdir(options.webRoot ?? '')).toEqual(['rhcos']);
  });

  test('brings back what was lost or cut since, although it was loaded before', async () => {
    const { bundle, options } = await prepare();
    await loadIntoStorage(options, run);
    const [first, second] = bundle.index.blobs.filter((blob) => blob.kind === 'layer');
    if (!first || !second) throw new Error('two layers at least');
    await rm(path.join(options.storageRoot, blobPath(first.digest)));
    await truncate(path.join(options.storageRoot, blobPath(second.digest)), 1);
    expect(await loadIntoStorage(options, run)).toMatchObject({ kind: 'loaded', placedBlobs: 2 });
    expect((await loadIntoStorage(options, run)).kind).toBe('nothing-new');
  });

  test('refuses a damaged blob, keeps what was right, and goes on with a good copy', async () => {
    const { bundle, options } = await prepare();
    const layer = bundle.index.blobs.filter((blob) => blob.kind === 'layer').at(-1);
    const volume = bundle.volumes[0]?.path ?? '';
    const good = await readFile(volume);
    const bad = Buffer.from(good);
    const at = good.length - bundle.index.volumes.reduce((sum, one) => sum + one.size, 0) + (layer?.offset ?? 0);
    bad[at] = (bad[at] ?? 0) ^ 1;
    await chmod(volume, 0o644);
    await writeFile(volume, bad);
    await expect(loadIntoStorage(options, run)).rejects.toMatchObject({
      code: 'BUNDLE_DAMAGED',
      details: { offset: at },
    });
    const storage = openStorage(options.storageRoot);
    expect(layer && (await storage.findBlob(layer.digest, run))).toBeUndefined();
    expect(await storage.listRepositories(run)).toEqual([]);
    await writeFile(volume, good);
    expect((await loadIntoStorage(options, run)).kind).toBe('loaded');
  });
});
