import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { nodeDisk } from '../../src/core/disk.ts';
import { quietRun } from '../../src/core/run.ts';
import { digestHex, digestOf } from '../../src/oci/index.ts';
import { openKeptBlobs } from '../../src/plan/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const bytes = Buffer.from('{"schemaVersion":2}');
const digest = digestOf(bytes);

async function setUp() {
  const workspace = await temporaryFolder();
  const folder = path.join(workspace, 'blobs/sha256');
  return { workspace, folder, file: path.join(folder, digestHex(digest)) };
}

/** A disk that notes what is made durable. */
function notingDisk() {
  const synced: string[] = [];
  const disk = {
    ...nodeDisk,
    async open(file: string, access: 'read' | 'write' | 'create', mode?: number) {
      const handle = await nodeDisk.open(file, access, mode);
      return {
        read: handle.read.bind(handle),
        write: handle.write.bind(handle),
        truncate: handle.truncate.bind(handle),
        sizeBytes: handle.sizeBytes.bind(handle),
        close: handle.close.bind(handle),
        sync: async () => {
          synced.push(path.basename(file));
          await handle.sync();
        },
      };
    },
    async syncDirectory(folder: string) {
      synced.push(`${path.basename(folder)}/`);
      await nodeDisk.syncDirectory(folder);
    },
    async syncFileSystem() {
      synced.push('all');
      return true;
    },
  };
  return { run: quietRun({ disk }), synced };
}

describe('what planning keeps', () => {
  test('lies under its digest, written once, and leaves nothing else behind', async () => {
    const { workspace, folder, file } = await setUp();
    const kept = openKeptBlobs(workspace);
    const run = quietRun();
    expect(await kept.put(bytes, run)).toBe(digest);
    await writeFile(file, 'not looked at again');
    expect(await kept.put(bytes, run)).toBe(digest);
    expect(await readFile(file, 'utf8')).toBe('not looked at again');
    expect(await readdir(folder)).toEqual([digestHex(digest)]);
  });

  test.each([
    ['cut', (file: string) => truncate(file, 3)],
    ['of zeros', (file: string) => writeFile(file, Buffer.alloc(bytes.length))],
  ])('is written again when what an earlier run left is %s', async (_, spoil) => {
    const { workspace, file } = await setUp();
    const run = quietRun();
    await openKeptBlobs(workspace).put(bytes, run);
    await spoil(file);
    const kept = openKeptBlobs(workspace);
    expect(await kept.find(digest, run)).toBeUndefined();
    await kept.put(bytes, run);
    expect((await kept.find(digest, run))?.equals(bytes)).toBe(true);
  });

  test('says which folder cannot be listed, and lists it again', async () => {
    const { workspace, folder } = await setUp();
    let broken = true;
    const disk = {
      ...nodeDisk,
      list: (at: string) =>
        broken
          ? Promise.reject(Object.assign(new Error('i/o error'), { code: 'EIO', errno: -5, syscall: 'scandir' }))
          : nodeDisk.list(at),
    };
    const kept = openKeptBlobs(workspace);
    const run = quietRun({ disk });
    await expect(kept.put(bytes, run)).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringContaining(folder),
    });
    broken = false;
    expect(await kept.put(bytes, run)).toBe(digest);
  });

  test('is made durable by settle: file by file when they are few, all at once when they are many, and once', async () => {
    const { workspace } = await setUp();
    const { run, synced } = notingDisk();
    const kept = openKeptBlobs(workspace);
    await kept.put(bytes, run);
    expect(synced).toEqual([]);
    await kept.settle(run);
    await kept.settle(run);
    expect(synced).toEqual([digestHex(digest), 'sha256/']);
    for (let at = 0; at < 40; at += 1) await kept.put(Buffer.from(`manifest ${at}`), run);
    await kept.settle(run);
    expect(synced.slice(2)).toEqual(['all']);
  });
});
