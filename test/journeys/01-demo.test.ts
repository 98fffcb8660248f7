import { execFileSync } from 'node:child_process';
import { chown, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { type AirlockOptions, airlock, tell } from '../helpers/airlock.ts';
import { processesWith } from '../helpers/processes.ts';
import { describeReal } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const isRoot = process.getuid?.() === 0;
const nobody = 65534;
const ordinary = isRoot ? ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--'] : [];

/** An empty folder of an ordinary user, and how to run as that user in it. */
async function emptyFolder(): Promise<AirlockOptions> {
  const cwd = await temporaryFolder();
  if (isRoot) await chown(cwd, nobody, nobody);
  return { cwd, via: ordinary };
}

describe('the demo in an empty folder, as an ordinary user', () => {
  test('goes the whole journey, says what came across, and leaves nothing running', async () => {
    const options = await emptyFolder();
    const ending = await airlock(['demo'], options);
    expect(ending.exitCode, tell(ending)).toBe(0);
    for (const word of ['carried', 'verified', 'loaded', 'services', 'objects', 'no findings', 'the site is ready'])
      expect(ending.stdout).toContain(word);
    expect(processesWith(options.cwd)).toEqual([]);
    const status = await airlock(['status', '-f', 'airlock-demo/site.yaml'], options);
    expect(status.exitCode, tell(status)).toBe(3);
  });

  test('keeps its services with --keep: status and check are content, a second up changes nothing, down ends all of it', async () => {
    const options = await emptyFolder();
    const site = ['-f', 'airlock-demo/site.yaml'];
    const kept = await airlock(['demo', '--keep', '-o', 'json'], options);
    expect(kept.exitCode, tell(kept)).toBe(0);
    expect(JSON.parse(kept.stdout)).toMatchObject({ kept: true, ready: true });
    const record = path.join(options.cwd, 'airlock-demo/bastion/state/run/services.json');
    const { pid } = JSON.parse(await readFile(record, 'utf8')) as { pid: number };
    try {
      expect(processesWith(options.cwd).join('\n')).toContain(String(pid));
      const status = await airlock(['status', ...site, '-o', 'json'], options);
      expect(status.exitCode, tell(status)).toBe(0);
      expect(JSON.parse(status.stdout)).toMatchObject({ healthy: true, background: { pid }, webFiles: 8 });
      const check = await airlock(['check', ...site], options);
      expect(check.exitCode, tell(check)).toBe(0);
      await expectSupportArchive(options, site);
      await expectStaleManifests(options, site);
      const up = await airlock(['up', ...site, '-o', 'json'], options);
      expect(JSON.parse(up.stdout), tell(up)).toMatchObject({
        services: 'unchanged',
        certificates: { changed: false },
      });
      expect(JSON.parse(await readFile(record, 'utf8'))).toMatchObject({ pid });
      const down = await airlock(['down', ...site], options);
      expect(down.exitCode, tell(down)).toBe(0);
      expect(down.stdout).toContain('stopped');
      expect(processesWith(options.cwd)).toEqual([]);
      const after = await airlock(['status', ...site, '-o', 'json'], options);
      expect(after.exitCode, tell(after)).toBe(3);
      expect(JSON.parse(after.stdout)).toMatchObject({ healthy: false });
      const again = await airlock(['down', ...site], options);
      expect([again.exitCode, again.stdout]).toEqual([0, 'nothing was running\n']);
    } finally {
      await airlock(['down', ...site], options);
    }
  });

  test('refuses a folder that holds somebody else’s files', async () => {
    const options = await emptyFolder();
    const ending = await airlock(['demo', '--dir', '.'], { ...options, cwd: path.join(import.meta.dirname) });
    expect(ending.exitCode, tell(ending)).toBe(2);
  });
});

/** Emitted files that are older than the site file are said by check, which looks at what would be written now. */
async function expectStaleManifests(options: AirlockOptions, site: readonly string[]): Promise<void> {
  const manifests = 'airlock-demo/manifests';
  const look = async (): Promise<string> => {
    const ending = await airlock(['check', ...site, '--manifests', manifests], options);
    expect(ending.exitCode, tell(ending)).toBe(0);
    return ending.stdout;
  };
  expect(await look()).toContain('no findings');
  const [, file = ''] = site;
  const siteFile = path.join(options.cwd, file);
  const text = await readFile(siteFile, 'utf8');
  // Nothing that the running DNS server answers with: it takes a moment to read the site anew.
  await writeFile(siteFile, text.replace('52:54:00:00:00:01', '52:54:00:00:00:02'));
  expect(await look()).toMatch(/warning CHECK_MANIFESTS_STALE: \d+ of \d+ files are not what emit would write now: /);
  const emit = await airlock(['emit', ...site, manifests], options);
  expect(emit.exitCode, tell(emit)).toBe(0);
  expect(await look()).toContain('no findings');
  await writeFile(siteFile, text);
}

/** Holds what support asks for, and nothing that opens a door. */
async function expectSupportArchive(options: AirlockOptions, site: readonly string[]): Promise<void> {
  const made = await airlock(['must-gather', ...site, 'support.tar.gz', '-o', 'json'], options);
  expect(made.exitCode, tell(made)).toBe(0);
  const { entries } = JSON.parse(made.stdout) as { entries: readonly { path: string; problem?: string }[] };
  expect(entries.filter((entry) => entry.problem)).toEqual([]);
  const archive = path.join(options.cwd, 'support.tar.gz');
  expect((await stat(archive)).mode & 0o777).toBe(0o600);
  const text = execFileSync('tar', ['-xzOf', archive], { encoding: 'utf8', maxBuffer: 64 << 20 });
  for (const word of ['"healthy": true', 'IN SOA', 'fingerprintSha256', '4.20.1', 'services'])
    expect(text).toContain(word);
  const password = (
    await readFile(path.join(options.cwd, 'airlock-demo/bastion/state/registry-password'), 'utf8')
  ).trim();
  expect(password.length).toBeGreaterThan(8);
  for (const secret of [password, 'PRIVATE KEY', '$2y$']) expect(text).not.toContain(secret);
  expect(text).toMatch(/"gatheredAt": "\d{4}-\d\d-\d\dT/);
  expect(entries.map((entry) => entry.path)).toContain('doctor.json');
  // A site file that is not read is what support wants to see.
  const [, file = ''] = site;
  const broken = (await readFile(path.join(options.cwd, file), 'utf8')).replace('baseDomain', 'baseDomian');
  await writeFile(path.join(options.cwd, 'broken.yaml'), `${broken}# password: hunter2\n`);
  const second = await airlock(['must-gather', '-f', 'broken.yaml', 'broken.tar.gz'], options);
  expect(second.exitCode, tell(second)).toBe(0);
  const seen = execFileSync('tar', ['-xzOf', path.join(options.cwd, 'broken.tar.gz')], { encoding: 'utf8' });
  for (const word of ['baseDomian', 'did you mean', '"openssl"']) expect(seen).toContain(word);
  expect(seen).not.toContain('hunter2');
}

describeReal('the demo without a network', ['unshare', 'ip', 'setpriv'], () => {
  test('goes the whole journey where there is loopback and no route', async () => {
    const options = await emptyFolder();
    const inside = 'ip link set lo up && test -z "$(ip route; ip -6 route | grep -v lo)" && exec "$@"';
    const unshare = ['unshare', isRoot ? '-n' : '-rn', 'sh', '-c', inside, 'sh'];
    const ending = await airlock(['demo'], { ...options, via: [...unshare, ...ordinary] });
    expect(ending.exitCode, tell(ending)).toBe(0);
    expect(ending.stdout).toContain('the site is ready');
  });
});
