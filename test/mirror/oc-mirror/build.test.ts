import { readdirSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { cutParts, openBundle, verifyBundle } from '../../../src/bundle/index.ts';
import { quietRun } from '../../../src/core/run.ts';
import { type LoadResult, load } from '../../../src/workflow/load.ts';
import { verify } from '../../../src/workflow/verify.ts';
import { openOne } from '../../bundle/build-sample.ts';
import { goldenMirrors, goldenRegistry } from '../../golden/expected.ts';
import { goldenTarget, listStorage, mirrorRules, readResources } from '../../golden/run-case.ts';
import { describeShared } from '../../helpers/real.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { playBuild } from './golden-run.ts';

const sealedFiles = [
  'index.json',
  'index.sha256',
  'index.sig',
  'mirror_000000.tar',
  'mirror_000001.tar',
  'plan.json',
  'result.json',
  'sha256sum.txt',
];

function loadStorage(bundle: string, storage: string): Promise<LoadResult> {
  const source = { tlsVerify: true, retryTimes: 0, retryDelaySeconds: 0, parallelImages: 1, parallelLayers: 1 };
  return load(
    {
      bundle,
      target: { kind: 'storage', folder: storage },
      servedAs: goldenTarget,
      outputFolder: path.join(storage, 'resources'),
      source: { ...source, env: {}, homeFolder: storage },
      targetSettings: { tlsVerify: true },
    },
    quietRun(),
  );
}

describeShared('building with oc-mirror', 'golden', (golden) => {
  test.for([
    ['01-additional', '2-d2m'],
    ['02a-release-minmax', '2-d2m'],
    ['05a-op-package-only', '3-d2m'],
  ] as const)('gives the registry and the mirror sets that real oc-mirror makes of %s', async ([name, far]) => {
    const played = await playBuild(golden, `${name}/1-m2d`);
    const result = await played.build();
    expect(result).toMatchObject({
      state: 'complete',
      engine: 'oc-mirror',
      missing: [],
      errorBits: 0,
      uncheckedReleases: [],
    });
    expect(result.notes).toEqual([]);
    expect(readdirSync(result.folder)).toEqual(sealedFiles);
    const [bundle] = await openBundle(result.folder, quietRun());
    if (!bundle) throw new Error('no bundle');
    expect(bundle.kind).toBe('adopted');
    expect(await verifyBundle(bundle, {}, quietRun())).toMatchObject({ damages: [], whole: true });
    const storage = await temporaryFolder();
    const loaded = await loadStorage(played.folder, storage);
    expect(loaded.state).toBe('loaded');
    expect((await listStorage(storage)).sort()).toEqual(goldenRegistry(name, far)?.sort());
    expect(mirrorRules(readResources(loaded.clusterResources))).toEqual(goldenMirrors(name, far));
  });

  test.for([
    ['01-additional', '2-d2m'],
    ['02a-release-minmax', '2-d2m'],
    ['05a-op-package-only', '3-d2m'],
  ] as const)('knows the origins of %s also where the binary does not name what it copies', async ([name, far]) => {
    const played = await playBuild(golden, `${name}/1-m2d`);
    expect((await played.build({ env: { STAND_IN_SILENT: '1' } })).state).toBe('complete');
    const storage = await temporaryFolder();
    const loaded = await loadStorage(played.folder, storage);
    expect((await listStorage(storage)).sort()).toEqual(goldenRegistry(name, far)?.sort());
    expect(mirrorRules(readResources(loaded.clusterResources))).toEqual(goldenMirrors(name, far));
  });

  test('the next generation leaves out what the one before carried', async () => {
    const played = await playBuild(golden, '08-incremental/1-m2d-build1');
    const first = await played.build();
    const second = await played.build({ step: '08-incremental/2-m2d-build2' });
    expect([first.state, second.state]).toEqual(['complete', 'complete']);
    expect([first.generation, second.generation]).toEqual([1, 2]);
    const [one] = await openBundle(first.folder, quietRun());
    const carried = one?.index.blobs.map((blob) => blob.digest) ?? [];
    // What the far side has is told to oc-mirror as its history; the folder is a fresh one.
    const [history] = played.calls().filter((call) => call.history);
    expect([...(history?.history ?? [])].sort()).toEqual([...carried].sort());
    const storage = await temporaryFolder();
    const loaded = await loadStorage(played.folder, storage);
    expect(loaded.state).toBe('loaded');
    const rows = await listStorage(storage);
    for (const row of goldenRegistry('08-incremental', '4-d2m-build2') ?? []) expect(rows).toContain(row);
    const alone = await temporaryFolder();
    await expect(loadStorage(second.folder, alone)).rejects.toMatchObject({ code: 'BASE_MISSING' });
  });

  test('lies in parts as any other bundle', async () => {
    const played = await playBuild(golden, '05a-op-package-only/1-m2d');
    const { folder } = await played.build();
    const parts = path.join(played.folder, 'parts');
    await cutParts(await openOne(folder), { folder: parts, partSizeBytes: 500_000 }, quietRun());
    const report = await verify({ bundle: parts, media: [], verifiedBy: 'the test' }, quietRun());
    expect(report.bundles.map((one) => [one.kind, one.whole, one.damages])).toEqual([['adopted', true, []]]);
  });

  test('makes nothing of a run that brings nothing new', async () => {
    const played = await playBuild(golden, '01-additional/1-m2d');
    await played.build();
    const again = await played.build();
    expect(again).toMatchObject({ state: 'nothing-new', generation: 2 });
    expect(readdirSync(played.folder).sort()).toEqual(['.airlock', 'gen-000001']);
  });
});
