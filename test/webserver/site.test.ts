import { describe, expect, test } from 'vitest';
import { layOutSite } from '../../src/webserver/site.ts';

const file = (path: string, sizeBytes = 1) => ({ path, file: `/srv${path}`, sizeBytes, sha256: 'A1'.repeat(32) });

describe('layOutSite', () => {
  const site = layOutSite(
    [file('/rhcos/9.6/x86_64/b.iso', 5), file('/rhcos/9.6/x86_64/a.img', 3), file('/rhcos/9.6/aarch64/a.img', 2)],
    [{ path: '/ca.crt', content: 'pem' }],
  );

  test('lists folders with the size of what is below them', () => {
    expect(site.folders.get('/')?.map(({ name, sizeBytes }) => [name, sizeBytes])).toEqual([
      ['ca.crt', 3],
      ['rhcos/', expect.any(Number)],
      ['sha256sum.txt', expect.any(Number)],
    ]);
    expect(site.folders.get('/rhcos/9.6/x86_64/')?.map(({ name }) => name)).toEqual([
      'a.img',
      'b.iso',
      'sha256sum.txt',
    ]);
  });

  test('puts checksums of everything below into every folder, sorted, with relative paths', () => {
    const digest = 'a1'.repeat(32);
    expect(site.texts.get('/rhcos/9.6/x86_64/sha256sum.txt')?.content).toBe(`${digest}  a.img\n${digest}  b.iso\n`);
    expect(site.texts.get('/rhcos/9.6/sha256sum.txt')?.content).toBe(
      `${digest}  aarch64/a.img\n${digest}  x86_64/a.img\n${digest}  x86_64/b.iso\n`,
    );
  });

  test.each([
    ['a relative path', [file('rhcos/a')]],
    ['a path that leaves the tree', [file('/rhcos/../a')]],
    ['a folder', [file('/rhcos/')]],
    ['a control character', [file('/rhcos/a\n')]],
    ['the same path twice', [file('/a'), file('/a')]],
    ['the name of a checksum list', [file('/sha256sum.txt')]],
  ])('refuses %s', (_, files) => {
    expect(() => layOutSite(files, [])).toThrow(expect.objectContaining({ code: 'WEB_PATH_INVALID' }));
  });
});
