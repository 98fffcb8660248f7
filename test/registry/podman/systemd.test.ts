import { execFile } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { quietRun } from '../../../src/core/run.ts';
import {
  installUnit,
  registryContainer,
  registryFolders,
  registryUnit,
  removeUnit,
  restartUnit,
  specLabel,
  withSpecLabel,
} from '../../../src/registry/index.ts';
import { describeReal } from '../../helpers/real.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const run = quietRun();
const folders = registryFolders('/opt/registry');
const spec = withSpecLabel(
  registryContainer({ name: 'kitchen', image: 'docker.io/library/registry:3', folders, config: '' }),
  'sha256:1',
);

/** A systemctl that writes down how it was called. */
async function fakeSystemctl(folder: string, exitCode = 0): Promise<{ program: string; calls(): Promise<string[]> }> {
  const [program, log] = [path.join(folder, 'systemctl'), path.join(folder, 'calls')];
  await writeFile(log, '');
  await writeFile(program, `#!/bin/sh\necho "$@" >> ${log}\necho "no such unit" >&2\nexit ${exitCode}\n`);
  await chmod(program, 0o755);
  return { program, calls: async () => (await readFile(log, 'utf8')).split('\n').filter(Boolean) };
}

describe('the unit of the registry', () => {
  test.each([
    ['5.4.0', undefined, '/etc/containers/systemd/kitchen.container'],
    ['4.6.0', '/home/cook', '/home/cook/.config/containers/systemd/kitchen.container'],
    ['4.5.1', undefined, '/etc/systemd/system/kitchen.service'],
    ['3.4.4', '/home/cook', '/home/cook/.config/systemd/user/kitchen.service'],
  ])('for Podman %s and home %s is %s', (podmanVersion, home, file) => {
    const unit = registryUnit(spec, { podmanVersion, ...(home ? { home } : {}) });
    expect(unit).toMatchObject({ file, service: 'kitchen.service', user: home !== undefined });
    // The container that systemd starts is the one that `up` looks for.
    expect(unit.text).toContain(`${specLabel}=${spec.labels[specLabel]}`);
  });

  test('is installed once, restarted and removed', async () => {
    const folder = await temporaryFolder();
    const { program, calls } = await fakeSystemctl(folder);
    const unit = registryUnit(spec, { podmanVersion: '4.3.1', home: folder });
    expect(await installUnit(unit, run, program)).toBe(true);
    expect(await readFile(unit.file, 'utf8')).toBe(unit.text);
    expect(await installUnit(unit, run, program)).toBe(false);
    await restartUnit(unit, run, program);
    await removeUnit(unit, run, program);
    await removeUnit(unit, run, program);
    expect(await calls()).toEqual([
      '--user daemon-reload',
      '--user enable kitchen.service',
      '--user restart kitchen.service',
      '--user stop kitchen.service',
      '--user disable kitchen.service',
      '--user daemon-reload',
      '--user reset-failed kitchen.service',
    ]);
  });

  test.each([
    ['4.3.1', '\n[Service]'],
    ['5.0.0', '\n[Container]'],
  ])('is tried for ever, and is no failure when it is stopped (Podman %s)', (podmanVersion, after) => {
    const { text } = registryUnit(spec, { podmanVersion });
    expect(text.slice(0, text.indexOf(after))).toContain('StartLimitIntervalSec=0\n');
    expect(text).toContain('RestartSec=2\nSuccessExitStatus=2 143\n');
    // The second is the only one that a user's systemd has.
    expect(text).toContain('WantedBy=multi-user.target default.target\n');
  });

  test('a Quadlet unit is not enabled, and a failure says what systemctl said', async () => {
    const folder = await temporaryFolder();
    const { program, calls } = await fakeSystemctl(folder, 5);
    const unit = registryUnit(spec, { podmanVersion: '5.0.0', home: folder });
    const installed = installUnit(unit, run, program);
    await expect(installed).rejects.toMatchObject({ code: 'COMMAND_FAILED' });
    await expect(installed).rejects.toThrow(/no such unit/);
    expect(await calls()).toEqual(['--user daemon-reload']);
  });
});

describeReal('systemd-analyze', ['systemd-analyze', 'podman'], () => {
  test.each([
    ['as usual', spec],
    [
      'with blanks, quotes, dollars and percent signs in paths',
      registryContainer({
        name: 'kitchen',
        image: 'localhost/b:1',
        folders: registryFolders('/my $HOME "%n" \\x'),
        config: '',
      }),
    ],
  ])('finds nothing wrong with the plain unit, %s', async (_, wanted) => {
    const folder = await temporaryFolder();
    const file = path.join(folder, 'kitchen.service');
    await writeFile(file, registryUnit(wanted, { podmanVersion: '4.3.1' }).text);
    const { stdout, stderr } = await promisify(execFile)('systemd-analyze', ['verify', '--man=no', file]);
    expect((stdout + stderr).split('\n').filter((line) => line.includes('kitchen'))).toEqual([]);
  });
});
