import { execFile } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { quietRun } from '../../src/core/run.ts';
import {
  generatePassword,
  parseHtpasswd,
  removeUser,
  renderHtpasswd,
  setPassword,
  storeLogin,
} from '../../src/registry/index.ts';
import { describeReal } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const run = quietRun();

describe('htpasswd', () => {
  test('a rendered line is a low-cost $2y$ hash, and is read back', async () => {
    const line = await renderHtpasswd('cook', 'salt');
    expect(line).toMatch(/^cook:\$2y\$05\$[./A-Za-z0-9]{53}\n$/);
    expect([...parseHtpasswd(`# users\n\n${line}`).keys()]).toEqual(['cook']);
  });

  test.each([
    ['cook:$apr1$abc$def', 'line 1'],
    ['# first\ncook:{SHA}0DPiKuNIrrVmD8IUCuw1hQxNqZc=', 'line 2'],
    ['cook:salt', 'line 1'],
    [':$2y$05$x', 'line 1'],
  ])('refuses what is no bcrypt credential: %s', (text, place) => {
    expect(() => parseHtpasswd(text)).toThrow(expect.objectContaining({ code: 'HTPASSWD_INVALID' }));
    expect(() => parseHtpasswd(text)).toThrow(place);
  });

  test.each([
    ['co:ok', 'salt'],
    ['', 'salt'],
    ['cook', ''],
    ['cook', 'x'.repeat(73)],
  ])('refuses user %j with such a password', async (username, password) => {
    await expect(renderHtpasswd(username, password)).rejects.toMatchObject({ code: 'HTPASSWD_INVALID' });
  });

  test('a user is set, replaced and removed without touching others, 0600', async () => {
    const file = path.join(await temporaryFolder(), 'auth', 'htpasswd');
    await setPassword(file, { username: 'cook', password: 'salt' }, run);
    await setPassword(file, { username: 'waiter', password: 'tray' }, run);
    const before = parseHtpasswd(await readFile(file, 'utf8'));
    await setPassword(file, { username: 'cook', password: 'pepper' }, run);
    const after = parseHtpasswd(await readFile(file, 'utf8'));
    expect(after.get('waiter')).toBe(before.get('waiter'));
    expect(after.get('cook')).not.toBe(before.get('cook'));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await removeUser(file, 'cook', run)).toBe(true);
    expect(await removeUser(file, 'cook', run)).toBe(false);
    expect([...parseHtpasswd(await readFile(file, 'utf8')).keys()]).toEqual(['waiter']);
  });

  test('generated passwords are long, plain and never the same', () => {
    const passwords = Array.from({ length: 100 }, generatePassword);
    expect(new Set(passwords).size).toBe(100);
    for (const password of passwords) expect(password).toMatch(/^[A-Za-z0-9]{32}$/);
  });
});

describeReal("Apache's htpasswd", ['htpasswd'], () => {
  test('verifies our line, and we read its', async () => {
    const file = path.join(await temporaryFolder(), 'htpasswd');
    await setPassword(file, { username: 'cook', password: 'salt' }, run);
    await promisify(execFile)('htpasswd', ['-vb', file, 'cook', 'salt']);
    await promisify(execFile)('htpasswd', ['-bB', file, 'waiter', 'tray']);
    expect([...parseHtpasswd(await readFile(file, 'utf8')).keys()].sort()).toEqual(['cook', 'waiter']);
  });
});

describe('login', () => {
  test('adds a registry to an auth file and keeps the rest, 0600', async () => {
    const file = path.join(await temporaryFolder(), 'auth.json');
    await writeFile(file, '{"auths":{"quay.io":{"auth":"eA=="}},"credHelpers":{"a":"b"}}');
    await storeLogin(file, { registry: 'registry.lab:5000', username: 'cook', password: 'a:b' }, run);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({
      auths: { 'quay.io': { auth: 'eA==' }, 'registry.lab:5000': { auth: Buffer.from('cook:a:b').toString('base64') } },
      credHelpers: { a: 'b' },
    });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test('refuses a file that is something else, without showing it', async () => {
    const file = path.join(await temporaryFolder(), 'auth.json');
    await writeFile(file, '["secret"');
    const login = storeLogin(file, { registry: 'r', username: 'u', password: 'p' }, run);
    await expect(login).rejects.toMatchObject({ code: 'LOGIN_FILE_INVALID' });
    await expect(login).rejects.not.toThrow(/secret/);
  });
});
