import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { AccessEntry } from '../../../src/core/access-log.ts';
import type { RunEvent } from '../../../src/core/events.ts';
import { quietRun } from '../../../src/core/run.ts';
import { openAccessLog } from '../../../src/workflow/services/access-log-file.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const entry: AccessEntry = {
  at: new Date('2026-11-29T12:00:00Z'),
  client: '2001:db8::20',
  user: 'galley cook',
  method: 'GET',
  target: '/rhcos/kitchen.iso',
  status: 206,
  sentBytes: 4096,
  durationMs: 12.4,
  complete: true,
  userAgent: 'curl/8',
};
const line =
  '2001:db8::20 - galley\\x20cook [29/Nov/2026:12:00:00 +0000] "GET /rhcos/kitchen.iso HTTP/1.1" 206 4096 "-" "curl/8" 12ms\n';

describe('a log of requests', () => {
  test('gets its lines within a second, behind those of an earlier start', async () => {
    const file = path.join(await temporaryFolder(), 'log', 'web-requests.log');
    const first = openAccessLog(file, quietRun());
    first.add(entry);
    await expect.poll(() => readFile(file, 'utf8').catch(() => ''), { timeout: 5000 }).toBe(line);
    await first.close();
    const second = openAccessLog(file, quietRun());
    second.add(entry);
    second.add(entry);
    await second.close();
    expect(await readFile(file, 'utf8')).toBe(line.repeat(3));
  });

  test('is set aside at ten megabytes', async () => {
    const file = path.join(await temporaryFolder(), 'web-requests.log');
    await writeFile(file, Buffer.alloc(10 << 20, 'x\n'));
    const log = openAccessLog(file, quietRun());
    log.add(entry);
    await log.close();
    log.add(entry);
    await log.close();
    expect(await readFile(file, 'utf8')).toBe(line);
    expect((await readFile(`${file}.1`, 'utf8')).endsWith(line)).toBe(true);
  });

  test('that cannot be written is told once and loses its lines, nothing else', async () => {
    const events: RunEvent[] = [];
    const file = path.join(await temporaryFolder(), 'taken');
    await writeFile(file, '');
    const log = openAccessLog(path.join(file, 'web-requests.log'), {
      ...quietRun(),
      report: (one) => events.push(one),
    });
    for (let times = 0; times < 3; times += 1) {
      log.add(entry);
      await log.close();
    }
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ state: 'log', level: 'warning' });
  });
});
