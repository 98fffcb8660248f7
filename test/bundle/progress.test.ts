import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { cutParts, loadIntoStorage, readPartList, verifyBundle } from '../../src/bundle/index.ts';
import { findNeeded } from '../../src/bundle/parts.ts';
import { ProgressModel } from '../../src/cli/render/progress.ts';
import { quietRun, type Run } from '../../src/core/run.ts';
import { openStorage } from '../../src/oci/index.ts';
import { copyStorage } from '../../src/registry/index.ts';
import { describeShared } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { buildSample, openOne } from './build-sample.ts';
import { makeSample } from './sample.ts';

/** A run that adds up what its user would see, and counts signs of life between two ends. */
function watched(): { readonly run: Run; readonly model: ProgressModel; readonly counts: Map<string, number> } {
  const model = new ProgressModel();
  const counts = new Map<string, number>();
  const run = quietRun({
    report: (event) => {
      model.apply(event, 0);
      counts.set(event.state, (counts.get(event.state) ?? 0) + 1);
      if (model.totalBytes > 0) expect(model.doneBytes).toBeLessThanOrEqual(model.totalBytes);
    },
  });
  return { run, model, counts };
}

function expectWhole({ model, counts }: ReturnType<typeof watched>, wanted: { bytes: number; items: number }): void {
  expect(counts.get('active') ?? 0).toBeGreaterThan(0);
  const { totalBytes, doneBytes, totalItems, doneItems } = model;
  expect({ totalBytes, doneBytes, totalItems, doneItems }).toEqual({
    totalBytes: wanted.bytes,
    doneBytes: wanted.bytes,
    totalItems: wanted.items,
    doneItems: wanted.items,
  });
}

const sample = () =>
  makeSample({
    images: [
      { repository: 'harbour/crane', tag: 'v1', layers: [['crane', 90_000]] },
      { repository: 'harbour/barge', tag: 'v1', layers: [['barge', 80_000]] },
    ],
    volumeSizeBytes: 150_000,
  });

describe('what a user sees of work on many bytes begins at nothing, moves and ends at all of it', () => {
  test('build, whose last stage reads the volumes back', async () => {
    const seen = watched();
    const folder = await temporaryFolder();
    await buildSample(sample(), folder, {}, seen.run);
    const { volumes } = await openOne(folder);
    expect(volumes.length).toBeGreaterThan(1);
    expect(seen.counts.get('total')).toBe(2);
    expectWhole(seen, { bytes: volumes.reduce((sum, one) => sum + one.sizeBytes, 0), items: volumes.length });
  });

  test('verify of volumes, and of parts; cutting parts; load', async () => {
    const folder = await temporaryFolder();
    await buildSample(sample(), folder);
    const bundle = await openOne(folder);
    const bytes = bundle.volumes.reduce((sum, one) => sum + one.sizeBytes, 0);
    const verifying = watched();
    await verifyBundle(bundle, {}, verifying.run);
    expectWhole(verifying, { bytes, items: bundle.volumes.length });

    const media = path.join(folder, 'media');
    const cutting = watched();
    const options = { folder: media, partSizeBytes: 70_000 };
    const { list } = await cutParts(bundle, options, cutting.run);
    expectWhole(cutting, { bytes, items: list.parts.length });
    const looking = watched();
    expect(await findNeeded((await readPartList(media, looking.run)) ?? list, [media], looking.run)).toEqual([]);
    expectWhole(looking, { bytes, items: list.parts.length });
    const some = list.parts.slice(1, 3);
    const again = watched();
    await cutParts(bundle, { ...options, only: some.map((part) => part.name) }, again.run);
    expectWhole(again, { bytes: some.reduce((sum, part) => sum + part.size, 0), items: 2 });

    const loading = watched();
    const storageRoot = path.join(folder, 'storage');
    await loadIntoStorage({ bundle, storageRoot, stateFolder: path.join(folder, 'state') }, loading.run);
    expect(loading.model.doneBytes).toBe(loading.model.totalBytes);
    expect(loading.model.doneItems).toBe(loading.model.totalItems);

    const copying = watched();
    const [from, to] = [openStorage(storageRoot), openStorage(path.join(folder, 'backup'))];
    const { copiedBytes, copiedBlobs } = await copyStorage(from, to, copying.run);
    expectWhole(copying, { bytes: copiedBytes, items: copiedBlobs });
    const nothingNew = watched();
    await copyStorage(from, to, nothingNew.run);
    expect(nothingNew.model.doneItems).toBe(copiedBlobs);
  });
});

describeShared('verify of an archive of real oc-mirror', 'golden/cases/05a-op-package-only/1-m2d', (step) => {
  test('shows how far it is', async () => {
    const folder = await temporaryFolder();
    await mkdir(path.join(folder, 'in'));
    await copyFile(path.join(step, '05a.tar'), path.join(folder, 'in/mirror_000001.tar'));
    const bundle = await openOne(path.join(folder, 'in'));
    const seen = watched();
    await verifyBundle(bundle, {}, seen.run);
    expect(seen.counts.get('active')).toBeGreaterThan(20);
    expectWhole(seen, { bytes: bundle.volumes[0]?.sizeBytes ?? 0, items: 1 });
  });
});
