import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import {
  type BuildOutcome,
  buildBundle,
  type ContentSources,
  loadIntoStorage,
  openBundle,
  verifyBundle,
} from '../../src/bundle/index.ts';
import { type Disk, nodeDisk } from '../../src/core/disk.ts';
import { quietRun } from '../../src/core/run.ts';
import { blobPath, type Digest, digestOf } from '../../src/oci/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { openOne } from './build-sample.ts';
import { keepManifests, makeSample, type Sample, sampleSources } from './sample.ts';

const run = quietRun();

async function build(sample: Sample, folder: string): Promise<BuildOutcome> {
  const kept = await keepManifests(sample, folder);
  return buildBundle({ plan: sample.plan, folder, kept, sources: sampleSources(sample), parallelBlobs: 4 }, run);
}

describe('buildBundle', () => {
  test('seals volumes that verify finds whole and tar reads', async () => {
    const folder = await temporaryFolder();
    const sample = makeSample({
      volumeSizeBytes: 1_000_000,
      files: [{ path: 'airlock/coreos/live.iso', bytes: Buffer.alloc(100_000, 7), webPath: 'rhcos/1/x86_64/live.iso' }],
    });
    const outcome = await build(sample, folder);
    expect(outcome.kind).toBe('sealed');
    const [bundle] = await openBundle(folder, run);
    if (!bundle) throw new Error('no bundle');
    expect(bundle.volumes.length).toBeGreaterThan(1);
    const report = await verifyBundle(bundle, {}, run);
    expect(report.findings.filter((finding) => finding.severity === 'error')).toEqual([]);
    const unpacked = path.join(folder, 'unpacked');
    const { mkdir } = await import('node:fs/promises');
    await mkdir(unpacked);
    for (const volume of bundle.volumes) await promisify(execFile)('tar', ['-xf', volume.path, '-C', unpacked]);
    for (const [digest, bytes] of sample.blobs)
      expect(digestOf(await readFile(path.join(unpacked, blobPath(digest))))).toBe(digestOf(bytes));
  });

  test.each([
    // The layer of 3 MB, and a header of a link: in the first block that is written.
    ['data', (bytes: Uint8Array) => bytes.length === 1 << 20, true],
    ['a header', (bytes: Uint8Array) => bytes.length < 1 << 20, false],
  ])('a disk that changed %s on the way is found out, and the next run brings that again', async (_, isHit, again) => {
    const folder = await temporaryFolder();
    const sample = makeSample();
    let left = 1;
    const disk: Disk = {
      ...nodeDisk,
      async open(file, access, mode) {
        const handle = await nodeDisk.open(file, access, mode);
        if (!file.endsWith('.tar') || access !== 'write') return handle;
        const write = handle.write.bind(handle);
        handle.write = async (bytes, at) => {
          await write(bytes, at);
          if (left > 0 && isHit(bytes)) {
            left -= 1;
            await write(Buffer.from([(bytes[300] ?? 0) ^ 1]), at + 300);
          }
        };
        return handle;
      },
    };
    const kept = await keepManifests(sample, folder);
    const asked: Digest[] = [];
    const source = sampleSources(sample);
    const sources: ContentSources = {
      ...source,
      openBlob(blob, ...rest) {
        asked.push(blob.digest);
        return source.openBlob(blob, ...rest);
      },
    };
    const options = { plan: sample.plan, folder, kept, sources, parallelBlobs: 1 };
    await expect(buildBundle(options, quietRun({ disk }))).rejects.toMatchObject({ code: 'BUNDLE_DAMAGED' });
    asked.length = 0;
    expect((await buildBundle(options, run)).kind).toBe('sealed');
    if (again) expect(asked.map((digest) => sample.blobs.get(digest)?.length)).toEqual([3_000_000]);
    expect((await verifyBundle(await openOne(folder), {}, run)).whole).toBe(true);
  });

  test('loads into storage, and a second load does nothing', async () => {
    const folder = await temporaryFolder();
    await build(makeSample(), folder);
    const [bundle] = await openBundle(folder, run);
    if (!bundle) throw new Error('no bundle');
    const options = { bundle, storageRoot: path.join(folder, 'storage'), stateFolder: path.join(folder, 'state') };
    const first = await loadIntoStorage(options, run);
    expect(first).toMatchObject({ kind: 'loaded', placedBlobs: bundle.index.blobs.length });
    expect(await loadIntoStorage(options, run)).toMatchObject({ kind: 'nothing-new', placedBlobs: 0, writtenLinks: 0 });
  });
});
