import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { type Disk, nodeDisk } from '../../../src/core/disk.ts';
import { quietRun } from '../../../src/core/run.ts';
import {
  blobPath,
  digestOf,
  layerLinkPath,
  openStorage,
  parseReference,
  readSlice,
  revisionLinkPath,
  type Storage,
  storageSource,
  tagIndexLinkPath,
  tagLinkPath,
} from '../../../src/oci/index.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const run = quietRun();
const salt = Buffer.from('salt');
const digest = digestOf(salt);
const note = Buffer.from('{"schemaVersion":2}');
const noteDigest = digestOf(note);

async function freshStorage(): Promise<Storage> {
  return openStorage(await temporaryFolder());
}

async function files(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .sort();
}

/** A disk on which every call of `method` from the `from`th on fails. */
function failingDisk(method: 'rename' | 'sync' | 'write', from = 1): Disk {
  let calls = 0;
  const fail = (): void => {
    calls += 1;
    if (calls >= from) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO', syscall: method, errno: -5 });
  };
  return {
    ...nodeDisk,
    async rename(a, b) {
      if (method === 'rename') fail();
      return nodeDisk.rename(a, b);
    },
    async open(file, access, mode) {
      const handle = await nodeDisk.open(file, access, mode);
      if (access === 'read' || method === 'rename') return handle;
      const original = handle[method].bind(handle) as (...args: unknown[]) => Promise<void>;
      return Object.assign(Object.create(handle), {
        read: handle.read.bind(handle),
        write: handle.write.bind(handle),
        sync: handle.sync.bind(handle),
        close: handle.close.bind(handle),
        [method]: async (...args: unknown[]) => {
          fail();
          return original(...args);
        },
      });
    },
  };
}

describe('storage, written', () => {
  test("has exactly distribution's files: blobs, and link files of 71 bytes without a newline", async () => {
    const storage = await freshStorage();
    await storage.putBlob(digest, [salt.subarray(0, 2), salt.subarray(2)], run);
    await storage.linkLayer('kitchen/soup', digest, run);
    await storage.putManifest('kitchen/soup', { digest: noteDigest, bytes: note, tags: ['1.0'] }, run);
    const links = [
      layerLinkPath('kitchen/soup', digest),
      revisionLinkPath('kitchen/soup', noteDigest),
      tagLinkPath('kitchen/soup', '1.0'),
      tagIndexLinkPath('kitchen/soup', '1.0', noteDigest),
    ];
    expect(await files(storage.root)).toEqual([...links, blobPath(digest), blobPath(noteDigest)].sort());
    expect(await readFile(path.join(storage.root, links[0] ?? ''), 'latin1')).toBe(digest);
    expect((await stat(path.join(storage.root, links[0] ?? ''))).size).toBe(71);
  });

  test('keeps nothing of a blob whose digest is wrong', async () => {
    const storage = await freshStorage();
    await expect(storage.putBlob(digest, [Buffer.from('sugar')], run)).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    });
    expect(await files(storage.root)).toEqual([]);
  });

  test.each(['write', 'sync', 'rename'] as const)('keeps nothing when %s fails, and says so', async (method) => {
    const storage = await freshStorage();
    const broken = quietRun({ disk: failingDisk(method) });
    await expect(storage.putBlob(digest, [salt], broken)).rejects.toMatchObject({ code: 'FILE_UNWRITABLE' });
    await expect(storage.linkLayer('kitchen/soup', digest, broken)).rejects.toMatchObject({ code: 'FILE_UNWRITABLE' });
    expect(await files(storage.root)).toEqual([]);
  });

  test('puts good bytes in place of those that were cut short or rotted', async () => {
    const storage = await freshStorage();
    await storage.putBlob(digest, [salt], run);
    const file = path.join(storage.root, blobPath(digest));
    await truncate(file, 1);
    await storage.putBlob(digest, [salt], run);
    expect(await readFile(file)).toEqual(salt);
    await writeFile(file, 'rust');
    await storage.putBlob(digest, [salt], run);
    expect(await readFile(file)).toEqual(salt);
    await storage.putManifest('kitchen/soup', { digest: noteDigest, bytes: note, tags: [] }, run);
    const manifest = path.join(storage.root, blobPath(noteDigest));
    await writeFile(manifest, Buffer.alloc(note.length));
    await storage.putManifest('kitchen/soup', { digest: noteDigest, bytes: note, tags: [] }, run);
    expect(await readFile(manifest)).toEqual(note);
  });

  test('writes a torn link anew and leaves a right one alone', async () => {
    const storage = await freshStorage();
    await storage.linkLayer('kitchen/soup', digest, run);
    const file = path.join(storage.root, layerLinkPath('kitchen/soup', digest));
    const before = await stat(file);
    await storage.linkLayer('kitchen/soup', digest, run);
    expect((await stat(file)).ino).toBe(before.ino);
    await writeFile(file, '');
    expect(await storage.hasLayer('kitchen/soup', digest, run)).toBe(false);
    await storage.linkLayer('kitchen/soup', digest, run);
    expect(await storage.hasLayer('kitchen/soup', digest, run)).toBe(true);
  });

  test('stores the same blob written by many at once', async () => {
    const storage = await freshStorage();
    await Promise.all(Array.from({ length: 20 }, () => storage.putBlob(digest, [salt], run)));
    expect(await files(storage.root)).toEqual([blobPath(digest)]);
  });

  test('stops when the run is aborted, leaving nothing', async () => {
    const storage = await freshStorage();
    const stop = new AbortController();
    async function* pour(): AsyncGenerator<Buffer> {
      yield salt;
      stop.abort();
      yield salt;
    }
    const cancelled = storage.putBlob(digest, pour(), quietRun({ signal: stop.signal }));
    await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await files(storage.root)).toEqual([]);
  });

  test('collects abandoned uploads by age', async () => {
    const storage = await freshStorage();
    const upload = await storage.startBlob(run);
    await upload.write(salt);
    await upload.write(salt);
    expect(await storage.collectStale(60_000, run)).toBe(0);
    const later = quietRun({ now: () => new Date(Date.now() + 120_000) });
    expect(await storage.collectStale(60_000, later)).toBeGreaterThan(0);
    await upload.discard();
  });
});

describe('storage, deleted from', () => {
  test('a tag goes with its history; a manifest goes with every tag that means it', async () => {
    const storage = await freshStorage();
    const other = Buffer.from('{"schemaVersion":2,"n":2}');
    await storage.putManifest('kitchen/soup', { digest: noteDigest, bytes: note, tags: ['1', 'moved'] }, run);
    await storage.putManifest('kitchen/soup', { digest: digestOf(other), bytes: other, tags: ['2', 'moved'] }, run);
    expect(await storage.deleteManifest('kitchen/soup', noteDigest, run)).toBe(true);
    expect(await storage.listTags('kitchen/soup', run)).toEqual(['2', 'moved']);
    expect(await storage.listRevisions('kitchen/soup', run)).toEqual([digestOf(other)]);
    const left = await files(storage.root);
    expect(left.filter((file) => file.includes(noteDigest.slice(7)) && file.endsWith('link'))).toEqual([]);
    expect(await storage.deleteTag('kitchen/soup', '2', run)).toBe(true);
    expect(await storage.deleteTag('kitchen/soup', '2', run)).toBe(false);
    expect(await storage.findBlob(noteDigest, run)).toBeDefined();
  });
});

describe('storage, read', () => {
  test('lists repositories as a walk meets them, and ranges of a blob', async () => {
    const storage = await freshStorage();
    for (const name of ['acme-alpha/x', 'acme/z', 'acme/a/b', 'acme/a']) await storage.linkLayer(name, digest, run);
    expect(await storage.listRepositories(run)).toEqual(['acme/a', 'acme/a/b', 'acme/z', 'acme-alpha/x']);
    await storage.putBlob(digest, [salt], run);
    const chunks = readSlice(await storage.openBlob(digest, run), 1, 3);
    expect((await buffer(chunks)).toString()).toBe('al');
    await expect(storage.openBlob(digestOf('pepper'), run)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
  });

  test('as a source checks every byte against its digest', async () => {
    const storage = await freshStorage();
    await storage.putBlob(digest, [salt], run);
    const source = storageSource(storage);
    const repository = { registry: 'localhost:5000', repository: 'kitchen/soup' };
    const blob = { mediaType: '', digest, size: 4 };
    expect((await buffer(await source.fetchBlob(repository, blob, 0, run))).toString()).toBe('salt');
    expect((await buffer(await source.fetchBlob(repository, blob, 2, run))).toString()).toBe('lt');
    await writeFile(path.join(storage.root, blobPath(digest)), 'sall');
    const damaged = source.fetchBlob(repository, blob, 0, run).then(buffer);
    await expect(damaged).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    await truncate(path.join(storage.root, blobPath(digest)), 3);
    const cut = source.fetchBlob(repository, blob, 0, run).then(buffer);
    await expect(cut).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
    const missing = source.resolve(parseReference('localhost:5000/kitchen/soup:1'), run);
    await expect(missing).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
    await expect(source.listTags(repository, run)).rejects.toMatchObject({ code: 'REPOSITORY_UNKNOWN' });
  });
});

describe('storage, after a power loss', () => {
  test('every folder above a placed file was synced after its entry was made', async () => {
    const storage = await freshStorage();
    const events: string[] = [];
    const disk: Disk = {
      ...nodeDisk,
      async rename(from, to) {
        events.push(`place ${path.relative(storage.root, to)}`);
        return nodeDisk.rename(from, to);
      },
      async syncDirectory(folder) {
        events.push(`sync ${path.relative(storage.root, folder)}`);
        return nodeDisk.syncDirectory(folder);
      },
    };
    await storage.putBlob(digest, [salt], quietRun({ disk }));
    const folders: string[] = [];
    for (let at = path.dirname(blobPath(digest)); at !== '.'; at = path.dirname(at)) folders.push(at);
    expect(events[0]).toBe(`place ${blobPath(digest)}`);
    expect(events).toEqual(expect.arrayContaining([...folders, ''].map((folder) => `sync ${folder}`)));
    events.length = 0;
    await storage.putBlob(noteDigest, [note], quietRun({ disk }));
    expect(events).not.toContain('sync docker');
  });

  test('sync none syncs nothing', async () => {
    const storage = openStorage(await temporaryFolder(), { sync: 'none' });
    const disk: Disk = { ...nodeDisk, syncDirectory: () => Promise.reject(new Error('synced')) };
    await storage.putBlob(digest, [salt], quietRun({ disk }));
    await storage.linkTag('kitchen/soup', '1', digest, quietRun({ disk }));
    expect(await storage.findTag('kitchen/soup', '1', run)).toBe(digest);
  });
});
