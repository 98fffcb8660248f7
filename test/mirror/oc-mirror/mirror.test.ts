import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { quietRun } from '../../../src/core/run.ts';
import type { MirrorOutcome } from '../../../src/workflow/mirror.ts';
import { mirrorWithOcMirror } from '../../../src/workflow/mirror-oc-mirror.ts';
import { describeShared } from '../../helpers/real.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { serveBootImages, standIn } from './golden-run.ts';

interface Played {
  readonly step: string;
  readonly registry: string;
  readonly prefix?: string;
  readonly tlsVerify?: boolean;
  readonly webFolder?: string;
  readonly coreosBaseUrl?: string;
  readonly caFile?: string;
  readonly env?: Readonly<Record<string, string>>;
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
          env: { PATH: process.env['PATH'], STAND_IN_STEP: step, ...played.env },
          homeFolder: folder,
        },
        selection: {
          ignoreReleaseSignature: false,
          removeSignatures: false,
          releaseKeyFile: path.join(cases, '../source/release-key.asc'),
          ...(played.coreosBaseUrl ? { coreosArchitectures: ['x86_64'], coreosBaseUrl: played.coreosBaseUrl } : {}),
        },
        target: { registry: played.registry, prefix: played.prefix ?? '' },
        targetSettings: { tlsVerify: played.tlsVerify ?? true, ...(played.caFile ? { caFile: played.caFile } : {}) },
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

  const releaseStep = '10a-m2m-mix/1-m2m';
  const registry = 'mirror.airgap.example:5610';

  /** What the run left of its release; the golden files hold the same payload in the archive of another case. */
  async function unpackRelease(): Promise<string> {
    const folder = await temporaryFolder();
    const step = path.join(cases, '02a-release-minmax/1-m2d');
    const tar = readdirSync(step).find((name) => name.endsWith('.tar')) ?? '';
    const members = ['working-dir/hold-release/ocp-release/4.19.10-x86_64', 'working-dir/signatures'];
    execFileSync('tar', ['xf', path.join(step, tar), '-C', folder, '--strip-components=1', ...members]);
    return folder;
  }

  test('fetches the CoreOS files of its releases to the web folder', async () => {
    const webFolder = await temporaryFolder();
    const coreosBaseUrl = await serveBootImages();
    const env = { STAND_IN_RELEASES: await unpackRelease() };
    const result = await playMirror({ step: releaseStep, registry, webFolder, coreosBaseUrl, env });
    expect(result).toMatchObject({ state: 'complete', webFiles: 1, uncheckedReleases: [] });
    const file = path.join(webFolder, 'rhcos/9.6.4.19/x86_64/rhcos-live.iso');
    expect(readFileSync(file, 'utf8')).toBe('4.19x86_64');
  });

  test('a release whose signature is damaged is a failure, whatever the binary says of it', async () => {
    const releases = await unpackRelease();
    const signature = readdirSync(path.join(releases, 'signatures')).find((name) => name.startsWith('4.19.10')) ?? '';
    const bytes = readFileSync(path.join(releases, 'signatures', signature));
    bytes[bytes.length - 5] = 255 - (bytes[bytes.length - 5] ?? 0);
    writeFileSync(path.join(releases, 'signatures', signature), bytes);
    const result = await playMirror({ step: releaseStep, registry, env: { STAND_IN_RELEASES: releases } });
    expect(result).toMatchObject({ state: 'failed', errorBits: 2, missing: [{ type: 'ocpRelease' }] });
  });

  test('refuses a flag that the binary cannot follow', async () => {
    const played = { step: releaseStep, registry, caFile: '/etc/ca.pem' };
    await expect(playMirror(played)).rejects.toMatchObject({ code: 'OC_MIRROR_FLAG_REFUSED' });
  });
});
