import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { measureNeed } from '../../src/plan/index.ts';

/** Files of no size in one folder, named as blobs are. */
function folderOf(count: number, folder: string): ReadonlyMap<string, number> {
  const names = Array.from({ length: count }, (_, at) => createHash('sha256').update(String(at)).digest('hex'));
  return new Map(names.map((name) => [`${folder}${name}`, 0]));
}

const need = (files: ReadonlyMap<string, number>, blockBytes: number) =>
  measureNeed({ host: 'bastion', purpose: 'registry', files }, blockBytes);

describe('the space of folders', () => {
  // What mkfs.ext4 -b and as many empty files gave (Linux 6.1).
  test.each([
    [1024, 10, 1024],
    [1024, 100, 11_264],
    [1024, 1_000, 99_328],
    [1024, 10_000, 1_062_912],
    [4096, 10, 4096],
    [4096, 100, 12_288],
    [4096, 1_000, 106_496],
    [4096, 10_000, 1_073_152],
  ])('is that of their lists on ext4: blocks of %i, %i names, %i bytes', (blockBytes, count, listBytes) => {
    const { allocatedBytes } = need(folderOf(count, ''), blockBytes);
    expect(Math.abs(allocatedBytes - listBytes)).toBeLessThanOrEqual(Math.max(blockBytes, 0.06 * listBytes));
  });

  test('counts each folder once, and none where nothing goes', () => {
    const files = new Map([
      ['a/b/one', 1],
      ['a/b/two', 1],
      ['a/c/one', 1],
    ]);
    // Three files; a, a/b, a/c and the folder that they go to.
    expect(need(files, 4096)).toMatchObject({ bytes: 3, files: 7, allocatedBytes: 7 * 4096 });
    expect(need(new Map(), 4096)).toMatchObject({ bytes: 0, files: 0, allocatedBytes: 0 });
  });
});
