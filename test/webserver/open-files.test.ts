import { open, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { OpenFiles } from '../../src/webserver/open-files.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

async function openOne() {
  const name = path.join(await temporaryFolder(), 'kitchen.iso');
  await writeFile(name, 'flour');
  const handle = await open(name);
  const files = new OpenFiles();
  onTestFinished(() => files.close());
  const first = files.keep(name, handle, await handle.stat({ bigint: true }));
  return { name, handle, files, first };
}

describe('a file that was opened', () => {
  test('is the same for the next request, also while the first one goes on', async () => {
    const { name, handle, files, first } = await openOne();
    const second = await files.borrow(name);
    expect(second?.handle).toBe(handle);
    await first.release();
    await second?.release();
    const third = await files.borrow(name);
    expect(third?.handle).toBe(handle);
    await third?.release();
  });

  test.each([
    ['replaced', async (name: string) => writeFile(`${name}.new`, 'water').then(() => rename(`${name}.new`, name))],
    ['written to', async (name: string) => writeFile(name, 'water!')],
    ['removed', async (name: string) => rm(name)],
  ])('is not given out any more when it was %s, and is closed by its last user', async (_what, change) => {
    const { name, handle, files, first } = await openOne();
    await change(name);
    expect(await files.borrow(name)).toBeUndefined();
    expect((await handle.stat()).isFile()).toBe(true);
    await first.release();
    await expect(handle.stat()).rejects.toMatchObject({ code: 'EBADF' });
  });

  test('is closed at the end, and by its user when it still has one', async () => {
    const idle = await openOne();
    await idle.first.release();
    await idle.files.close();
    await expect(idle.handle.stat()).rejects.toMatchObject({ code: 'EBADF' });
    const used = await openOne();
    await used.files.close();
    expect((await stat(used.name)).size).toBe((await used.handle.stat()).size);
    await used.first.release();
    await expect(used.handle.stat()).rejects.toMatchObject({ code: 'EBADF' });
  });

  test('makes room for another one under its name', async () => {
    const { name, handle, files, first } = await openOne();
    const other = await open(name);
    const second = files.keep(name, other, await other.stat({ bigint: true }));
    await first.release();
    await expect(handle.stat()).rejects.toMatchObject({ code: 'EBADF' });
    const third = await files.borrow(name);
    expect(third?.handle).toBe(other);
    await third?.release();
    await second.release();
  });
});
