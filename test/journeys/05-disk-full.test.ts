import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type AirlockOptions, airlock, type Ending, startAirlock, tell } from '../helpers/airlock.ts';
import { type JourneySource, largeImage, startJourneySource, writeImageSet } from '../helpers/journey-source.ts';
import { describeRoot } from '../helpers/real.ts';
import { suiteFolder } from '../helpers/temporary.ts';

const execute = promisify(execFile);

describeRoot('a file system that is too small', ['mount', 'umount'], () => {
  let folder: string;
  let small: string;
  let source: JourneySource;
  let options: AirlockOptions;
  const args = (...more: string[]): string[] => ['-c', 'imageset.yaml', ...source.flags, ...more];
  const bundle = (): string => path.join(folder, 'out/gen-000001');
  const ballast = (): string => path.join(small, 'ballast');
  const mount = (sizeMb: number) => execute('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m`, 'tmpfs', small]);

  beforeAll(async () => {
    folder = await suiteFolder();
    small = path.join(folder, 'small');
    await mkdir(small);
    source = await startJourneySource(path.join(folder, 'source'), [largeImage('pantry', 20_000_000, 10)]);
    options = { cwd: folder, env: source.env };
    const images = ['registry.example.com/kitchen/pantry:1.0'];
    await writeImageSet(path.join(folder, 'imageset.yaml'), { release: false, images });
    const build = await airlock(['build', ...args('out')], options);
    expect(build.exitCode, tell(build)).toBe(0);
  });

  afterAll(async () => {
    await source?.close();
    await rm(folder, { recursive: true, force: true });
  });

  afterEach(async () => {
    await execute('umount', [small]);
  });

  test('is refused by plan and build before the first byte, with what is missing', async () => {
    await mount(10);
    const plan = await airlock(['plan', ...args('small', '-o', 'json')], options);
    expect(plan.exitCode, tell(plan)).toBe(1);
    const { findings } = JSON.parse(plan.stdout) as { findings: object[] };
    expect(findings).toMatchObject([{ code: 'SPACE_SHORT', hint: expect.stringMatching(/free .*MiB/) }]);
    const build = await airlock(['build', ...args('small', '-o', 'json')], options);
    expect(build.exitCode, tell(build)).toBe(1);
    expect(JSON.parse(build.stdout)).toMatchObject({ error: { code: 'SPACE_SHORT' } });
    expect(existsSync(path.join(small, 'gen-000001.partial/mirror_000001.tar'))).toBe(false);
  });

  test('is refused by build when it filled up since the plan, and taken once there is room', async () => {
    await mount(40);
    const plan = await airlock(['plan', ...args('small')], options);
    expect(plan.exitCode, tell(plan)).toBe(0);
    await fill(ballast(), 2 << 20);
    const refused = await airlock(['build', ...args('small')], options);
    expect(refused.exitCode, tell(refused)).toBe(1);
    expect(refused.stderr).toMatch(/small needs .* has .* free/);
    await rm(ballast());
    const build = await airlock(['build', ...args('small')], options);
    expect(build.exitCode, tell(build)).toBe(0);
  });

  test('that fills up during build ends it with 3 and a clear word; with room again it goes on to the end', async () => {
    await mount(40);
    const full = await fillDuring(
      ['build', ...args('small', '--max-bandwidth', '30MB')],
      /"stage":"build".*"finished"/,
    );
    expect(full.exitCode, tell(full)).toBe(3);
    expect(full.stdout + full.stderr).toContain('DISK_FULL');
    expect(full.stderr).toMatch(/no space left.*free space/s);
    expect(existsSync(path.join(small, 'gen-000001'))).toBe(false);
    await rm(ballast());
    const again = await airlock(['build', ...args('small')], options);
    expect(again.exitCode, tell(again)).toBe(0);
    expect(again.stderr).toContain('continuing generation 1');
    const verify = await airlock(['verify', 'small/gen-000001'], options);
    expect(verify.exitCode, tell(verify)).toBe(0);
  });

  test('is refused by load before the first byte', async () => {
    await mount(10);
    const refused = await airlock(['load', bundle(), 'storage:small/data', '-o', 'json'], options);
    expect(refused.exitCode, tell(refused)).toBe(1);
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'SPACE_SHORT' } });
    expect(existsSync(path.join(small, 'data/docker/registry/v2/blobs'))).toBe(false);
  });

  test('that fills up during load ends it with 3 and a clear word; with room again it goes on to the end', async () => {
    await mount(40);
    const load = ['load', bundle(), 'storage:small/data'];
    const full = await fillDuring(load, /"stage":"load".*"started"/, path.join(small, 'data'));
    expect(full.exitCode, tell(full)).toBe(3);
    expect(full.stdout).toContain('DISK_FULL');
    await rm(ballast());
    const again = await airlock(load, options);
    expect(again.exitCode, tell(again)).toBe(0);
    const third = await airlock(load, options);
    expect([third.exitCode, third.stdout]).toEqual([0, expect.stringContaining('nothing to do')]);
  });

  /** Runs until it says something, holds it there until the file system is full, and lets it go on; a run that was over before is made again. */
  async function fillDuring(command: readonly string[], at: RegExp, made?: string): Promise<Ending> {
    for (let tries = 0; tries < 5; tries += 1) {
      if (made) await rm(made, { recursive: true, force: true });
      const { child, ended, said } = await startAirlock([...command, '-o', 'json', '--log-format', 'json'], options);
      await said(at);
      child.kill('SIGSTOP');
      await fill(ballast());
      child.kill('SIGCONT');
      const ending = await ended;
      if (ending.exitCode !== 0) return ending;
      await rm(ballast());
    }
    throw new Error(`airlock ${command[0]} always ended before the file system was full`);
  }
});

/** Writes until nothing more goes in, and leaves as much free as is asked for. */
async function fill(file: string, freeBytes = 0): Promise<void> {
  const handle = await open(file, 'w');
  try {
    for (let size = 1 << 20; size >= 1; size = Math.floor(size / 2)) {
      try {
        for (;;) await handle.writeFile(Buffer.alloc(size, 1));
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
      }
    }
    await handle.truncate((await handle.stat()).size - freeBytes);
  } finally {
    await handle.close();
  }
}
