import { cp, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { cutParts } from '../../src/bundle/index.ts';
import { quietRun } from '../../src/core/run.ts';
import { verify } from '../../src/workflow/index.ts';
import { buildSample, openOne } from '../bundle/build-sample.ts';
import { makeSample } from '../bundle/sample.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

test('parts that are all here are hashed and compared in step, so that a medium is read once', async () => {
  const folder = await temporaryFolder();
  await buildSample(
    makeSample({ images: [{ repository: 'harbour/crane', tag: 'v1', layers: [['crane', 24 << 20]] }] }),
    folder,
  );
  const media = path.join(folder, 'media');
  const run = quietRun();
  await cutParts(await openOne(folder), { folder: media, partSizeBytes: 8 << 20 }, run);
  /** How far each open part was read, in the order of the reads. */
  const reads: { readonly file: string; readonly end: number }[] = [];
  const open: typeof run.disk.open = async (file, access, mode) => {
    const handle = await run.disk.open(file, access, mode);
    return {
      ...handle,
      read: async (buffer, position) => {
        const count = await handle.read(buffer, position);
        if (file.includes('.part-')) reads.push({ file, end: position + count });
        return count;
      },
      write: (...args) => handle.write(...args),
      sync: () => handle.sync(),
      truncate: (size) => handle.truncate(size),
      sizeBytes: () => handle.sizeBytes(),
      close: () => handle.close(),
    };
  };
  const result = await verify(
    { bundle: media, media: [], verifiedBy: 'nobody' },
    quietRun({ disk: { ...run.disk, open } }),
  );
  expect(result).toMatchObject({ whole: true, needed: [] });
  // Each part is read twice. Were it one pass after the other, the last part would be read for the first time before the first part is read again.
  const parts = [...new Set(reads.map(({ file }) => file))].sort();
  expect(parts.length).toBeGreaterThan(2);
  const passes = (file: string): number[] =>
    reads.flatMap((one, at) => (one.file === file && one.end > 4 << 20 && one.end <= 5 << 20 ? [at] : []));
  const [, again = Number.POSITIVE_INFINITY] = passes(parts[0] ?? '');
  const [late = 0] = passes(parts[2] ?? '');
  expect(again).toBeLessThan(late);
});

test('a need list is written for each bundle of a chain, so that one trip across the gap is enough', async () => {
  const folder = await temporaryFolder();
  await buildSample(
    makeSample({ images: [{ repository: 'harbour/crane', tag: 'v1', layers: [['crane', 5000]] }] }),
    folder,
  );
  await cp(path.join(folder, 'gen-000001'), path.join(folder, 'gen-000002'), { recursive: true });
  for (const name of ['gen-000001', 'gen-000002']) await rm(path.join(folder, name, 'mirror_000001.tar'));
  const needListFile = path.join(folder, 'need.json');
  const result = await verify({ bundle: folder, media: [], needListFile, verifiedBy: 'nobody' }, quietRun());
  // Both say that they are generation 1, being copies.
  expect(result.needLists).toEqual([needListFile, path.join(folder, 'need-000001.json')]);
  for (const file of result.needLists)
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ needs: [{ name: 'mirror_000001.tar' }] });
});
