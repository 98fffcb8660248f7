import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadCredentials, loadPassword } from '../../src/config/index.ts';
import { quietRun } from '../../src/core/run.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

async function file(content: string): Promise<string> {
  const target = path.join(await temporaryFolder(), 'secret');
  await writeFile(target, content);
  return target;
}

describe('loadPassword', () => {
  test.each([
    ['kettle\n', 'kettle'],
    ['kettle', 'kettle'],
    ['with: colon # and hash \r\n', 'with: colon # and hash '],
  ])('reads %j', async (content, password) => {
    expect(await loadPassword(await file(content), quietRun())).toBe(password);
  });

  test.each(['', '\n', 'one\ntwo\n'])('refuses %j', async (content) => {
    await expect(loadPassword(await file(content), quietRun())).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe('loadCredentials', () => {
  test.each([
    ['username: admin\npassword: kettle\n', 'kettle'],
    ['# BMC of worker-0\r\npassword:   "ket\\"tle"\r\nusername: admin\r\n\r\n', 'ket"tle'],
    ["username: 'admin'\npassword: 'it''s # hot'", "it's # hot"],
    ['username: admin\npassword: a: b #c', 'a: b #c'],
    ['username: admin\npassword: 0123', '0123'],
  ])('reads %j', async (content, password) => {
    expect(await loadCredentials(await file(content), quietRun())).toEqual({ username: 'admin', password });
  });

  test.each(['', 'username: admin\n', 'admin\nhunter2\n', 'username: admin\npassword: hunter2\nhunter2\n'])(
    'refuses %j and shows nothing of it',
    async (content) => {
      const error = await loadCredentials(await file(content), quietRun()).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
      expect(String(error)).not.toContain('hunter2');
    },
  );
});
