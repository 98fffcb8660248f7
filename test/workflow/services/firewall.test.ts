import { chmod, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { quietRun } from '../../../src/core/run.ts';
import { closeFirewall, openFirewall } from '../../../src/workflow/services/firewall.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

/** A firewall-cmd first on PATH that writes down what it is asked; `5000/tcp` is open already. */
async function fakeFirewall(runs: boolean): Promise<{ folder: string; calls: () => Promise<string[]> }> {
  const folder = await temporaryFolder();
  const log = path.join(folder, 'calls');
  await writeFile(log, '');
  const program = path.join(folder, 'firewall-cmd');
  await writeFile(
    program,
    `#!/bin/sh
case "$1" in
  --state) exit ${runs ? 0 : 252};;
  --query-port=5000/tcp) exit 0;;
  --query-port=*) exit 1;;
esac
echo "$@" >> ${log}
`,
  );
  await chmod(program, 0o755);
  const before = process.env['PATH'];
  process.env['PATH'] = `${folder}:${before}`;
  onTestFinished(() => {
    process.env['PATH'] = before;
  });
  return { folder, calls: async () => (await readFile(log, 'utf8')).split('\n').filter(Boolean) };
}

describe('the firewall of the host', () => {
  test('opens what is closed, now and for the next boot, and closes exactly that', async () => {
    const { folder, calls } = await fakeFirewall(true);
    const run = quietRun();
    const opened = await openFirewall(['5000/tcp', '53/udp'], folder, run);
    expect(opened.state).toBe('opened');
    expect(await calls()).toEqual(['--add-port=53/udp', '--permanent --add-port=53/udp']);
    expect(await closeFirewall(folder, run)).toEqual(['53/udp']);
    expect((await calls()).slice(2)).toEqual(['--remove-port=53/udp', '--permanent --remove-port=53/udp']);
    expect(await closeFirewall(folder, run)).toEqual([]);
  });

  test('leaves a host alone where firewalld does not run, and says the commands', async () => {
    const { folder, calls } = await fakeFirewall(false);
    const result = await openFirewall(['5000/tcp', '53/udp'], folder, quietRun());
    expect(result).toMatchObject({
      state: 'none',
      commands: [
        'firewall-cmd --add-port=5000/tcp --add-port=53/udp',
        'firewall-cmd --permanent --add-port=5000/tcp --add-port=53/udp',
      ],
    });
    expect(await calls()).toEqual([]);
  });
});
