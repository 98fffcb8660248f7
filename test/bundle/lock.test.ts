import { spawn } from 'node:child_process';
import { readdir, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { acquireLock } from '../../src/bundle/index.ts';
import { quietRun } from '../../src/core/run.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const run = quietRun();

describe('acquireLock', () => {
  test('lets one run in and tells the second who holds the lock', async () => {
    const folder = await temporaryFolder();
    const lock = await acquireLock(folder, 'airlock build', run);
    const refusal = acquireLock(folder, 'airlock plan', run);
    await expect(refusal).rejects.toMatchObject({
      code: 'WORKSPACE_LOCKED',
      message: expect.stringContaining('airlock build'),
    });
    await expect(refusal).rejects.toMatchObject({ details: { holder: { pid: process.pid, host: os.hostname() } } });
    await lock.release();
    await (await acquireLock(folder, 'airlock plan', run)).release();
  });

  test('takes over from a process that is gone, and lets only one of several do so', async () => {
    const folder = await temporaryFolder();
    const child = spawn('true');
    await new Promise((resolve) => child.on('close', resolve));
    const holder = { pid: child.pid, host: os.hostname(), command: 'airlock build', since: '2026-01-01T00:00:00Z' };
    await writeFile(path.join(folder, 'lock'), JSON.stringify(holder));
    const tries = await Promise.allSettled(Array.from({ length: 5 }, () => acquireLock(folder, 'airlock load', run)));
    expect(tries.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  });

  test('takes over from a process whose number another one got meanwhile', async () => {
    const folder = await temporaryFolder();
    const holder = {
      pid: process.pid,
      host: os.hostname(),
      command: 'x',
      since: '2026-01-01T00:00:00Z',
      processStart: '1',
    };
    await writeFile(path.join(folder, 'lock'), JSON.stringify(holder));
    await (await acquireLock(folder, 'airlock load', run)).release();
  });

  test('removes what killed runs left beside it, and nothing of one that is about to take it', async () => {
    const folder = await temporaryFolder();
    const child = spawn('true');
    await new Promise((resolve) => child.on('close', resolve));
    const holder = { pid: child.pid, host: os.hostname(), command: 'airlock load', since: '2026-01-01T00:00:00Z' };
    await writeFile(path.join(folder, 'lock.dead'), JSON.stringify(holder));
    await writeFile(path.join(folder, 'lock.stale-dead'), JSON.stringify(holder));
    await writeFile(path.join(folder, 'lock.empty'), '');
    await utimes(path.join(folder, 'lock.empty'), 0, 0);
    await writeFile(path.join(folder, 'lock.begun'), '');
    await writeFile(path.join(folder, 'lock.alive'), JSON.stringify({ ...holder, pid: process.pid }));
    await (await acquireLock(folder, 'airlock load', run)).release();
    expect((await readdir(folder)).sort()).toEqual(['lock.alive', 'lock.begun']);
  });

  test('never takes over from another host', async () => {
    const folder = await temporaryFolder();
    const holder = { pid: 1, host: 'elsewhere', command: 'airlock build', since: '2026-01-01T00:00:00Z' };
    await writeFile(path.join(folder, 'lock'), JSON.stringify(holder));
    await expect(acquireLock(folder, 'airlock load', run)).rejects.toMatchObject({ code: 'WORKSPACE_LOCKED' });
  });
});
