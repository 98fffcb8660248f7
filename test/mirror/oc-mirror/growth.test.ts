import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { RunEvent } from '../../../src/core/events.ts';
import { quietRun } from '../../../src/core/run.ts';
import { watchGrowth } from '../../../src/mirror/oc-mirror/growth.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

test('bytes that come into cache and archive are reported, those of before are not', async () => {
  const base = await temporaryFolder();
  const storage = path.join(base, 'cache/.oc-mirror/.cache/docker/registry/v2');
  const write = async (file: string, bytes: number): Promise<void> => {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, Buffer.alloc(bytes));
  };
  await write(path.join(storage, 'blobs/sha256/aa/aa11/data'), 1000);
  const events: RunEvent[] = [];
  const run = quietRun({ report: (event) => events.push(event) });
  const watch = watchGrowth({ cache: path.join(base, 'cache'), archive: path.join(base, 'out') }, 'build', run);
  await new Promise((resolve) => setTimeout(resolve, 200));
  await write(path.join(storage, 'blobs/sha256/bb/bb22/data'), 300);
  await write(path.join(storage, 'repositories/acme/deep/widgets/_uploads/one/data'), 40);
  await write(path.join(base, 'out/mirror_000001.tar'), 5000);
  await watch.stop();
  expect(events).toEqual([
    { stage: 'build', subject: 'oc-mirror cache', state: 'active', doneBytes: 340 },
    { stage: 'build', subject: 'oc-mirror archive', state: 'active', doneBytes: 5000 },
  ]);
});
