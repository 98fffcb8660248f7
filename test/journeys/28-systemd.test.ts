import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DownResult, SiteStatus, UpResult } from '../../src/workflow/index.ts';
import { airlock, tell } from '../helpers/airlock.ts';
import { type JourneySite, siteNames, writeSite } from '../helpers/journey-site.ts';
import { describeUnless, findProgram } from '../helpers/real.ts';
import { type SystemdMachine, startMachine, whyNoMachine, whyNoMachineEver } from '../helpers/systemd-machine.ts';
import { writeRegistryArchive } from '../registry/registry-image.ts';

const image = 'docker.io/library/registry:3';
const folder = '/srv/site';
const addresses = ['192.0.2.1', '2001:db8:10::1'];
const ports = ['5000/tcp', '8080/tcp', '8443/tcp', '53/tcp', '53/udp'];
const programs = ['firewall-cmd', 'podman', 'newuidmap', 'docker-registry', 'loginctl', 'curl'];
const refusal = await whyNoMachineEver();
const absent = programs.filter((name) => findProgram(name) === undefined);

/** Addresses before the network is called online, a resolver of the host on port 53, and a Podman that has no cgroup controllers to set limits with. */
const prepare = `
mkdir -p etc/containers/containers.conf.d var/lib/systemd/linger
printf '[containers]\\npids_limit = 0\\n' >etc/containers/containers.conf.d/50-test.conf
cat >etc/systemd/system/addresses.service <<'UNIT'
[Unit]
Before=network-online.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=ip addr add 192.0.2.1/32 dev lo
ExecStart=ip -6 addr add 2001:db8:10::1/128 dev lo nodad
[Install]
WantedBy=multi-user.target
UNIT
systemctl --quiet --root=. enable addresses.service firewalld.service podman.socket
systemctl --quiet --root=. --global enable podman.socket
useradd --root "$PWD" --create-home --uid 1777 cook
mkdir -p home/cook/.config/containers
printf '[storage]\\ndriver = "vfs"\\n[storage.options]\\nignore_chown_errors = "true"\\n' >home/cook/.config/containers/storage.conf
chown -R 1777:1777 home/cook
`;

describeUnless(
  whyNoMachine() ?? (absent.length > 0 ? `install ${absent.join(', ')}` : undefined),
  'under systemd as process 1, with firewalld',
  () => {
    let machine: SystemdMachine;
    if (refusal !== undefined) return test.skip(`skipped: ${refusal}`);

    const start = (args: readonly string[], as: readonly string[] = []) =>
      airlock([...args, '-o', 'json'], {
        cwd: '/',
        via: [...machine.via, 'env', '-C', folder, ...as],
        env: { AIRLOCK_SUPERVISOR: 'auto' },
      });
    const go = async <T>(exitCode: number, ...args: string[]): Promise<T> => {
      const ending = await start(args);
      expect(ending.exitCode, tell(ending)).toBe(exitCode);
      return JSON.parse(ending.stdout) as T;
    };
    const site = async (wanted: Partial<JourneySite>): Promise<void> => {
      await writeSite(machine.at(folder), { addresses, mode: 'embedded', ...wanted });
    };
    /** What a command says, whatever its exit code. */
    const ask = async (program: string, ...args: string[]): Promise<string> =>
      (await machine.run(program, ...args).catch((error: { stdout?: string }) => error.stdout ?? '')).trim();
    const healthy = (timeout = 30_000) =>
      expect
        .poll(async () => JSON.parse((await start(['status'])).stdout).healthy, { timeout, interval: 500 })
        .toBe(true);
    const property = (unit: string, name: string) => ask('systemctl', 'show', '--value', `--property=${name}`, unit);
    const openPorts = async (...flags: string[]) =>
      (await ask('firewall-cmd', ...flags, '--list-ports')).split(' ').filter(Boolean).toSorted();

    beforeAll(async () => {
      machine = await startMachine(prepare);
      await mkdir(machine.at(folder), { recursive: true });
    }, 120_000);

    afterAll(async () => {
      await machine?.close();
    }, 30_000);

    test('a unit keeps the services: enabled, healthy, left alone by the next up, back after a kill, ports open', async () => {
      await site({});
      const first = await go<UpResult>(0, 'up');
      expect(first).toMatchObject({ supervisor: 'systemd', services: 'started', firewall: { state: 'opened' } });
      expect(await ask('systemctl', 'is-enabled', 'airlock-lab.service')).toBe('enabled');
      expect(await openPorts()).toEqual(ports.toSorted());
      expect(await openPorts('--permanent')).toEqual(ports.toSorted());
      const pid = await property('airlock-lab.service', 'MainPID');
      expect(await go<UpResult>(0, 'up')).toMatchObject({ services: 'unchanged', firewall: { state: 'unchanged' } });
      expect(await property('airlock-lab.service', 'MainPID')).toBe(pid);
      await machine.run('kill', '-9', pid);
      await expect.poll(() => property('airlock-lab.service', 'NRestarts'), { timeout: 10_000 }).toBe('1');
      await healthy();
      await machine.run('systemctl', 'restart', 'airlock-lab.service');
      await healthy();
      const { background } = await go<SiteStatus>(0, 'status');
      expect(background).toMatchObject({ systemd: true });
    }, 180_000);

    test('a renewed certificate is served without a new start', async () => {
      const pid = await property('airlock-lab.service', 'MainPID');
      const { leaf } = await go<{ leaf: { fingerprintSha256: string } }>(0, 'certs', 'renew');
      const served = async (): Promise<string[]> => {
        type Shown = { consumers: { consumer: string; fingerprints: string[] }[] };
        const { consumers } = JSON.parse((await start(['certs', 'show'])).stdout) as Shown;
        return consumers.filter((one) => one.consumer === 'registry').map((one) => one.fingerprints[0] ?? '');
      };
      await expect.poll(served, { timeout: 20_000 }).toEqual([leaf.fingerprintSha256, leaf.fingerprintSha256]);
      expect(await property('airlock-lab.service', 'MainPID')).toBe(pid);
    }, 120_000);

    test('a reboot brings everything back', async () => {
      await machine.reboot();
      await healthy();
      expect(await openPorts()).toEqual(ports.toSorted());
    }, 180_000);

    test('down takes the unit and the ports away, nothing counts as failed, and what is not ours runs on', async () => {
      await machine.run('firewall-cmd', '--add-port=9999/tcp');
      expect(await go<DownResult>(0, 'down')).toMatchObject({ services: true, closedPorts: ports });
      expect(await ask('systemctl', 'list-units', '--all', '--plain', '--no-legend', 'airlock*')).toBe('');
      expect(await ask('systemctl', 'is-system-running')).toBe('running');
      expect([await openPorts(), await openPorts('--permanent')]).toEqual([['9999/tcp'], []]);
      expect(await go<DownResult>(0, 'down')).toMatchObject({ services: false, closedPorts: [] });
    }, 120_000);

    test('services that cannot start are told why, and no unit is left to try for ever', async () => {
      await site({ addresses: ['192.0.2.77'] });
      const { error } = await go<{ error: { code: string; message: string } }>(3, 'up');
      expect(error).toMatchObject({ code: 'LISTEN_FAILED', message: expect.stringContaining('192.0.2.77') });
      expect(await ask('systemctl', 'list-units', '--all', '--plain', '--no-legend', 'airlock*')).toBe('');
      await expect(readFile(machine.at('/etc/systemd/system/airlock-lab.service'))).rejects.toThrow();
    }, 120_000);

    test('a unit that ran before stays when a new start fails, and comes up when the fault is gone', async () => {
      await site({});
      await go(0, 'up');
      await site({ addresses: [...addresses, '192.0.2.77'] });
      await go(3, 'up');
      expect(await ask('systemctl', 'is-enabled', 'airlock-lab.service')).toBe('enabled');
      await machine.run('ip', 'addr', 'add', '192.0.2.77/32', 'dev', 'lo');
      await healthy();
      await go(0, 'down');
    }, 180_000);

    test('what systemd kept is handed to a process when that is asked for, and back', async () => {
      await site({});
      await go(0, 'up');
      expect(await go<UpResult>(0, 'up', '--supervisor', 'process')).toMatchObject({
        supervisor: 'process',
        services: 'restarted',
      });
      expect(await ask('systemctl', 'list-units', '--all', '--plain', '--no-legend', 'airlock*')).toBe('');
      await healthy();
      expect(await go<UpResult>(0, 'up')).toMatchObject({ supervisor: 'systemd', services: 'restarted' });
      await healthy();
      await go(0, 'down');
      expect(await ask('pgrep', '-f', '--', '--foreground')).toBe('');
    }, 120_000);

    test('a registry in Podman is a unit of its own: back after a kill and a reboot, gone with down', async () => {
      await rm(machine.at(path.join(folder, 'bastion')), { recursive: true, force: true });
      await site({ mode: 'podman', image });
      await writeRegistryArchive(machine.at(folder), image);
      expect(await go<UpResult>(0, 'up')).toMatchObject({ registry: { mode: 'podman', state: 'created' } });
      expect(await go<UpResult>(0, 'up')).toMatchObject({ registry: { state: 'unchanged' }, services: 'unchanged' });
      await machine.run('podman', 'kill', '--signal', 'KILL', 'airlock-registry');
      await healthy();
      await go(0, 'certs', 'renew');
      expect(await go<UpResult>(0, 'up')).toMatchObject({ registry: { state: 'recreated' }, services: 'unchanged' });
      await machine.reboot();
      await healthy(60_000);
      // Left to a unit, the container goes also when nothing answers for Podman.
      await machine.run('systemctl', 'stop', 'podman.socket', 'podman.service');
      expect(await go<DownResult>(0, 'down')).toMatchObject({ services: true, container: true });
      await machine.run('systemctl', 'start', 'podman.socket');
      expect(await ask('podman', 'ps', '--all', '--quiet')).toBe('');
      expect(await go<UpResult>(0, 'up')).toMatchObject({ registry: { mode: 'podman', state: 'created' } });
      await healthy();
      const logs = await airlock(['registry', 'logs', '--tail', '2'], {
        cwd: '/',
        via: [...machine.via, 'env', '-C', folder],
      });
      expect(logs.stdout, tell(logs)).toContain('/v2/');
      await site({ mode: 'embedded' });
      expect(await go<UpResult>(0, 'up')).toMatchObject({ registry: { mode: 'embedded' } });
      await healthy();
      expect(await ask('podman', 'ps', '--all', '--quiet')).toBe('');
      await site({ mode: 'podman', image });
      expect(await go<UpResult>(0, 'up')).toMatchObject({ registry: { mode: 'podman' } });
      expect(await go<DownResult>(0, 'down')).toMatchObject({ services: true, container: true });
      expect(await ask('podman', 'ps', '--all', '--quiet')).toBe('');
      expect(await ask('systemctl', 'list-units', '--all', '--plain', '--no-legend', 'airlock*')).toBe('');
      expect(await ask('systemctl', 'is-system-running')).toBe('running');
    }, 360_000);

    test('a user who lingers has units of its own, with Podman rootless: back after a reboot, gone with down', async () => {
      const home = '/home/cook';
      const high = { registry: 5500, http: 8180, https: 8543, dns: 5353 };
      await writeSite(machine.at(home), { addresses, mode: 'podman', image, ports: high });
      await writeRegistryArchive(machine.at(home), image);
      await machine.run('chown', '-R', '1777:1777', home);
      const user = async <T>(exitCode: number, ...args: string[]): Promise<T & { stderr: string }> => {
        const ending = await airlock([...args, '-o', 'json'], {
          cwd: '/',
          via: [...machine.via, 'setpriv', '--reuid=1777', '--regid=1777', '--clear-groups', 'env', '-C', home],
          env: { AIRLOCK_SUPERVISOR: 'auto', HOME: home, XDG_RUNTIME_DIR: '/run/user/1777' },
        });
        expect(ending.exitCode, tell(ending)).toBe(exitCode);
        return { ...(JSON.parse(ending.stdout) as T), stderr: ending.stderr };
      };
      // A systemd of the user's own that ends with the session keeps nothing.
      await machine.run('systemctl', 'start', 'user@1777.service');
      const short = await user<UpResult>(0, 'up');
      expect(short).toMatchObject({
        supervisor: 'process',
        registry: { mode: 'podman' },
        firewall: { state: 'forbidden' },
      });
      expect(short.stderr).toContain('loginctl enable-linger');
      await machine.run('loginctl', 'enable-linger', 'cook');
      expect(await user<UpResult>(0, 'up')).toMatchObject({ supervisor: 'systemd', services: 'restarted' });
      expect(await user<UpResult>(0, 'up')).toMatchObject({ services: 'unchanged', registry: { state: 'unchanged' } });
      await machine.reboot();
      await expect
        .poll(
          async () =>
            JSON.parse(
              (await airlock(['status', '-o', 'json', '-f', `${home}/site.yaml`], { cwd: '/', via: machine.via }))
                .stdout,
            ).healthy,
          { timeout: 60_000, interval: 500 },
        )
        .toBe(true);
      expect(await user<SiteStatus>(0, 'status')).toMatchObject({ background: { systemd: true } });
      expect(await user<DownResult>(0, 'down')).toMatchObject({ services: true, container: true });
      // conmon writes down how its container ended before it goes.
      await expect
        .poll(() => ask('pgrep', '-u', 'cook', '-l', 'node|registry|conmon'), { timeout: 10_000, interval: 200 })
        .toBe('');
    }, 360_000);

    test('the CA in the trust of the host is enough for curl', async () => {
      await site({});
      await go(0, 'up');
      await writeFile(machine.at('/etc/hosts'), `192.0.2.1 ${siteNames.registry}\n127.0.0.1 localhost\n`);
      const curl = () =>
        ask('curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', `https://${siteNames.registry}:5000/v2/`);
      expect(await curl()).toBe('000');
      await go(0, 'certs', 'install');
      expect(await curl()).toBe('401');
      await go(0, 'down');
    }, 120_000);
  },
);
