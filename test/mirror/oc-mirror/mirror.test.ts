import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { quietRun } from '../../../src/core/run.ts';
import type { MirrorOutcome } from '../../../src/workflow/mirror.ts';
import { mirrorWithOcMirror } from '../../../src/workflow/mirror-oc-mirror.ts';
import { describeShared } from '../../helpers/real.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { standIn } from './golden-run.ts';

interface Played {
  readonly step: string;
  readonly registry: string;
  readonly prefix?: string;
  readonly tlsVerify?: boolean;
  readonly webFolder?: string;
}

describeShared('mirroring with oc-mirror', 'golden/cases', (cases) => {
  async function playMirror(played: Played): Promise<MirrorOutcome> {
    const folder = await temporaryFolder();
    const step = path.join(cases, played.step);
    return mirrorWithOcMirror(
      {
        imageSetFile: path.join(step, '../isc.yaml'),
        folder,
        full: false,
        source: {
          tlsVerify: true,
          retryTimes: 1,
          retryDelaySeconds: 0,
          parallelImages: 4,
          parallelLayers: 8,
          env: { PATH: process.env['PATH'], STAND_IN_STEP: step },
          homeFolder: folder,
        },
        selection: { ignoreReleaseSignature: false, removeSignatures: false },
        target: { registry: played.registry, prefix: played.prefix ?? '' },
        targetSettings: { tlsVerify: played.tlsVerify ?? true },
        outputFolder: path.join(folder, 'resources'),
        ...(played.webFolder === undefined ? {} : { webFolder: played.webFolder }),
        engine: { engine: 'oc-mirror', program: standIn },
      },
      quietRun(),
    );
  }

  test('ends complete, with its cluster resources where ours go', async () => {
    const result = await playMirror({ step: '10a-m2m-mix/1-m2m', registry: 'mirror.airgap.example:5610' });
    expect(result).toMatchObject({ state: 'complete', errorBits: 0, missing: [], engine: 'oc-mirror' });
    const own = path.join(cases, '10a-m2m-mix/1-m2m/files/ws/working-dir/cluster-resources');
    const names = readdirSync(own).sort();
    expect(result.clusterResources.map((file) => path.basename(file)).sort()).toEqual(names);
    for (const file of result.clusterResources)
      expect(readFileSync(file, 'utf8')).toBe(readFileSync(path.join(own, path.basename(file)), 'utf8'));
  });

  test('takes a prefix and plain HTTP', async () => {
    const result = await playMirror({
      step: '10b-m2m-prefix/1-m2m',
      registry: 'localhost:5611',
      prefix: 'some/prefix',
      tlsVerify: false,
    });
    expect(result).toMatchObject({ state: 'complete', target: 'docker://localhost:5611/some/prefix' });
  });

  test('is incomplete with its exit bits when an image is missing; the resources of the rest are there', async () => {
    const result = await playMirror({ step: '13i-m2m-missing/1-m2m', registry: 'mirror.airgap.example:5610' });
    expect(result).toMatchObject({
      state: 'incomplete',
      errorBits: 8,
      missing: [{ type: 'generic', code: 'OC_MIRROR_IMAGE_MISSING' }],
    });
    expect(result.clusterResources.map((file) => path.basename(file))).toContain('itms-oc-mirror.yaml');
  });

  test('refuses a flag that the binary cannot follow', async () => {
    const played = { step: '10a-m2m-mix/1-m2m', registry: 'mirror.airgap.example:5610', webFolder: '/srv/web' };
    await expect(playMirror(played)).rejects.toMatchObject({ code: 'OC_MIRROR_FLAG_REFUSED' });
  });
});
