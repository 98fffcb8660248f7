import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { quietRun } from '../../../src/core/run.ts';
import { parseDeletions } from '../../../src/mirror/index.ts';
import type { GenerateResult } from '../../../src/workflow/delete.ts';
import { generateWithOcMirror } from '../../../src/workflow/delete-oc-mirror.ts';
import { describeShared } from '../../helpers/real.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { standIn } from './golden-run.ts';

describeShared('a deletion list of oc-mirror', 'golden/cases', (cases) => {
  interface Played {
    readonly step: string;
    readonly disc?: string;
    readonly id?: string;
    readonly signatures?: boolean;
    readonly maxNestedPaths?: number;
    readonly mirrored?: boolean;
  }

  async function generate(played: Played): Promise<GenerateResult> {
    const folder = await temporaryFolder();
    const workspace = path.join(folder, '.airlock');
    const step = path.join(cases, played.step);
    if (played.mirrored !== false)
      await mkdir(path.join(workspace, 'oc-mirror-workspace/working-dir'), { recursive: true });
    return generateWithOcMirror(
      {
        deleteSetFile: path.join(step, '..', played.disc ?? 'disc.yaml'),
        target: {
          registry: 'mirror.airgap.example:5610',
          prefix: '',
          ...(played.maxNestedPaths ? { maxNestedPaths: played.maxNestedPaths } : {}),
        },
        workspace,
        outputFolder: path.join(folder, 'delete'),
        id: played.id,
        signatures: played.signatures ?? false,
        engine: { engine: 'oc-mirror', program: standIn },
        source: {
          tlsVerify: true,
          retryTimes: 1,
          retryDelaySeconds: 0,
          parallelImages: 4,
          parallelLayers: 8,
          env: { PATH: process.env['PATH'], STAND_IN_STEP: step },
          homeFolder: folder,
        },
        targetSettings: { tlsVerify: true },
      },
      quietRun(),
    );
  }

  const golden = (step: string, name: string) =>
    parseDeletions(readFileSync(path.join(cases, step, 'files/in/working-dir/delete', name), 'utf8'));

  test('lies where ours would, with its items', async () => {
    const { file, items } = await generate({ step: '12a-del/3-gen' });
    expect(path.basename(file)).toBe('delete-images.yaml');
    expect(items).toEqual(golden('12a-del/3-gen', 'delete-images.yaml'));
    expect(parseDeletions(readFileSync(file, 'utf8'))).toEqual(items);
  });

  test('has its id in its name, and signatures when they are asked for', async () => {
    const { file, items } = await generate({ step: '12a-del/4-gen-id-sigs', id: 'two', signatures: true });
    expect(path.basename(file)).toBe('delete-images-two.yaml');
    expect(items).toEqual(golden('12a-del/4-gen-id-sigs', 'delete-images-two.yaml'));
  });

  test('names what lies below a limit of nested paths as it is called there', async () => {
    const { items } = await generate({ step: '12a-del/3-gen', maxNestedPaths: 2 });
    const references = items.map((item) => item.imageReference);
    expect(references).toContain('docker://mirror.airgap.example:5610/acme/deep-nested-path-app:1.0');
    expect(references.every((reference) => reference.split('/').length <= 5)).toBe(true);
  });

  test('is not made where the binary never mirrored anything', async () => {
    await expect(generate({ step: '12a-del/3-gen', mirrored: false })).rejects.toMatchObject({
      code: 'NOTHING_SELECTED',
      hint: expect.stringContaining('--workspace'),
    });
  });
});
