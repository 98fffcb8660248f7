import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AirlockOptions, airlock, type Ending, startAirlock, tell } from '../helpers/airlock.ts';
import { type JourneySource, largeImage, startJourneySource, writeImageSet } from '../helpers/journey-source.ts';
import { processesWith } from '../helpers/processes.ts';
import { suiteFolder } from '../helpers/temporary.ts';

/** The promise. A machine that runs other suites at the same time may miss it, so a slow ending is looked at again, up to `attempts` times. */
const soonMs = 1000;
const attempts = 5;

describe('an interrupted command', () => {
  let folder: string;
  let source: JourneySource;
  let options: AirlockOptions;
  const bundle = (): string => path.join(folder, 'out/gen-000001');
  const from = (bandwidth: string): string[] => ['-c', 'imageset.yaml', ...source.flags, '--max-bandwidth', bandwidth];

  beforeAll(async () => {
    folder = await suiteFolder();
    source = await startJourneySource(path.join(folder, 'source'), [largeImage('pantry', 96_000_000, 8)]);
    options = { cwd: folder, env: source.env };
    await writeImageSet(path.join(folder, 'imageset.yaml'), { images: ['registry.example.com/kitchen/pantry:1.0'] });
    const build = await airlock(['build', '-c', 'imageset.yaml', ...source.flags, 'out'], options);
    expect(build.exitCode, tell(build)).toBe(0);
  });

  afterAll(async () => {
    await source?.close();
    if (existsSync(path.join(folder, 'demo/site.yaml'))) await airlock(['down', '-f', 'demo/site.yaml'], options);
    await rm(folder, { recursive: true, force: true });
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'plan ends within a second after %s with exit %i, says how to go on, and leaves no plan',
    async (signal, code) => {
      const ending = await interrupt(['plan', ...from('50KB'), 'planned'], /"stage":"plan"/, [signal]);
      expectInterrupted(ending, code);
      expect(existsSync(path.join(folder, 'planned/.airlock/plan.json'))).toBe(false);
    },
  );

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('build ends within a second after %s with exit %i and goes on in the next run', async (signal, code) => {
    const out = `built-${signal}`;
    const ending = await interrupt(['build', ...from('20MB'), out], /"stage":"build".*"state":"finished"/, [signal]);
    expectInterrupted(ending, code);
    expect(existsSync(path.join(folder, out, 'gen-000001'))).toBe(false);
    const again = await airlock(['build', ...from('1GB'), out], options);
    expect(again.exitCode, tell(again)).toBe(0);
    expect(again.stderr).toContain('continuing generation 1');
    const verify = await airlock(['verify', `${out}/gen-000001`], options);
    expect(verify.exitCode, tell(verify)).toBe(0);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'load ends within a second after %s with exit %i; no blob that is there is half-made',
    async (signal, code) => {
      const storage = path.join(folder, `loaded-${signal}`);
      const args = ['load', bundle(), `storage:${storage}`];
      const ending = await interrupt(args, /"stage":"load"/, [signal], () =>
        rm(storage, { recursive: true, force: true }),
      );
      expectInterrupted(ending, code);
      expect(await damagedBlobs(storage)).toEqual([]);
      const again = await airlock(args, options);
      expect(again.exitCode, tell(again)).toBe(0);
      expect(again.stdout).toContain('loaded');
    },
  );

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('verify ends within a second after %s with exit %i', async (signal, code) => {
    expectInterrupted(await interrupt(['verify', bundle()], /"stage":"verify"/, [signal]), code);
  });

  test.each([
    ['while it brings its services up', /"message":"the bastion: verify, load, up"/],
    ['while its services run', /"stage":"check"/],
  ])('demo leaves nothing running when it is interrupted %s', async (_title, at) => {
    const ending = await interrupt(['demo', '--dir', 'demo', '--keep'], at, ['SIGINT']);
    expect(ending.exitCode, tell(ending)).toBe(130);
    expect(ending.afterMs).toBeLessThan(soonMs);
    await expect.poll(() => processesWith(path.join(folder, 'demo'), '--foreground'), { timeout: 10_000 }).toEqual([]);
  });

  test('prints its one document with -o json, as any other command that fails', async () => {
    const ending = await interrupt(['verify', bundle(), '-o', 'json'], /"stage":"verify"/, ['SIGINT']);
    expect(ending.exitCode, tell(ending)).toBe(130);
    expect(JSON.parse(ending.stdout)).toMatchObject({ error: { code: 'CANCELLED' } });
  });

  test('goes on after SIGHUP where no stream is a terminal, as nohup promises', async () => {
    const args = ['build', ...from('40MB'), 'hung-up', '--log-format', 'json', '--log-file', 'hung-up.log'];
    const { child, ended, said } = await startAirlock(args, { ...options, via: ['nohup'] });
    await said(/"stage":"build".*"state":"finished"/);
    child.kill('SIGHUP');
    const ending = await ended;
    expect([ending.exitCode, ending.signal], tell(ending)).toEqual([0, null]);
    expect(await readFile(path.join(folder, 'hung-up.log'), 'utf8')).toContain('SIGHUP: the run goes on');
  });

  test('is interrupted with exit 129 when its terminal is closed, and goes on in the next run', async () => {
    // The end of script closes the terminal of what it started.
    const log = path.join(folder, 'closed.log');
    const main = path.resolve(import.meta.dirname, '../../dist/cli/main.js');
    const args = ['build', ...from('10MB'), 'closed', '--log-file', log].map((word) => `'${word}'`).join(' ');
    const terminal = spawn('script', ['-qec', `'${process.execPath}' '${main}' ${args}`, '/dev/null'], {
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: folder, TERM: 'xterm', AIRLOCK_TOOL: 'none', ...options.env },
      stdio: 'ignore',
    });
    await expect
      .poll(() => existsSync(path.join(folder, 'closed/gen-000001.partial/journal')), { timeout: 20_000 })
      .toBe(true);
    terminal.kill('SIGKILL');
    await expect.poll(() => readFile(log, 'utf8'), { timeout: 10_000 }).toContain('ended with exit 129');
    expect(await readFile(log, 'utf8')).toContain('SIGHUP: interrupted; run the same command again');
    const again = await airlock(['build', ...from('1GB'), 'closed'], options);
    expect(again.exitCode, tell(again)).toBe(0);
    expect(again.stderr).toContain('continuing generation 1');
  });

  test('ends at once when it is interrupted a second time', async () => {
    const ending = await interrupt(['plan', ...from('50KB'), 'twice'], /"stage":"plan"/, ['SIGINT', 'SIGTERM']);
    // Two signals that wait for a stopped process may be taken by two of its threads; the one that comes first decides.
    expect([130, 143], tell(ending)).toContain(ending.exitCode);
    expect(ending.afterMs).toBeLessThan(soonMs);
  });

  /**
   * Runs until it says something, and holds it there, so that a fast machine does not end it first; signals are then taken in the middle of
   * the work. A run that was over before is made again, and so is one that took long to end.
   */
  async function interrupt(
    args: readonly string[],
    at: RegExp,
    signals: readonly NodeJS.Signals[],
    before: () => Promise<void> = async () => {},
  ): Promise<Ending & { readonly afterMs: number }> {
    let slow: (Ending & { readonly afterMs: number }) | undefined;
    for (let tries = 0; tries < attempts; tries += 1) {
      await before();
      const { child, ended, said } = await startAirlock([...args, '--log-format', 'json'], options);
      await said(at);
      child.kill('SIGSTOP');
      for (const signal of signals) child.kill(signal);
      const started = Date.now();
      child.kill('SIGCONT');
      const ending = { ...(await ended), afterMs: Date.now() - started };
      if (ending.exitCode !== 0) slow = ending;
      if (ending.exitCode !== 0 && ending.afterMs < soonMs) return ending;
    }
    if (slow) return slow;
    throw new Error(`airlock ${args[0]} always ended before it could be interrupted`);
  }
});

function expectInterrupted(ending: Ending & { readonly afterMs: number }, exitCode: number): void {
  expect(ending.exitCode, tell(ending)).toBe(exitCode);
  expect(ending.afterMs).toBeLessThan(soonMs);
  expect(ending.stderr).toContain('interrupted; run the same command again: it continues where it stopped');
  expect(ending.stdout).toBe('');
  expect(ending.stderr).not.toContain('bug');
}

/** Blobs below their final names whose bytes do not have the digest of the name. */
async function damagedBlobs(storage: string): Promise<string[]> {
  const blobs = path.join(storage, 'docker/registry/v2/blobs/sha256');
  if (!existsSync(blobs)) return [];
  const names = (await readdir(blobs, { recursive: true })).filter((name) => name.endsWith('/data'));
  const bad: string[] = [];
  for (const name of names) {
    const digest = createHash('sha256')
      .update(await readFile(path.join(blobs, name)))
      .digest('hex');
    if (name.split('/')[1] !== digest) bad.push(name);
  }
  return bad;
}
