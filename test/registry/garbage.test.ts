import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { quietRun } from '../../src/core/run.ts';
import {
  blobPath,
  type Digest,
  digestOf,
  mediaTypes,
  openStorage,
  renderLayer,
  type Storage,
  writeImage,
  writeIndex,
} from '../../src/oci/index.ts';
import { type CollectionOptions, collectGarbage, planCollection } from '../../src/registry/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { putImage } from './put-image.ts';

// Everything was written "an hour and more ago".
const run = quietRun({ now: () => new Date(Date.now() + 2 * 3_600_000) });
const shared = renderLayer([{ path: 'stock', content: 'bones' }]);

function dish(name: string, architecture = 'amd64') {
  return writeImage({
    platform: { os: 'linux', architecture },
    layers: [shared, renderLayer([{ path: name, content: name }])],
  });
}

function note(subject: { digest: Digest; bytes: Buffer }, text: string) {
  const config = Buffer.from('{}');
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: { mediaType: mediaTypes.ociEmpty, digest: digestOf(config), size: 2 },
      layers: [],
      annotations: { text },
      subject: { mediaType: mediaTypes.ociManifest, digest: subject.digest, size: subject.bytes.length },
    }),
  );
  return { bytes, digest: digestOf(bytes), config };
}

async function freshStorage(): Promise<Storage> {
  return openStorage(await temporaryFolder(), { sync: 'none' });
}

async function collect(storage: Storage, options: CollectionOptions = {}) {
  const plan = await planCollection(storage, options, run);
  return collectGarbage(storage, plan, options, run);
}

async function isWhole(storage: Storage, image: ReturnType<typeof dish>): Promise<boolean> {
  const digests = [image.manifest.digest, ...image.children.map((child) => child.digest), ...image.blobs.keys()];
  const found = await Promise.all(digests.map((digest) => storage.findBlob(digest, run)));
  return found.every((one) => one !== undefined);
}

describe('garbage collection', () => {
  test('frees a deleted image but not a layer that another repository shares, and says the bytes first', async () => {
    const storage = await freshStorage();
    const [soup, stew] = [dish('soup'), dish('stew')];
    await putImage(storage, 'kitchen/soup', soup, ['1']);
    await putImage(storage, 'kitchen/stew', stew, ['1']);
    expect(await planCollection(storage, {}, run)).toMatchObject({ blobs: [], freedBytes: 0 });
    await storage.deleteManifest('kitchen/soup', soup.manifest.digest, run);
    const own = [soup.manifest.digest, ...soup.blobs.keys()].filter((digest) => digest !== shared.descriptor.digest);
    const plan = await planCollection(storage, {}, run);
    expect(plan.blobs.map((blob) => blob.digest).sort()).toEqual(own.sort());
    expect(await isWhole(storage, soup)).toBe(true);
    await collectGarbage(storage, plan, {}, run);
    expect(await isWhole(storage, stew)).toBe(true);
    expect(await storage.listLayers('kitchen/soup', run)).toEqual([]);
    expect(await collect(storage)).toMatchObject({ freedBytes: 0, manifests: [], layers: [] });
  });

  test('keeps untagged manifests unless asked; then keeps children, referrers and what it is told to', async () => {
    const storage = await freshStorage();
    const menu = writeIndex([dish('soup', 'amd64'), dish('soup', 'arm64')]);
    const [old, kept] = [dish('old'), dish('kept')];
    await putImage(storage, 'kitchen/menu', menu, ['today']);
    await putImage(storage, 'kitchen/menu', old);
    await putImage(storage, 'kitchen/menu', kept);
    const first = note(menu.manifest, 'of the index');
    const second = note(first, 'of the note');
    const orphan = note(old.manifest, 'of what goes');
    await storage.putBlob(digestOf(first.config), [first.config], run);
    await storage.linkLayer('kitchen/menu', digestOf(first.config), run);
    for (const one of [first, second, orphan]) await storage.putManifest('kitchen/menu', { ...one, tags: [] }, run);

    expect((await collect(storage)).manifests).toEqual([]);
    const keep = new Set([kept.manifest.digest]);
    const plan = await collect(storage, { untagged: true, keep });
    expect(plan.manifests.map((one) => one.digest).sort()).toEqual([old.manifest.digest, orphan.digest].sort());
    expect(await isWhole(storage, menu)).toBe(true);
    expect(await isWhole(storage, kept)).toBe(true);
    expect(await storage.hasRevision('kitchen/menu', second.digest, run)).toBe(true);
    expect(await storage.hasRevision('kitchen/menu', old.manifest.digest, run)).toBe(false);
  });

  test('leaves what was just pushed and has no manifest yet', async () => {
    const storage = await freshStorage();
    const fresh = Buffer.from('not named yet');
    await storage.putBlob(digestOf(fresh), [fresh], run);
    await storage.linkLayer('kitchen/soup', digestOf(fresh), run);
    const now = quietRun();
    expect(await planCollection(storage, {}, now)).toMatchObject({ blobs: [], layers: [] });
    expect(await planCollection(storage, {}, run)).toMatchObject({ freedBytes: fresh.length });
  });

  test('leaves what came to be needed after the plan was shown', async () => {
    const storage = await freshStorage();
    const [soup, stew] = [dish('soup'), dish('stew')];
    await putImage(storage, 'kitchen/soup', soup);
    await putImage(storage, 'kitchen/stew', stew);
    const plan = await planCollection(storage, { untagged: true }, run);
    expect(plan.manifests).toHaveLength(2);
    await storage.linkTag('kitchen/soup', 'back', soup.manifest.digest, run);
    const done = await collectGarbage(storage, plan, { untagged: true }, run);
    expect(done.manifests).toEqual([{ repository: 'kitchen/stew', digest: stew.manifest.digest }]);
    expect(await isWhole(storage, soup)).toBe(true);
    expect(done.freedBytes).toBeLessThan(plan.freedBytes);
  });

  test('refuses to guess what a damaged manifest needs', async () => {
    const storage = await freshStorage();
    const soup = dish('soup');
    await putImage(storage, 'kitchen/soup', soup, ['1']);
    await writeFile(path.join(storage.root, blobPath(soup.manifest.digest)), '{"schemaVersion":2}');
    await expect(planCollection(storage, {}, run)).rejects.toMatchObject({ code: 'STORAGE_DAMAGED' });
  });

  test('a sparse index keeps the children that are there', async () => {
    const storage = await freshStorage();
    const menu = writeIndex([dish('soup', 'amd64'), dish('soup', 'arm64')]);
    await putImage(storage, 'kitchen/menu', menu, ['today']);
    const [first, second] = menu.children;
    if (!first || !second) throw new Error('two children');
    await storage.deleteManifest('kitchen/menu', second.digest, run);
    await collect(storage, { untagged: true });
    expect(await storage.findBlob(first.digest, run)).toBeDefined();
    expect(await storage.findBlob(second.digest, run)).toBeUndefined();
  });
});
