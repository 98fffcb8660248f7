import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { nodeDisk } from '../../../src/core/disk.ts';
import type { RunEvent } from '../../../src/core/events.ts';
import { quietRun } from '../../../src/core/run.ts';
import { rotateLog } from '../../../src/workflow/services/rotate-log.ts';
import { supervise } from '../../../src/workflow/services/supervise.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

describe('supervise', () => {
  test('gives up on a worker that never became ready', async () => {
    const stateFolder = await temporaryFolder();
    await nodeDisk.makeDirectory(path.join(stateFolder, 'run'));
    const attempt = supervise({ command: ['/bin/sh', '-c', 'exit 3'], stateFolder }, quietRun());
    await expect(attempt).rejects.toMatchObject({ code: 'SERVICES_FAILED' });
    await expect(stat(path.join(stateFolder, 'run/supervisor.json'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('starts one that was ready again with growing waits, and ends it when it is stopped', async () => {
    const stateFolder = await temporaryFolder();
    await nodeDisk.makeDirectory(path.join(stateFolder, 'run'));
    const stopping = new AbortController();
    const said: string[] = [];
    const report = (event: RunEvent): void => {
      if ('message' in event && event.message !== undefined) said.push(event.message);
      if (said.length === 3) stopping.abort();
    };
    const command = ['/bin/sh', '-c', `echo "{\\"pid\\": $$}" > ${stateFolder}/run/services.json`];
    await supervise({ command, stateFolder, firstDelayMs: 10 }, quietRun({ signal: stopping.signal, report }));
    expect(said.map((line) => /in (\d+) ms/.exec(line)?.[1])).toEqual(['10', '20', '40']);
  });
});

describe('rotateLog', () => {
  test('sets a log aside when it is too large, keeps a few, and writers go on', async () => {
    const file = path.join(await temporaryFolder(), 'services.log');
    for (const text of ['first', 'second', 'third']) {
      await writeFile(file, text);
      expect(await rotateLog(file, { maxBytes: 4, keep: 2 }, quietRun())).toBe(true);
    }
    expect(await readFile(file, 'utf8')).toBe('');
    expect([await readFile(`${file}.1`, 'utf8'), await readFile(`${file}.2`, 'utf8')]).toEqual(['third', 'second']);
    await expect(stat(`${file}.3`)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await rotateLog(file, { maxBytes: 4 }, quietRun())).toBe(false);
  });
});
