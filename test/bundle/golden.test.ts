import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { loadIntoStorage, verifyBundle } from '../../src/bundle/index.ts';
import { isAirlockError } from '../../src/core/errors.ts';
import { quietRun } from '../../src/core/run.ts';
import { openStorage } from '../../src/oci/index.ts';
import { load } from '../../src/workflow/index.ts';
import { sourceSettings } from '../golden/run-case.ts';
import { describeShared } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { openOne } from './build-sample.ts';

const run = quietRun();
const exec = promisify(execFile);

/** What a storage tree holds, in the form of the golden `registry.tsv`. */
async function listStorage(folder: string): Promise<string[]> {
  const storage = openStorage(folder);
  const lines: string[] = [];
  for (const repository of await storage.listRepositories(run)) {
    const tagged = new Set<string>();
    for (const tag of await storage.listTags(repository, run)) {
      const digest = await storage.findTag(repository, tag, run);
      tagged.add(digest ?? '');
      lines.push(`${repository}\t${tag}\t${digest}`);
    }
    for (const digest of await storage.listRevisions(repository, run))
      if (!tagged.has(digest)) lines.push(`${repository}\t-\t${digest}`);
  }
  return lines.sort();
}

describeShared('archives of real oc-mirror', 'golden/cases', (cases) => {
  test.each([
    ['01-additional', '1-m2d/01.tar', '2-d2m'],
    ['02a-release-minmax', '1-m2d/02a.tar', '2-d2m'],
    ['05a-op-package-only', '1-m2d/05a.tar', '3-d2m'],
    ['08-incremental', '1-m2d-build1/08-build1.tar', '3-d2m-build1'],
  ])('%s loads into the repositories, tags and digests that oc-mirror gives its target', async (name, tar, step) => {
    const folder = await temporaryFolder();
    await mkdir(path.join(folder, 'in'));
    await copyFile(path.join(cases, name, tar), path.join(folder, 'in', 'mirror_000001.tar'));
    const bundle = await openOne(path.join(folder, 'in'));
    const report = await verifyBundle(bundle, {}, run);
    expect(report).toMatchObject({ whole: true, kind: 'foreign', damages: [] });
    const storageRoot = path.join(folder, 'storage');
    const options = { bundle, storageRoot, stateFolder: path.join(folder, 'state') };
    expect((await loadIntoStorage(options, run)).kind).toBe('loaded');
    const text = await readFile(path.join(cases, name, step, 'registry.tsv'), 'utf8');
    const wanted = text
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split('\t').slice(0, 3).join('\t'));
    expect(await listStorage(storageRoot)).toEqual(wanted.sort());
    expect((await loadIntoStorage(options, run)).kind).toBe('nothing-new');
  });

  test('an incremental archive alone is refused in one sentence, and loads after the one before it', async () => {
    const folder = await temporaryFolder();
    const place = async (tar: string, to: string): Promise<void> => {
      await mkdir(path.join(folder, to));
      await copyFile(path.join(cases, '08-incremental', tar), path.join(folder, to, 'mirror_000001.tar'));
    };
    await place('1-m2d-build1/08-build1.tar', 'one');
    await place('2-m2d-build2/08-build2.tar', 'two');
    const load = async (from: string): Promise<string> => {
      const bundle = await openOne(path.join(folder, from));
      const places = { storageRoot: path.join(folder, 'storage'), stateFolder: path.join(folder, 'state') };
      return (await loadIntoStorage({ bundle, ...places }, run)).kind;
    };
    const refusal = await load('two').catch((error: unknown) => error);
    expect(isAirlockError(refusal, 'BASE_MISSING')).toBe(true);
    expect(await load('one')).toBe('loaded');
    expect(await load('two')).toBe('loaded');
    expect(await load('two')).toBe('nothing-new');
  });

  test('segments in any order, the isc_ entry not in the last one, are one archive', async () => {
    const folder = await temporaryFolder();
    const [unpacked, segments] = [path.join(folder, 'unpacked'), path.join(folder, 'in')];
    for (const one of [unpacked, segments]) await mkdir(one);
    await exec('tar', ['-xf', path.join(cases, '01-additional', '1-m2d/01.tar'), '-C', unpacked]);
    const pack = (number: number, ...parts: string[]): Promise<unknown> =>
      exec(
        'sh',
        ['-c', `find ${parts.join(' ')} -type f | sort -r | tar -cf ${segments}/mirror_00000${number}.tar -T -`],
        { cwd: unpacked },
      );
    // As branches up to 5.0 order the parts, and with blobs spread over two segments.
    await pack(1, 'working-dir', 'isc_*', 'docker/registry/v2/blobs/sha256/[0-7]*');
    await pack(2, 'docker/registry/v2/blobs/sha256/[89a-f]*');
    await pack(3, 'docker/registry/v2/repositories');
    const bundle = await openOne(segments);
    expect((await verifyBundle(bundle, {}, run)).whole).toBe(true);
    const options = { bundle, storageRoot: path.join(folder, 'storage'), stateFolder: path.join(folder, 'state') };
    expect((await loadIntoStorage(options, run)).kind).toBe('loaded');
    const text = await readFile(path.join(cases, '01-additional', '2-d2m', 'registry.tsv'), 'utf8');
    expect(await listStorage(options.storageRoot)).toHaveLength(text.trim().split('\n').length - 1);
  });

  /** Unpacks a golden archive and gives a function that packs some of its members, in the order of `find`, into a volume. */
  async function unpackGolden(tar: string) {
    const folder = await temporaryFolder();
    const [unpacked, into] = [path.join(folder, 'unpacked'), path.join(folder, 'in')];
    for (const one of [unpacked, into]) await mkdir(one);
    await exec('tar', ['-xf', path.join(cases, tar), '-C', unpacked]);
    const pack = (number: number, find: string): Promise<unknown> =>
      exec('sh', ['-c', `find ${find} | tar -cf ${into}/mirror_00000${number}.tar -T -`], { cwd: unpacked });
    const places = { storageRoot: path.join(folder, 'storage'), stateFolder: path.join(folder, 'state') };
    return { folder, into, pack, places };
  }

  test('a blob larger than a segment lies alone in the tar with the highest number, as in case 09, and isc_ before it', async () => {
    const { into, pack, places } = await unpackGolden('01-additional/1-m2d/01.tar');
    const big = "-type f -path '*/blobs/*' -size +150k";
    await pack(1, 'docker/registry/v2/repositories -type f');
    await pack(2, `docker working-dir isc_* -type f -not -path '*/repositories/*' -not \\( ${big} \\)`);
    await pack(3, `docker ${big}`);
    const bundle = await openOne(into);
    expect(bundle.index.files.find((file) => file.path.startsWith('isc_'))?.volume).toBe(2);
    expect(await verifyBundle(bundle, {}, run)).toMatchObject({ whole: true, damages: [] });
    expect((await loadIntoStorage({ bundle, ...places }, run)).kind).toBe('loaded');
    const text = await readFile(path.join(cases, '01-additional', '2-d2m', 'registry.tsv'), 'utf8');
    expect(await listStorage(places.storageRoot)).toHaveLength(text.trim().split('\n').length - 1);
  });

  test('both archives of case 08 side by side under other numbers are the newer set, whole', async () => {
    const folder = await temporaryFolder();
    await mkdir(path.join(folder, 'in'));
    for (const [number, tar] of [
      [1, '1-m2d-build1/08-build1.tar'],
      [2, '2-m2d-build2/08-build2.tar'],
    ] as const)
      await copyFile(path.join(cases, '08-incremental', tar), path.join(folder, 'in', `mirror_00000${number}.tar`));
    const bundle = await openOne(path.join(folder, 'in'));
    const places = { storageRoot: path.join(folder, 'storage'), stateFolder: path.join(folder, 'state') };
    expect((await loadIntoStorage({ bundle, ...places }, run)).kind).toBe('loaded');
    const text = await readFile(path.join(cases, '08-incremental', '4-d2m-build2', 'registry.tsv'), 'utf8');
    const rolling = (rows: string[]): string[] => rows.filter((row) => row.startsWith('acme/rolling\tlatest'));
    const theirs = text.split('\n').map((line) => line.split('\t').slice(0, 3).join('\t'));
    expect(rolling(await listStorage(places.storageRoot))).toEqual(rolling(theirs));
  });

  test('tars without isc_ are what a failed run left: verify says so, and load takes nothing', async () => {
    const { folder, into, pack, places } = await unpackGolden('01-additional/1-m2d/01.tar');
    await pack(1, 'docker working-dir -type f');
    const report = await verifyBundle(await openOne(into), {}, run);
    expect(report).toMatchObject({ whole: false, findings: [{ code: 'BUNDLE_INCOMPLETE', severity: 'error' }, {}] });
    const request = {
      bundle: into,
      target: { kind: 'storage', folder: places.storageRoot },
      outputFolder: path.join(folder, 'cluster-resources'),
      source: sourceSettings({}, folder),
      targetSettings: { tlsVerify: false },
    } as const;
    await expect(load(request, run)).rejects.toMatchObject({ code: 'BUNDLE_INCOMPLETE' });
    expect(await run.disk.stat(places.storageRoot)).toBeUndefined();
  });

  test('a blob that is not in the archive of case 13h is named, and nothing of it is loaded', async () => {
    const { into, pack, places } = await unpackGolden('01-additional/1-m2d/01.tar');
    const hex = 'ef156ec9f84f66c6ea5eaada2376129fbf03baaf76a243f3122b75385673e44e';
    await pack(1, `docker working-dir isc_* -type f -not -path '*/blobs/*/${hex}/*'`);
    const bundle = await openOne(into);
    await expect(loadIntoStorage({ bundle, ...places }, run)).rejects.toMatchObject({
      code: 'BASE_MISSING',
      details: { missing: [`sha256:${hex}`] },
    });
    expect(await openStorage(places.storageRoot).listRepositories(run)).toEqual([]);
  });

  test.each([
    ['cut in the middle', (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1)],
    ['cut within a header', (bytes: Buffer) => bytes.subarray(0, 512 * 9 + 100)],
    ['of no bytes', () => Buffer.alloc(0)],
    ['compressed', (bytes: Buffer) => gzipSync(bytes)],
  ])('an archive %s is refused in one sentence', async (_, damage) => {
    const folder = await temporaryFolder();
    const bytes = await readFile(path.join(cases, '01-additional/1-m2d/01.tar'));
    await writeFile(path.join(folder, 'mirror_000001.tar'), damage(bytes));
    await expect(openOne(folder)).rejects.toMatchObject({ code: 'BUNDLE_INVALID' });
  });

  test('a flipped byte in a blob is found and not loaded', async () => {
    const folder = await temporaryFolder();
    const bytes = await readFile(path.join(cases, '01-additional', '1-m2d/01.tar'));
    const flipped = Buffer.from(bytes);
    const bundle0 = path.join(folder, 'mirror_000001.tar');
    await run.disk.open(bundle0, 'create').then(async (file) => {
      await file.write(flipped, 0);
      await file.close();
    });
    const blob = (await openOne(folder)).index.blobs.find((one) => one.kind === 'layer');
    if (!blob) throw new Error('no layer');
    const file = await run.disk.open(bundle0, 'write');
    await file.write(Buffer.from([(bytes[blob.offset] ?? 0) ^ 1]), blob.offset);
    await file.close();
    const bundle = await openOne(folder);
    const report = await verifyBundle(bundle, {}, run);
    expect(report.damages).toMatchObject([{ volume: 'mirror_000001.tar', offset: blob.offset, part: 'data' }]);
    const options = { bundle, storageRoot: path.join(folder, 'storage'), stateFolder: path.join(folder, 'state') };
    await expect(loadIntoStorage(options, run)).rejects.toMatchObject({ code: 'BUNDLE_DAMAGED' });
    expect(await openStorage(options.storageRoot).findBlob(blob.digest, run)).toBeUndefined();
  });
});
