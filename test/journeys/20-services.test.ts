import { execFileSync } from 'node:child_process';
import { chown, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { SiteStatus, UpResult } from '../../src/workflow/index.ts';
import { type AirlockOptions, airlock, startAirlock, tell } from '../helpers/airlock.ts';
import { freeSitePorts, type JourneySite, writeSite } from '../helpers/journey-site.ts';
import { processesWith } from '../helpers/processes.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const nobody = 65534;
const isRoot = process.getuid?.() === 0;
const ordinary = isRoot ? ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--'] : [];

/** A site on loopback and high ports whose user is an ordinary one with the strictest umask. */
async function openSite(overrides: Partial<JourneySite> = {}) {
  const cwd = await temporaryFolder();
  const ports = overrides.ports ?? (await freeSitePorts());
  const site = await writeSite(cwd, { addresses: ['127.0.0.1'], mode: 'embedded', ports, ...overrides });
  if (isRoot) for (const file of ['.', 'site.yaml', 'worker-0.bmc']) await chown(path.join(cwd, file), nobody, nobody);
  const options: AirlockOptions = { cwd, via: ['sh', '-c', 'umask 0077; exec "$@"', 'sh', ...ordinary] };
  onTestFinished(async () => void (await airlock(['down'], options)));
  const go = async <T>(exitCode: number, ...args: string[]): Promise<T> => {
    const ending = await airlock([...args, '-o', 'json'], options);
    expect(ending.exitCode, tell(ending)).toBe(exitCode);
    return JSON.parse(ending.stdout) as T;
  };
  const record = async (name: string): Promise<{ pid: number; restarts: number }> =>
    JSON.parse(await readFile(path.join(cwd, 'bastion/state/run', name), 'utf8'));
  return { cwd, site, ports, options, go, record };
}

type ErrorDocument = { readonly error: { readonly code: string; readonly hint?: string; readonly message: string } };

describe('the services of an ordinary user on high ports, under umask 0077', () => {
  test('start once, are asked in their own words, come back after a kill, and end with down', async () => {
    const { cwd, ports, go, record } = await openSite();
    const first = await go<UpResult>(0, 'up');
    expect(first).toMatchObject({ services: 'started', supervisor: 'process', registry: { mode: 'embedded' } });
    expect(first.firewall.commands[0]).toBe(
      `firewall-cmd --add-port=${ports.registry}/tcp --add-port=${ports.http}/tcp --add-port=${ports.https}/tcp --add-port=${ports.dns}/tcp --add-port=${ports.dns}/udp`,
    );
    const key = await stat(path.join(cwd, 'bastion/state/certs/server.key'));
    expect(key.mode & 0o777).toBe(0o600);
    const started = await record('services.json');

    expect(await go<UpResult>(0, 'up')).toMatchObject({ services: 'unchanged', certificates: { changed: false } });
    expect((await record('services.json')).pid).toBe(started.pid);

    const status = await go<SiteStatus>(0, 'status');
    expect(status.services.map(({ service, scheme, healthy }) => `${service} ${scheme} ${healthy}`)).toEqual([
      'registry https true',
      'web http true',
      'web https true',
      'dns dns true',
    ]);
    expect(status.services.every((one) => one.since === status.background?.since)).toBe(true);
    expect(status.certificate?.daysLeft).toBeGreaterThan(800);
    expect(status.disks[0]?.totalBytes).toBeGreaterThan(0);
    for (const [name, line] of [
      ['web', '"HEAD /ca.crt HTTP/1.1" 200'],
      ['registry', `- airlock [`],
    ] as const) {
      const log = path.join(cwd, `bastion/state/log/${name}-requests.log`);
      await expect.poll(() => readFile(log, 'utf8').catch(() => ''), { timeout: 10_000 }).toContain(line);
    }

    process.kill(started.pid, 'SIGKILL');
    await expect.poll(() => record('services.json').then((one) => one.pid), { timeout: 20_000 }).not.toBe(started.pid);
    const after = await go<SiteStatus>(0, 'status');
    expect(after.background?.supervisor?.restarts).toBe(1);

    await go(0, 'down');
    expect(processesWith(cwd)).toEqual([]);
    expect((await go<SiteStatus>(3, 'status')).services.every((one) => !one.healthy && one.problem)).toBe(true);
  }, 240_000);

  test('are started once by two up at once, and are not left behind by one that is interrupted as soon as anything runs', async () => {
    const { cwd, options, go } = await openSite();
    const two = await Promise.all([airlock(['up'], options), airlock(['up'], options)]);
    const [won, lost] = two.sort((a, b) => (a.exitCode ?? 0) - (b.exitCode ?? 0));
    expect(won?.exitCode, two.map(tell).join('\n')).toBe(0);
    // The later one meets the first at work, or finds everything up.
    if (lost?.exitCode !== 0) expect(lost?.stderr).toMatch(/is in use by `airlock up`/);
    expect((await go<SiteStatus>(0, 'status')).background?.supervisor).toBeDefined();
    const workers = () => processesWith(cwd).filter((line) => line.includes('--foreground'));
    expect(workers()).toHaveLength(2);
    await go(0, 'down');
    for (const waitMs of [0, 0, 150, 300, 500]) {
      const { child, ended } = await startAirlock(['up'], options);
      for (const end = Date.now() + 20_000; workers().length === 0 && Date.now() < end; ) await sleep(10);
      await sleep(waitMs);
      child.kill('SIGINT');
      const ending = await ended;
      if (ending.exitCode === 0) await go(0, 'down');
      else expect(ending.exitCode, tell(ending)).toBe(130);
      await expect.poll(workers, { timeout: 10_000 }).toEqual([]);
    }
  }, 120_000);

  test('are taken up again, or ended, after their supervisor was killed', async () => {
    const { cwd, go, record } = await openSite();
    await go(0, 'up');
    process.kill((await record('supervisor.json')).pid, 'SIGKILL');
    const alone = await go<SiteStatus>(0, 'status');
    expect([alone.healthy, alone.background?.supervisor]).toEqual([true, undefined]);
    expect(await go<UpResult>(0, 'up')).toMatchObject({ services: 'restarted' });
    process.kill((await record('supervisor.json')).pid, 'SIGKILL');
    expect(await go(0, 'down')).toMatchObject({ services: true });
    expect(processesWith(cwd)).toEqual([]);
    expect(await go(0, 'down')).toMatchObject({ services: false });
  }, 240_000);

  test.each(['', '{"pid":'])(
    'end with their supervisor when its record is lost or cut short: "%s"',
    async (text) => {
      const { cwd, go } = await openSite();
      await go(0, 'up');
      const file = path.join(cwd, 'bastion/state/run/supervisor.json');
      if (text === '') await rm(file);
      else await writeFile(file, text);
      expect(await go(0, 'down')).toMatchObject({ services: true });
      // It would start them again after half a second.
      await sleep(1500);
      expect(processesWith(cwd)).toEqual([]);
    },
    120_000,
  );

  test('that cannot start again are tried with growing waits, and status tells since when and why', async () => {
    const { ports, go, record, cwd } = await openSite();
    await go(0, 'up');
    const { pid } = await record('services.json');
    const taken = createServer((socket) => socket.destroy());
    // The port is free for a moment only: taken over as soon as its owner is gone.
    process.kill(pid, 'SIGKILL');
    await expect
      .poll(
        () =>
          new Promise((resolve) =>
            taken.once('error', resolve).listen(ports.http, '127.0.0.1', () => resolve('taken')),
          ),
      )
      .toBe('taken');
    onTestFinished(() => void taken.close());
    const down = async (): Promise<SiteStatus['restarting']> => (await go<SiteStatus>(3, 'status')).restarting;
    await expect.poll(down, { timeout: 40_000 }).toMatchObject({ problem: expect.stringContaining('EADDRINUSE') });
    expect((await down())?.restarts).toBeGreaterThan(0);
    await new Promise((resolve) => taken.close(resolve));
    await expect.poll(() => record('services.json').then((one) => one.pid), { timeout: 40_000 }).not.toBe(pid);
    await go(0, 'status');
    await go(0, 'down');
    expect(processesWith(cwd)).toEqual([]);
  }, 360_000);

  test('are left alone by down when the record names another process', async () => {
    const { cwd, go } = await openSite();
    await mkdir(path.join(cwd, 'bastion/state/run'), { recursive: true });
    const stale = JSON.stringify({ pid: process.pid, processStart: '1@long-ago', worker: { pid: process.pid } });
    for (const name of ['services.json', 'supervisor.json'])
      await writeFile(path.join(cwd, 'bastion/state/run', name), stale);
    if (isRoot) execFileSync('chown', ['-R', `${nobody}:${nobody}`, path.join(cwd, 'bastion')]);
    expect(await go(0, 'down')).toMatchObject({ services: false });
    await sleep(100);
  });

  test('start anew when the site changed', async () => {
    const { site, ports, go, record } = await openSite();
    await go(0, 'up');
    const { pid } = await record('services.json');
    const { https } = await freeSitePorts();
    await writeFile(site, (await readFile(site, 'utf8')).replace(String(ports.https), String(https)));
    expect(await go<UpResult>(0, 'up')).toMatchObject({ services: 'restarted' });
    expect((await record('services.json')).pid).not.toBe(pid);
    expect((await go<SiteStatus>(0, 'status')).services[2]?.address).toBe(`127.0.0.1:${https}`);
  }, 240_000);
});

describe('up that cannot listen says why and leaves nothing behind', () => {
  test('names the port that another site has', async () => {
    const one = await openSite();
    await one.go(0, 'up');
    const other = await openSite({ ports: { ...(await freeSitePorts()), http: one.ports.http } });
    const { error } = await other.go<ErrorDocument>(3, 'up');
    expect(error).toMatchObject({ code: 'WEB_LISTEN_FAILED' });
    expect(error.message).toContain(`127.0.0.1:${one.ports.http}`);
    expect(error.message).toContain(`(process ${(await one.record('services.json')).pid}) has the port`);
    expect(error.hint).toContain('another port');
    expect(processesWith(other.cwd)).toEqual([]);
  }, 240_000);

  test('names an address that is not of this host', async () => {
    const { cwd, go } = await openSite({ addresses: ['203.0.113.77'] });
    const { error } = await go<ErrorDocument>(3, 'up');
    expect(error.code).toBe('LISTEN_FAILED');
    expect(error.hint).toContain('not one of this host');
    expect(processesWith(cwd)).toEqual([]);
  }, 120_000);
});
