import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { quietRun } from '../../src/core/run.ts';
import { blobPath, openStorage, renderLayer, writeImage } from '../../src/oci/index.ts';
import { copyRegistry, copyStorage, registryFolders, writeRegistryFiles } from '../../src/registry/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { putImage } from './put-image.ts';

const run = quietRun();
const layer = renderLayer([{ path: 'jam', content: 'plums' }]);
const jam = writeImage({ platform: { os: 'linux', architecture: 'amd64' }, layers: [layer] });

describe('copy of a storage', () => {
  test('holds the same, copies only news the second time, and follows deletions', async () => {
    const [from, to] = [openStorage(await temporaryFolder()), openStorage(await temporaryFolder())];
    await putImage(from, 'pantry/jam', jam, ['1', '2']);
    expect(await copyStorage(from, to, run)).toMatchObject({ copiedBlobs: 3, keptBlobs: 0, repositories: 1 });
    expect(await to.findTag('pantry/jam', '2', run)).toBe(jam.manifest.digest);
    expect(await to.listLayers('pantry/jam', run)).toEqual(await from.listLayers('pantry/jam', run));
    await from.deleteTag('pantry/jam', '1', run);
    expect(await copyStorage(from, to, run)).toMatchObject({ copiedBlobs: 0, copiedBytes: 0, keptBlobs: 3 });
    expect(await to.listTags('pantry/jam', run)).toEqual(['2']);
  });

  test('names what is damaged or missing and leaves it out', async () => {
    const [from, to] = [openStorage(await temporaryFolder()), openStorage(await temporaryFolder())];
    await putImage(from, 'pantry/jam', jam, ['1']);
    await writeFile(path.join(from.root, blobPath(layer.descriptor.digest)), Buffer.alloc(layer.bytes.length));
    await from.removeBlob(jam.manifest.digest, run);
    const copy = await copyStorage(from, to, run);
    expect([copy.damaged, copy.missing]).toEqual([[layer.descriptor.digest], [jam.manifest.digest]]);
    expect(await to.hasLayer('pantry/jam', layer.descriptor.digest, run)).toBe(false);
    expect(await to.listTags('pantry/jam', run)).toEqual([]);
  });

  test('of a registry brings settings with their modes, and back', async () => {
    const root = await temporaryFolder();
    const [live, kept] = [registryFolders(path.join(root, 'live')), registryFolders(path.join(root, 'kept'))];
    const tls = { certificate: 'CERTIFICATE\n', key: 'KEY\n' };
    await writeRegistryFiles(live, { config: 'version: 0.1\n', htpasswd: 'cook:x\n', tls }, run);
    await putImage(openStorage(live.data), 'pantry/jam', jam, ['1']);
    await copyRegistry(live, kept, run);
    await run.disk.remove(live.root);
    await copyRegistry(kept, live, run);
    expect(await readFile(path.join(live.certs, 'domain.key'), 'utf8')).toBe('KEY\n');
    expect((await stat(path.join(live.certs, 'domain.key'))).mode & 0o777).toBe(0o600);
    expect((await stat(path.join(live.auth, 'htpasswd'))).mode & 0o777).toBe(0o600);
    expect(await openStorage(live.data).findTag('pantry/jam', '1', run)).toBe(jam.manifest.digest);
  });
});
