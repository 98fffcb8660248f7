import { spawn } from 'node:child_process';
import { createHash, randomInt } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { beforeAll, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../helpers/temporary.ts';
import { buildSample } from './build-sample.ts';
import { moduleFolder } from './module-folder.ts';
import { journalSample } from './sample.ts';

const folder = moduleFolder();
let script = '';

beforeAll(async () => {
  script = path.join(folder(), 'child.cjs');
  const entry = path.join(import.meta.dirname, 'child.ts');
  await build({
    entryPoints: [entry],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
  });
});

/** Runs the child; kills it after `killMs` when given. Returns what it said and how long it took. */
function runChild(args: readonly string[], killMs?: number): Promise<{ readonly said: string; readonly ms: number }> {
  return new Promise((resolve) => {
    const started = performance.now();
    const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (text: Buffer) => {
      said += text.toString();
    });
    const timer = killMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killMs);
    child.on('close', () => {
      clearTimeout(timer);
      resolve({ said: said.trim(), ms: performance.now() - started });
    });
  });
}

async function fingerprint(where: string): Promise<string[]> {
  const lines: string[] = [];
  for (const entry of await readdir(where, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    lines.push(
      `${path.relative(where, file)} ${createHash('sha256')
        .update(await readFile(file))
        .digest('hex')}`,
    );
  }
  return lines.sort();
}

describe('kill -9', { timeout: 240_000 }, () => {
  test('of a build at ten random points, then a re-run, gives the volumes of an undisturbed build', async () => {
    const undisturbed = await temporaryFolder();
    const { ms, said } = await runChild(['build', undisturbed]);
    expect(said).toBe('sealed');
    const wanted = await fingerprint(path.join(undisturbed, 'gen-000001'));
    for (let round = 0; round < 10; round += 1) {
      const where = await temporaryFolder();
      const killMs = randomInt(Math.round(ms * 0.2), Math.round(ms));
      await runChild(['build', where], killMs);
      expect((await runChild(['build', where])).said, `killed after ${killMs} ms`).toBe('sealed');
      expect(await fingerprint(path.join(where, 'gen-000001')), `killed after ${killMs} ms`).toEqual(wanted);
    }
  });

  test('of a build at every step of its journal, then a re-run, gives the volumes of an undisturbed build', async () => {
    const undisturbed = await temporaryFolder();
    await runChild(['journal', undisturbed, '0']);
    const wanted = await fingerprint(path.join(undisturbed, 'gen-000001'));
    let steps = 0;
    for (let said = ''; said !== 'sealed'; ) {
      steps += 1;
      const where = await temporaryFolder();
      ({ said } = await runChild(['journal', where, String(steps)]));
      await buildSample(journalSample, where);
      expect(await fingerprint(path.join(where, 'gen-000001')), `killed at step ${steps}`).toEqual(wanted);
    }
    // Opened, framed, a commit for nearly every member that goes alone and every stretch of small ones, removed.
    expect(steps).toBeGreaterThan(15);
  });

  test('of a load at ten random points, then a re-run, gives the storage of an undisturbed load', async () => {
    const undisturbed = await temporaryFolder();
    await runChild(['build', undisturbed]);
    const { ms, said } = await runChild(['load', undisturbed, undisturbed]);
    expect(said).toBe('loaded');
    const wanted = await fingerprint(path.join(undisturbed, 'storage'));
    for (let round = 0; round < 10; round += 1) {
      const where = await temporaryFolder();
      const killMs = randomInt(Math.round(ms * 0.4), Math.round(ms));
      await runChild(['load', undisturbed, where], killMs);
      expect(['loaded', 'nothing-new']).toContain((await runChild(['load', undisturbed, where])).said);
      expect(await fingerprint(path.join(where, 'storage')), `killed after ${killMs} ms`).toEqual(wanted);
      expect((await runChild(['load', undisturbed, where])).said).toBe('nothing-new');
    }
  });
});
