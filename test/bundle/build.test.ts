import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type BuildOutcome, buildBundle, loadIntoStorage, openBundle, verifyBundle } from '../../src/bundle/index.ts';
import { quietRun } from '../../src/core/run.ts';
import { blobPath, digestOf } from '../../src/oci/index.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
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
