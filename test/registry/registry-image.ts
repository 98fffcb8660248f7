import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { renderLayer, type WrittenImage, writeImage } from '../../src/oci/index.ts';
import { findProgram } from '../helpers/real.ts';

/** A registry image out of the host's docker-registry binary and the libraries that it loads. */
export function registryImage(): WrittenImage {
  const binary = findProgram('docker-registry') ?? '';
  const libraries = execFileSync('ldd', [binary], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
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
