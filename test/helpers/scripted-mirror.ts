import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { quietRun } from '../../src/core/run.ts';
import { mediaTypes } from '../../src/oci/index.ts';
import { executeDeletion, generateDeletion, mirror, type SourceSettings } from '../../src/workflow/index.ts';
import { type RegistryScript, type ScriptedRegistry, startScriptedRegistry } from './scripted-registry.ts';
import { temporaryFolder } from './temporary.ts';

const run = quietRun();

/** Puts a small image of one layer, with content of its own. */
export function putImage(registry: ScriptedRegistry, repository: string, tag: string): void {
  const config = registry.putBlob(
    repository,
    Buffer.from(`{"architecture":"amd64","os":"linux","note":"${repository}:${tag}"}`),
  );
  const layers = [registry.putBlob(repository, Buffer.from(`layer of ${repository}:${tag}`))];
  registry.putManifest(repository, { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers }, tag);
}

/** Two scripted registries, the first with images of these names, and the verbs that work between them. */
export async function harbour(
  names: readonly string[],
  scripts: { source?: RegistryScript; target?: RegistryScript } = {},
) {
  const source = await startScriptedRegistry(scripts.source);
  const target = await startScriptedRegistry(scripts.target);
  const folder = await temporaryFolder();
  const settings: SourceSettings = {
    tlsVerify: false,
    retryTimes: scripts.source || scripts.target ? 3 : 0,
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
    async mirror(images: readonly string[], maxNestedPaths?: number, registry = target.host) {
      const imageSetFile = await write('isc.yaml', 'ImageSetConfiguration', 'mirror', images);
      const place = { registry, prefix: 'site', ...(maxNestedPaths ? { maxNestedPaths } : {}) };
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
