import { chmod, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { quietRun } from '../../../src/core/run.ts';
import { closeFirewall, openFirewall } from '../../../src/workflow/services/firewall.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

/** What `--list-ports` says, now and for the next boot, by zone. */
interface FakeFirewall {
  /** Of `--state`: 0 it runs, 252 it does not, 253 not authorized. */
  readonly exitCode: number;
  readonly runtime?: string;
  readonly permanent?: string;
  readonly zones?: string;
}

/** A firewall-cmd first on PATH that writes down what it is asked to change. `test/journeys/28-systemd.test.ts` has the real one. */
async function fakeFirewall(fake: FakeFirewall): Promise<{ folder: string; calls: () => Promise<string[]> }> {
  const folder = await temporaryFolder();
  const log = path.join(folder, 'calls');
  await writeFile(log, '');
  const program = path.join(folder, 'firewall-cmd');
  await writeFile(
    program,
    `#!/bin/sh
case "$*" in
  --state) exit ${fake.exitCode};;
  --get-default-zone) echo public;;
  --get-active-zones) printf '${fake.zones ?? 'public (default)\\n'}';;
  --permanent*--list-ports) echo '${fake.permanent ?? ''}';;
  *--list-ports) echo '${fake.runtime ?? ''}';;
  *) echo "$@" >> ${log};;
esac
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

const run = quietRun();
const nowhere = ['192.0.2.1'];

describe('the firewall of the host', () => {
  test('opens what is closed, now and for the next boot, and closes exactly that', async () => {
    const { folder, calls } = await fakeFirewall({ exitCode: 0, runtime: '5000/tcp', permanent: '5000/tcp' });
    const opened = await openFirewall(['5000/tcp', '8080/tcp', '53/udp'], nowhere, folder, run);
    expect(opened.state).toBe('opened');
    expect(await calls()).toEqual([
      '--zone=public --add-port=8080/tcp --add-port=53/udp',
      '--permanent --zone=public --add-port=8080/tcp --add-port=53/udp',
    ]);
    expect(await closeFirewall(folder, run)).toEqual(['8080/tcp', '53/udp']);
    expect((await calls()).slice(2)).toEqual([
      '--zone=public --remove-port=8080/tcp --remove-port=53/udp',
      '--permanent --zone=public --remove-port=8080/tcp --remove-port=53/udp',
    ]);
    expect(await closeFirewall(folder, run)).toEqual([]);
  });

  test('makes a port permanent that is open for now only, also one in a range, and takes only that back', async () => {
    const { folder, calls } = await fakeFirewall({ exitCode: 0, runtime: '53/udp 5000-5010/tcp', permanent: '53/tcp' });
    await openFirewall(['5000/tcp', '53/udp'], nowhere, folder, run);
    await closeFirewall(folder, run);
    expect(await calls()).toEqual([
      '--permanent --zone=public --add-port=5000/tcp --add-port=53/udp',
      '--permanent --zone=public --remove-port=5000/tcp --remove-port=53/udp',
    ]);
  });

  test.each(['{', '["5000/tcp"]', '{"ports": []}'])('stops nothing when its record is %s', async (record) => {
    const { folder } = await fakeFirewall({ exitCode: 0, runtime: '5000/tcp', permanent: '5000/tcp' });
    await writeFile(path.join(folder, 'firewall.json'), record);
    expect((await openFirewall(['5000/tcp'], nowhere, folder, run)).state).toBe('unchanged');
    expect(await closeFirewall(folder, run)).toEqual([]);
  });

  test('opens in the zone of the interface that has the address', async () => {
    const zones = 'inside\\n  interfaces: lo eth7\\n  sources: 192.0.2.0/24\\npublic (default)\\n  interfaces: eth0\\n';
    const { folder, calls } = await fakeFirewall({ exitCode: 0, zones });
    await openFirewall(['5000/tcp'], ['127.0.0.1'], folder, run);
    expect(await calls()).toEqual([
      '--zone=inside --add-port=5000/tcp',
      '--permanent --zone=inside --add-port=5000/tcp',
    ]);
  });

  test.each([
    ['none', 'where firewalld does not run', 252],
    ['forbidden', 'where this user may not ask it', 253],
    ['forbidden', 'where its answer is kept back', 254],
  ])('is left alone, %s, %s, and the commands are said', async (state, _, exitCode) => {
    const { folder, calls } = await fakeFirewall({ exitCode });
    const result = await openFirewall(['5000/tcp', '53/udp'], nowhere, folder, run);
    expect(result).toMatchObject({
      state,
      commands: [
        'firewall-cmd --add-port=5000/tcp --add-port=53/udp',
        'firewall-cmd --permanent --add-port=5000/tcp --add-port=53/udp',
      ],
    });
    expect(await calls()).toEqual([]);
  });
});
