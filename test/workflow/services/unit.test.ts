import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { servicesUnit } from '../../../src/workflow/services/unit.ts';
import { describeReal } from '../../helpers/real.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const command = ['/usr/bin/node', '/opt/air lock/main.js', 'up', '--foreground', '-f', '/srv/100%/$HOME "x".yaml'];

describe('the systemd unit of a site', () => {
  test('runs the services in the foreground, starts them again, and takes every word as it is', () => {
    const unit = servicesUnit({ siteName: 'lab', command, logFile: '/var/lib/airlock/log/services.log' });
    expect(unit).toMatchObject({ file: '/etc/systemd/system/airlock-lab.service', service: 'airlock-lab.service' });
    expect(unit.text).toContain(
      'ExecStart="/usr/bin/node" "/opt/air lock/main.js" "up" "--foreground" "-f" "/srv/100%%/$$HOME \\"x\\".yaml"\n',
    );
    expect(unit.text).toContain('Restart=always\n');
    expect(unit.text).toContain('StandardOutput=append:/var/lib/airlock/log/services.log\n');
    expect(unit.text).toContain('WantedBy=multi-user.target\n');
    // Ended by SIGTERM it says 143, which is no failure.
    expect(unit.text).toContain('SuccessExitStatus=143\n');
  });

  test('of a user lies in the home folder and asks for nothing that only the system has', () => {
    const unit = servicesUnit({ siteName: 'lab', command, logFile: '/home/cook/log', home: '/home/cook' });
    expect(unit).toMatchObject({ file: '/home/cook/.config/systemd/user/airlock-lab.service', user: true });
    expect(unit.text).toContain('WantedBy=default.target\n');
    expect(unit.text).not.toMatch(/network-online|Protect|Restrict/);
  });
});

describeReal('the systemd unit under systemd-analyze', ['systemd-analyze'], () => {
  test('is found right', async () => {
    const folder = await temporaryFolder();
    const file = path.join(folder, 'airlock-lab.service');
    await writeFile(file, servicesUnit({ siteName: 'lab', command: ['/bin/true', 'up'], logFile: '/tmp/x.log' }).text);
    expect(execFileSync('systemd-analyze', ['verify', file], { encoding: 'utf8' })).toBe('');
  });
});
