import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { quietRun } from '../../src/core/run.ts';
import type { WebFile } from '../../src/webserver/index.ts';
import { VerifiedFiles } from '../../src/webserver/verified-files.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { entryOf, isoFile } from './serving.ts';

const content = randomBytes(100_000);
const run = quietRun();
const files = (options: { root?: string; cacheFile?: string } = {}): VerifiedFiles =>
  new VerifiedFiles({ root: options.root, cacheFile: options.cacheFile }, run);

async function codeOf(checked: VerifiedFiles, entry: WebFile): Promise<unknown> {
  try {
    const open = await checked.open(entry);
    await open.release();
    return 'good';
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
}

describe('VerifiedFiles', () => {
  test('finds one flipped byte of the same size, also when the times are put back', async () => {
    const entry = await isoFile(content);
    const checked = files();
    expect(await codeOf(checked, entry)).toBe('good');
    const { atime, mtime } = await stat(entry.file);
    const flipped = Buffer.from(content);
    flipped[50_000] = (flipped[50_000] ?? 0) ^ 1;
    await writeFile(entry.file, flipped);
    await utimes(entry.file, atime, mtime);
    expect(await codeOf(checked, entry)).toBe('WEB_FILE_DAMAGED');
    expect(checked.verdict(entry)).toMatchObject({ kind: 'bad', reason: expect.stringContaining('sha256') });
    await writeFile(entry.file, content);
    expect(await codeOf(checked, entry)).toBe('good');
    expect(checked.verdict(entry)).toEqual({ kind: 'good' });
  });

  test.each<[string, (file: string) => Promise<unknown> | unknown, string]>([
    ['a file that is cut short', (file) => truncate(file, 10), 'WEB_FILE_DAMAGED'],
    ['a file that is gone', (file) => rm(file), 'WEB_FILE_MISSING'],
    [
      'a link to the right bytes',
      (file) => rename(file, `${file}.real`).then(() => symlink(`${file}.real`, file)),
      'WEB_FILE_DAMAGED',
    ],
    ['a named pipe', (file) => rm(file).then(() => execFileSync('mkfifo', [file])), 'WEB_FILE_DAMAGED'],
    ['a folder', (file) => rm(file).then(() => execFileSync('mkdir', [file])), 'WEB_FILE_DAMAGED'],
  ])('does not open %s', async (_, change, code) => {
    const entry = await isoFile(content);
    await change(entry.file);
    expect(await codeOf(files(), entry)).toBe(code);
  });

  test('does not open what a linked folder leads to outside of the root', async () => {
    const [root, outside] = [await temporaryFolder(), await temporaryFolder()];
    await writeFile(path.join(outside, 'kitchen.iso'), content);
    await symlink(outside, path.join(root, 'rhcos'));
    const entry = entryOf(path.join(root, 'rhcos', 'kitchen.iso'), content);
    expect(await codeOf(files({ root }), entry)).toBe('WEB_FILE_DAMAGED');
    expect(await codeOf(files({ root: outside }), entry)).toBe('good');
  });

  test('keeps what it found over a restart and reads again only what changed', async () => {
    const cacheFile = path.join(await temporaryFolder(), 'verified.json');
    const [same, other] = [await isoFile(content), { ...(await isoFile(content)), path: '/other.iso' }];
    await files({ cacheFile }).verifyAll([same, other]);
    // A cache that says something else for an unchanged file is believed: proof that the file was not read.
    const cache = (await readFile(cacheFile, 'utf8')).replaceAll(same.sha256, 'f'.repeat(64));
    await writeFile(cacheFile, cache);
    await writeFile(other.file, content);
    const restarted = files({ cacheFile });
    await restarted.readCache();
    expect(await codeOf(restarted, same)).toBe('WEB_FILE_DAMAGED');
    expect(await codeOf(restarted, other)).toBe('good');
  });

  test.each(['', 'no json', '[]', '{"a":1}'])('starts anew from an unreadable cache %j', async (text) => {
    const cacheFile = path.join(await temporaryFolder(), 'verified.json');
    await writeFile(cacheFile, text);
    const checked = files({ cacheFile });
    await checked.readCache();
    expect(await codeOf(checked, await isoFile(content))).toBe('good');
  });

  test('goes on when the cache cannot be written, and says so', async () => {
    const messages: unknown[] = [];
    const cacheFile = path.join((await isoFile(content)).file, 'below-a-file', 'verified.json');
    const checked = new VerifiedFiles(
      { root: undefined, cacheFile },
      quietRun({ report: (event) => messages.push(event) }),
    );
    const entry = await isoFile(content);
    await checked.verifyAll([entry]);
    expect(checked.verdict(entry)).toEqual({ kind: 'good' });
    expect(messages).toMatchObject([{ level: 'warning', message: expect.stringContaining('cannot be kept') }]);
  });

  test('reads a file once for many requests at the same time', async () => {
    const entry = await isoFile(content);
    const checked = files();
    const codes = await Promise.all(Array.from({ length: 20 }, () => codeOf(checked, entry)));
    expect(new Set(codes)).toEqual(new Set(['good']));
  });
});
