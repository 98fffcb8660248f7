import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { quietRun } from '../../src/core/run.ts';
import { mediaTypes } from '../../src/oci/index.ts';
import { executeDeletion, generateDeletion, mirror, type SourceSettings } from '../../src/workflow/index.ts';
import { type ScriptedRegistry, startScriptedRegistry } from '../helpers/scripted-registry.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const run = quietRun();

function putImage(registry: ScriptedRegistry, repository: string, tag: string): void {
  const config = registry.putBlob(repository, Buffer.from(`{"architecture":"amd64","os":"linux","note":"${tag}"}`));
  const layers = [registry.putBlob(repository, Buffer.from(`layer of ${repository}:${tag}`))];
  registry.putManifest(repository, { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers }, tag);
}

async function harbour(names: readonly string[]) {
  const [source, target] = [await startScriptedRegistry(), await startScriptedRegistry()];
  const folder = await temporaryFolder();
  const settings: SourceSettings = {
    tlsVerify: false,
    retryTimes: 0,
    retryDelaySeconds: 0,
    parallelImages: 4,
    parallelLayers: 4,
    env: {},
    homeFolder: folder,
  };
  for (const name of names) {
    const [repository = '', tag = ''] = name.split(':');
    putImage(source, repository, tag);
  }
  const list = (images: readonly string[]) =>
    `  additionalImages:\n${images.map((one) => `  - name: ${source.host}/${one}\n`).join('')}`;
  const write = async (file: string, kind: string, key: string, images: readonly string[]): Promise<string> => {
    const place = path.join(folder, file);
    await writeFile(place, `kind: ${kind}\napiVersion: mirror.openshift.io/v2alpha1\n${key}:\n${list(images)}`);
    return place;
  };
  const targetSettings = { tlsVerify: false };
  const workspace = path.join(folder, '.airlock');
  return {
    source,
    target,
    async mirror(images: readonly string[], maxNestedPaths?: number) {
      const imageSetFile = await write('isc.yaml', 'ImageSetConfiguration', 'mirror', images);
      const place = { registry: target.host, prefix: 'site', ...(maxNestedPaths ? { maxNestedPaths } : {}) };
      const selection = { ignoreReleaseSignature: false, removeSignatures: false };
      const outputFolder = path.join(folder, 'resources');
      const request = { imageSetFile, folder, full: false, source: settings, selection, outputFolder };
      return mirror({ ...request, target: place, targetSettings }, run);
    },
    async delete(images: readonly string[], maxNestedPaths?: number) {
      const deleteSetFile = await write('disc.yaml', 'DeleteImageSetConfiguration', 'delete', images);
      const place = { registry: target.host, prefix: 'site', ...(maxNestedPaths ? { maxNestedPaths } : {}) };
      const request = { deleteSetFile, target: place, workspace, outputFolder: folder, signatures: false };
      const { file } = await generateDeletion(request, run);
      return executeDeletion({ listFile: file, target: place, source: settings, targetSettings }, run);
    },
  };
}

describe('a deletion after mirror to mirror', () => {
  const names = ['harbour/crane:1', 'harbour/crane:2', 'harbour/deep/buoy:1'];

  test('knows what the runs brought, also what later ones no longer select', async () => {
    const { target, ...site } = await harbour(names);
    expect((await site.mirror(names)).state).toBe('complete');
    await site.mirror(['harbour/crane:2']);
    const result = await site.delete(['harbour/crane:1', 'harbour/deep/buoy:1']);
    expect(result).toMatchObject({ failed: [], gone: [], shared: [] });
    expect(result.deleted).toHaveLength(2);
    const left = [...target.manifests].flatMap(([name, tags]) => [...tags.keys()].map((tag) => `${name}:${tag}`));
    expect(left.filter((one) => !one.includes('sha256:'))).toEqual(['site/harbour/crane:2']);
    expect(await site.delete(['harbour/crane:1', 'harbour/deep/buoy:1'])).toMatchObject({ deleted: [], failed: [] });
  });

  test('finds nested names at the target', async () => {
    const { target, ...site } = await harbour(names);
    await site.mirror(names, 2);
    expect((await site.delete(['harbour/deep/buoy:1'], 2)).deleted).toEqual([
      `${target.host}/site/harbour-deep-buoy:1`,
    ]);
  });

  test('of what was never mirrored selects nothing', async () => {
    const { target: _, source, ...site } = await harbour(names);
    await site.mirror(names);
    putImage(source, 'harbour/ferry', '1');
    await expect(site.delete(['harbour/ferry:1'])).rejects.toMatchObject({ code: 'NOTHING_SELECTED' });
  });

  test('without any record of the target is refused with the next step', async () => {
    const { target: _, ...site } = await harbour(names);
    await expect(site.delete(['harbour/crane:1'])).rejects.toMatchObject({
      code: 'USAGE',
      hint: expect.stringContaining('--bundle'),
    });
  });
});
