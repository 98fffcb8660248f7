import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { loadIntoStorage, verifyBundle } from '../../src/bundle/index.ts';
import { isAirlockError } from '../../src/core/errors.ts';
import { quietRun } from '../../src/core/run.ts';
import { openStorage } from '../../src/oci/index.ts';
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
