import { chmod, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Disk, nodeDisk } from '../../../src/core/disk.ts';
import { quietRun } from '../../../src/core/run.ts';
import { labelRegistryFolders, registryFolders } from '../../../src/registry/index.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const folders = registryFolders('/opt/registry');

/** A host with or without SELinux, whose `stat` tells these types and whose `chcon` writes down what it is asked. */
async function fakeHost(selinux: boolean, types: readonly string[]) {
  const folder = await temporaryFolder();
  const log = path.join(folder, 'calls');
  await writeFile(log, '');
  const lines = types.map((type) => `system_u:object_r:${type}:s0:c1,c2`).join('\\n');
  await writeFile(path.join(folder, 'stat'), `#!/bin/sh\nprintf '${lines}\\n'\n`);
  await writeFile(path.join(folder, 'chcon'), `#!/bin/sh\necho "$@" >> ${log}\n`);
  for (const name of ['stat', 'chcon']) await chmod(path.join(folder, name), 0o755);
  vi.stubEnv('PATH', `${folder}:${process.env['PATH']}`);
  onTestFinished(() => void vi.unstubAllEnvs());
  const disk: Disk = {
    ...nodeDisk,
    stat: async (file) => (file === '/sys/fs/selinux/enforce' && !selinux ? undefined : nodeDisk.stat(log)),
  };
  return { run: quietRun({ disk }), calls: () => readFile(log, 'utf8') };
}

describe('the SELinux labels of the registry folders', () => {
  test('become those of container files where they are others', async () => {
    const { run, calls } = await fakeHost(true, ['usr_t', 'container_file_t', 'usr_t', 'container_file_t']);
    expect(await labelRegistryFolders(folders, run)).toBe(true);
    expect(await calls()).toBe('--recursive --type=container_file_t /opt/registry/data /opt/registry/auth\n');
  });

  test.each([
    [
      'are left alone where they are right',
      true,
      ['container_file_t', 'container_file_t', 'container_file_t', 'container_file_t'],
    ],
    ['are left alone without SELinux', false, ['usr_t', 'usr_t', 'usr_t', 'usr_t']],
    ['are left alone where they cannot be read', true, []],
  ])('%s', async (_, selinux, types) => {
    const { run, calls } = await fakeHost(selinux, types);
    expect(await labelRegistryFolders(folders, run)).toBe(false);
    expect(await calls()).toBe('');
  });
});
