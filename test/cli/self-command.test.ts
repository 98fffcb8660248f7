import { symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { findSelfCommand } from '../../src/cli/self-command.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

describe('what starts the tool again', () => {
  test('is the script behind a link', async () => {
    const folder = await temporaryFolder();
    const script = path.join(folder, 'main.js');
    await writeFile(script, '');
    await symlink(script, path.join(folder, 'airlock'));
    expect(findSelfCommand(path.join(folder, 'airlock'))).toEqual([process.execPath, script]);
  });

  test('is the script as it was named where Node found it without its extension', async () => {
    const script = path.join(await temporaryFolder(), 'main');
    await writeFile(`${script}.js`, '');
    expect(findSelfCommand(script)).toEqual([process.execPath, script]);
  });

  test('is the executable alone when it is packaged', () => {
    expect(findSelfCommand(process.execPath)).toEqual([process.execPath]);
    expect(findSelfCommand(undefined)).toEqual([process.execPath]);
  });
});
