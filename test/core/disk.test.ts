import { mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { nodeDisk } from '../../src/core/disk.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

describe('makeDirectory', () => {
  test('makes parents with the mode that was asked for under any umask, and takes what is there as it is', async () => {
    const before = process.umask(0o077);
    onTestFinished(() => void process.umask(before));
    const folder = await temporaryFolder();
    await mkdir(path.join(folder, 'harbour'), { mode: 0o700 });
    await nodeDisk.makeDirectory(path.join(folder, 'harbour/crane/_layers'));
    await nodeDisk.makeDirectory(path.join(folder, 'harbour/crane'));
    const modes = await Promise.all(
      ['harbour', 'harbour/crane', 'harbour/crane/_layers'].map((name) => stat(path.join(folder, name))),
    );
    expect(modes.map(({ mode }) => (mode & 0o777).toString(8))).toEqual(['700', '755', '755']);
  });

  test('many at once of one parent are all made', async () => {
    const folder = await temporaryFolder();
    const names = Array.from({ length: 20 }, (_, at) => path.join(folder, 'a/b/c', String(at)));
    await Promise.all(names.map((name) => nodeDisk.makeDirectory(name)));
    for (const name of names) expect((await stat(name)).isDirectory()).toBe(true);
  });

  test('ends with an error below a link that leads nowhere, and below a file', async () => {
    const folder = await temporaryFolder();
    await symlink(path.join(folder, 'nowhere'), path.join(folder, 'link'));
    await writeFile(path.join(folder, 'file'), '');
    await expect(nodeDisk.makeDirectory(path.join(folder, 'link/a'))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(nodeDisk.makeDirectory(path.join(folder, 'file/a'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });
});
