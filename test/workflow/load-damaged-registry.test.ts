import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { cutParts, locateMember, openParts } from '../../src/bundle/index.ts';
import { AirlockError } from '../../src/core/errors.ts';
import { quietRun } from '../../src/core/run.ts';
import { type LoadResult, load } from '../../src/workflow/load.ts';
import { describeFailures } from '../../src/workflow/load-registry.ts';
import { buildSample, openOne } from '../bundle/build-sample.ts';
import { makeSample } from '../bundle/sample.ts';
import { sourceSettings } from '../golden/run-case.ts';
import { startDockerRegistry } from '../helpers/docker-registry.ts';
import { describeReal } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const run = quietRun();

async function flip(file: string, offset: number): Promise<void> {
  const bytes = await readFile(file);
  bytes.writeUInt8(bytes.readUInt8(offset) ^ 1, offset);
  await writeFile(file, bytes);
}

describeReal('a damaged bundle that is loaded into a registry', ['docker-registry'], () => {
  test('is said to be damaged, by the part or the volume that is to blame', async () => {
    const folder = await temporaryFolder();
    await buildSample(
      makeSample({ images: [{ repository: 'harbour/crane', tag: 'v1', layers: [['crane', 40_000]] }] }),
      folder,
    );
    const bundle = await openOne(folder);
    const parts = path.join(folder, 'parts');
    await cutParts(bundle, { folder: parts, partSizeBytes: 5000 }, run);
    const layer = bundle.index.blobs.find((blob) => blob.size > 30_000);
    if (!layer) throw new Error('the sample has no large layer');
    const { path: volume, offset } = locateMember(bundle, layer);
    const at = offset + 20_000;
    const part = path.join(
      parts,
      `${path.basename(volume)}.part-${String(Math.floor(at / 5000) + 1).padStart(4, '0')}`,
    );
    await flip(part, at % 5000);
    await flip(volume, at);
    const { host } = await startDockerRegistry();
    const loadInto = (source: string): Promise<LoadResult> =>
      load(
        {
          bundle: source,
          target: { kind: 'registry', registry: host, prefix: '' },
          outputFolder: path.join(folder, 'resources'),
          source: sourceSettings({}, folder),
          targetSettings: { tlsVerify: false },
        },
        run,
      );
    for (const [source, blamed] of [
      [parts, part],
      [path.join(folder, 'gen-000001'), `${path.basename(volume)} (byte ${offset})`],
    ] as const) {
      const { state, copied } = await loadInto(source);
      expect(state).toBe('partial');
      const [failure] = copied?.failures.filter(({ code }) => code !== 'IMAGE_INCOMPLETE') ?? [];
      expect(failure).toMatchObject({ code: 'BUNDLE_DAMAGED', cause: expect.stringContaining(blamed) });
      expect(failure?.hint).toContain('airlock verify');
    }
  });
});

test('a damaged part is read once, however many blobs lie in it', async () => {
  const folder = await temporaryFolder();
  await buildSample(makeSample(), folder);
  const parts = path.join(folder, 'parts');
  const { list } = await cutParts(await openOne(folder), { folder: parts, partSizeBytes: 1 << 30 }, run);
  const file = path.join(parts, list.parts[0]?.name ?? '');
  await flip(file, 5);
  let opened = 0;
  const open: typeof run.disk.open = (at, ...rest) => {
    if (at === file) opened += 1;
    return run.disk.open(at, ...rest);
  };
  const { bundle } = await openParts([parts], run);
  const failures = bundle.index.blobs.map(({ digest }) => ({
    repository: 'harbour/crane',
    digest,
    kind: 'blob' as const,
    error: new AirlockError('DIGEST_MISMATCH', 'another one', { side: 'source' }),
  }));
  const told = await describeFailures(failures, [bundle], { ...run, disk: { ...run.disk, open } });
  expect(told.length).toBeGreaterThan(3);
  expect(told.every(({ cause }) => cause.includes(file))).toBe(true);
  expect(opened).toBe(1);
});
