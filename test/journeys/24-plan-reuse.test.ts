import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AirlockOptions, airlock, tell } from '../helpers/airlock.ts';
import { type JourneySource, startJourneySource, writeImageSet } from '../helpers/journey-source.ts';
import { suiteFolder } from '../helpers/temporary.ts';

let folder: string;
let source: JourneySource;
let options: AirlockOptions;

beforeAll(async () => {
  folder = await suiteFolder();
  source = await startJourneySource(path.join(folder, 'source'));
  options = { cwd: folder, env: { ...source.env, SOURCE_DATE_EPOCH: '1760000000' } };
  await writeImageSet(path.join(folder, 'tools.yaml'), { release: false });
});

afterAll(async () => {
  await source?.close();
});

const run = (...args: string[]) => airlock([...args, ...source.flags], options);
const exists = (file: string) =>
  stat(path.join(folder, file)).then(
    () => true,
    () => false,
  );

describe('plans and builds', () => {
  test('build uses the plan of the workspace once, and seals with the time of SOURCE_DATE_EPOCH', async () => {
    const planned = await run('plan', '-c', 'tools.yaml', 'used');
    expect(planned.exitCode, tell(planned)).toBe(0);
    const text = await readFile(path.join(folder, 'used/.airlock/plan.json'), 'utf8');
    expect(text).toContain('2025-10-09T08:53:20');
    const built = await run('build', '-c', 'tools.yaml', 'used');
    expect(built.exitCode, tell(built)).toBe(0);
    expect(built.stderr).toContain('using the plan that lies in the workspace');
    expect(await exists('used/.airlock/plan.json')).toBe(false);
    expect(await exists('used/gen-000001/result.json')).toBe(true);
  });

  test('build cuts the plan of the workspace into volumes as it is asked to', async () => {
    expect((await run('plan', '-c', 'tools.yaml', 'cut')).exitCode).toBe(0);
    const built = await run('build', '-c', 'tools.yaml', '--volume-size', '2KiB', 'cut');
    expect(built.exitCode, tell(built)).toBe(0);
    expect(built.stderr).toContain('using the plan that lies in the workspace');
    expect(await exists('cut/gen-000001/mirror_000002.tar')).toBe(true);
  });

  test('flags of build that select otherwise than the plan make a new one; without any those of the plan count', async () => {
    await writeFile(path.join(folder, 'hoist'), '#!/bin/sh\n');
    const carried = async (name: string) => {
      const plan = await readFile(path.join(folder, name, 'gen-000001/plan.json'), 'utf8');
      return plan.includes('airlock/tools/hoist');
    };
    expect((await run('plan', '-c', 'tools.yaml', 'flagged')).exitCode).toBe(0);
    const flagged = await run('build', '-c', 'tools.yaml', '--tools', 'hoist=hoist', 'flagged');
    expect(flagged.exitCode, tell(flagged)).toBe(0);
    expect(flagged.stderr).not.toContain('using the plan');
    expect(await carried('flagged')).toBe(true);
    expect((await run('plan', '-c', 'tools.yaml', '--tools', 'hoist=hoist', 'bare')).exitCode).toBe(0);
    const bare = await run('build', '-c', 'tools.yaml', 'bare');
    expect(bare.stderr, tell(bare)).toContain('using the plan');
    expect(await carried('bare')).toBe(true);
  });

  test('two on one workspace cannot meet, plan neither: the second says who holds it, and goes on once that is gone', async () => {
    await mkdir(path.join(folder, 'held/.airlock'), { recursive: true });
    const lock = path.join(folder, 'held/.airlock/lock');
    const holder = { pid: process.pid, host: os.hostname(), command: 'airlock build', since: '2026-11-20T10:00:00Z' };
    await writeFile(lock, JSON.stringify(holder));
    for (const verb of ['plan', 'build']) {
      const refused = await run(verb, '-c', 'tools.yaml', 'held');
      expect(refused.exitCode, tell(refused)).toBe(3);
      expect(refused.stderr).toContain(`\`airlock build\` (process ${process.pid} on ${os.hostname()}`);
    }
    expect(await exists('held/.airlock/plan.json')).toBe(false);
    await writeFile(lock, JSON.stringify({ ...holder, processStart: '1' }));
    expect((await run('plan', '-c', 'tools.yaml', 'held')).exitCode).toBe(0);
    expect(await exists('held/.airlock/lock')).toBe(false);
  });

  test('--plan builds that plan, with the same bytes', async () => {
    expect((await run('plan', '-c', 'tools.yaml', 'planned')).exitCode).toBe(0);
    await mkdir(path.join(folder, 'other'));
    const built = await run(
      'build',
      '-c',
      'tools.yaml',
      '--plan',
      'planned/.airlock/plan.json',
      '--workspace',
      'planned/.airlock',
      'other',
    );
    expect(built.exitCode, tell(built)).toBe(0);
    const volume = 'gen-000001/mirror_000001.tar';
    const [first, second] = await Promise.all(
      ['used', 'other'].map((name) => readFile(path.join(folder, name, volume))),
    );
    expect(second?.equals(first ?? Buffer.alloc(0))).toBe(true);
  });

  test('load twice into the same storage does nothing the second time; --web-dir takes what there is', async () => {
    const first = await airlock(['load', 'used', 'storage:data', '--web-dir', 'web'], options);
    expect(first.exitCode, tell(first)).toBe(0);
    const second = await airlock(['load', 'used', 'storage:data', '--web-dir', 'web'], options);
    expect(second).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('nothing to do') });
  });

  test('what planning did not find is looked for again by the same command, and nothing is fetched before', async () => {
    const isc = path.join(folder, 'absent.yaml');
    const text = await readFile(path.join(folder, 'tools.yaml'), 'utf8');
    await writeFile(isc, text.replaceAll('toolbox:1.0', 'toolbox:none'));
    const first = await run('build', '-c', 'absent.yaml', 'absent');
    expect(first.exitCode, tell(first)).toBe(5);
    const partial = path.join(folder, 'absent', 'gen-000001.partial');
    expect(await readdir(partial)).toEqual(['result.json']);
    expect(JSON.parse(await readFile(path.join(partial, 'result.json'), 'utf8'))).toMatchObject({
      state: 'incomplete',
    });
    await writeFile(isc, text);
    const again = await run('build', '-c', 'absent.yaml', 'absent');
    expect(again.exitCode, tell(again)).toBe(0);
  });
});
