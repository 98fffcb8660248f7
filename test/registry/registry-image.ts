import { spawnSync } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { quietRun } from '../../src/core/run.ts';
import {
  openStorage,
  parseReference,
  renderLayer,
  storageSource,
  type WrittenImage,
  writeImage,
} from '../../src/oci/index.ts';
import { openImageArchive } from '../../src/registry/index.ts';
import { findProgram } from '../helpers/real.ts';
import { putImage } from './put-image.ts';

/**
 * A registry image out of a registry's binary on this host and the libraries that it loads: distribution 3, as the default of
 * `site.yaml` has it, where it is installed as `distribution-3`, else Debian's docker-registry (2.8).
 */
export function registryImage(): WrittenImage {
  const binary = findProgram('distribution-3') ?? findProgram('docker-registry') ?? '';
  const { stdout } = spawnSync('ldd', [binary], { encoding: 'utf8' });
  // A program without libraries makes ldd fail.
  const libraries = stdout.match(/\/\S+/g) ?? [];
  const entries = [
    { path: 'bin/registry', content: readFileSync(binary), mode: 0o755 },
    ...[...new Set(libraries)].map((file) => ({ path: file.slice(1), content: readFileSync(file), mode: 0o755 })),
  ];
  const folders = ['tmp', 'var', 'var/lib', 'var/lib/registry'].map((path) => ({ path }));
  return writeImage({
    platform: { os: 'linux', architecture: 'amd64' },
    layers: [renderLayer([...folders, ...entries])],
    config: { Entrypoint: ['/bin/registry'], Cmd: ['serve', '/etc/docker/registry/config.yml'] },
  });
}

/** Writes the registry image to where `load` puts that of a bundle, for a site of `writeSite` in `folder`. */
export async function writeRegistryArchive(folder: string, image: string): Promise<void> {
  const storage = openStorage(path.join(folder, 'image'), { sync: 'none' });
  await putImage(storage, 'library/registry', registryImage(), ['3']);
  const wanted = { reference: parseReference(image), architecture: 'amd64', name: image };
  const { stream } = await openImageArchive(storageSource(storage), wanted, quietRun());
  const file = path.join(folder, 'bastion/state/files/images/registry.tar');
  await mkdir(path.dirname(file), { recursive: true });
  await pipeline(stream, createWriteStream(file));
}
