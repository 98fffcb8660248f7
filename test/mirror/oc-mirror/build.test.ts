import { readdirSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openBundle, verifyBundle } from '../../../src/bundle/index.ts';
import { quietRun } from '../../../src/core/run.ts';
import { load } from '../../../src/workflow/load.ts';
import { targetTags } from '../../helpers/golden.ts';
import { describeShared } from '../../helpers/real.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { playBuild } from './golden-run.ts';

describeShared('building with oc-mirror', 'golden', (golden) => {
  test.for(['01-additional', '02a-release-minmax', '05a-op-package-only'])('adopts the archive of %s', async (name) => {
    const played = await playBuild(golden, `${name}/1-m2d`);
    const result = await played.build();
    expect(result).toMatchObject({ state: 'complete', engine: 'oc-mirror', missing: [], errorBits: 0 });
    expect(readdirSync(result.folder)).toEqual([
      'index.json',
      'index.sha256',
      'index.sig',
      'mirror_000000.tar',
      'mirror_000001.tar',
      'plan.json',
      'result.json',
      'sha256sum.txt',
    ]);
    const [bundle] = await openBundle(result.folder, quietRun());
    if (!bundle) throw new Error('no bundle');
    expect(bundle.kind).toBe('adopted');
    const report = await verifyBundle(bundle, {}, quietRun());
    expect(report.damages).toEqual([]);
    expect(report.whole).toBe(true);
    const storage = await temporaryFolder();
    const loaded = await load(
      {
        bundle: played.folder,
        target: { kind: 'storage', folder: storage },
        servedAs: { registry: 'mirror.airgap.example:5610', prefix: '' },
        outputFolder: path.join(storage, 'resources'),
        source: {
          tlsVerify: true,
          retryTimes: 0,
          retryDelaySeconds: 0,
          parallelImages: 1,
          parallelLayers: 1,
          env: {},
          homeFolder: storage,
        },
        targetSettings: { tlsVerify: true },
      },
      quietRun(),
    );
    expect(loaded.state).toBe('loaded');
    const found = new Map(
      bundle.index.images.flatMap((image) =>
        image.targets.map((target) => [`${target.repository}:${target.tag}`, image.digest]),
      ),
    );
    const step = readdirSync(path.join(golden, 'cases', name)).find((one) => one.endsWith('-d2m')) ?? '';
    expect(Object.fromEntries([...found].sort())).toEqual(
      Object.fromEntries([...targetTags(path.join(golden, 'cases', name, step))].sort()),
    );
    console.log(readdirSync(path.join(storage, 'resources')));
  });
});
