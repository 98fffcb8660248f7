import { createHash } from 'node:crypto';
import { cp, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  type Bundle,
  buildBundle,
  cutParts,
  loadIntoStorage,
  openBundle,
  openParts,
  verifyBundle,
} from '../../src/bundle/index.ts';
import { quietRun, type Run } from '../../src/core/run.ts';
import { faults, sweepFaults } from '../helpers/fault-sweep.ts';
import type { Fault } from '../helpers/faulty-disk.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { keepManifests, makeSample, sampleSources } from './sample.ts';

const sample = makeSample({
  images: [
    {
      repository: 'harbour/buoy',
      tag: 'v1',
      layers: [
        ['base', 5000],
        ['buoy', 1_500_000],
      ],
    },
    { repository: 'harbour/quay', tag: 'v1', layers: [['base', 5000]] },
  ],
  volumeSizeBytes: 1_000_000,
});

const tiny = makeSample({
  images: [{ repository: 'harbour/buoy', tag: 'v1', layers: [['buoy', 1_100_000]] }],
  files: [
    { path: 'airlock/coreos/live.iso', bytes: Buffer.alloc(40_000, 7), webPath: '/rhcos/1/x86_64/live.iso' },
    { path: 'airlock/tools/oc', bytes: Buffer.from('#!/bin/sh\n'), role: 'tool' },
  ],
});

async function build(folder: string, run: Run, of = sample): Promise<unknown> {
  const kept = await keepManifests(of, folder);
  return buildBundle({ plan: of.plan, folder, kept, sources: sampleSources(of), parallelBlobs: 2 }, run);
}

/** Every file below a folder with its sha256, without times. */
async function fingerprint(folder: string): Promise<string[]> {
  const lines: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    lines.push(
      `${path.relative(folder, file)} ${createHash('sha256')
        .update(await readFile(file))
        .digest('hex')}`,
    );
  }
  return lines.sort();
}

/** Names in a folder, without the temporary files of a run that lost its power: nobody reads those. */
async function visible(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => !name.startsWith('.'));
}

describe.each(faults)('%s at every step', { timeout: 600_000 }, (_name, faultOf, losesNames) => {
  test('of a build, then a re-run, ends with the same bytes as an undisturbed build', async () => {
    const undisturbed = await temporaryFolder();
    await build(undisturbed, quietRun());
    const wanted = await fingerprint(path.join(undisturbed, 'gen-000001'));
    const total = await sweepFaults(
      build,
      async () => {},
      faultOf,
      losesNames,
      async (folder) => {
        const got = await fingerprint(path.join(folder, 'gen-000001'));
        expect(got.filter((line) => !line.startsWith('journal'))).toEqual(wanted);
        expect(await visible(path.join(folder, '.airlock', 'generations'))).toEqual(['000001.json']);
      },
    );
    expect(total).toBeGreaterThan(30);
  });

  test('of a load, then a re-run, ends with the same storage, web root and tools as an undisturbed load', async () => {
    const bundles = await temporaryFolder();
    await build(bundles, quietRun(), tiny);
    const [bundle] = await openBundle(bundles, quietRun());
    if (!bundle) throw new Error('no bundle');
    expect((await verifyBundle(bundle, {}, quietRun())).whole).toBe(true);
    await sweepLoads([{ bundle, through: (run) => run }], faultOf, losesNames);
  });

  test('of loads of the two media that a bundle is divided over, then re-runs, ends with the same too', async () => {
    const bundles = await temporaryFolder();
    const media = [path.join(bundles, 'one'), path.join(bundles, 'two')];
    await build(bundles, quietRun(), tiny);
    const [bundle] = await openBundle(bundles, quietRun());
    if (!bundle) throw new Error('no bundle');
    const { list } = await cutParts(bundle, { folder: media[0] ?? '', partSizeBytes: 400_000 }, quietRun());
    await cp(media[0] ?? '', media[1] ?? '', { recursive: true });
    for (const [at, { name }] of list.parts.entries()) await rm(path.join(media[at % 2] ?? '', name));
    const loads = await Promise.all(
      media.map(async (folder) => {
        const opened = await openParts([folder], quietRun());
        // The joined volumes are read by the disk of `openParts`, everything else by the one with the fault.
        const through = (run: Run): Run => ({
          ...run,
          disk: {
            ...run.disk,
            open: (file, access, mode) =>
              (access === 'read' && file.startsWith(bundles) ? opened.run : run).disk.open(file, access, mode),
          },
        });
        return { bundle: opened.bundle, through };
      }),
    );
    await sweepLoads(loads, faultOf, losesNames);
  });
});

/** Loads one after the other into one place. A part of a bundle may be there already when a run that was cut off is run again. */
async function sweepLoads(
  loads: readonly { readonly bundle: Bundle; readonly through: (run: Run) => Run }[],
  faultOf: (at: number) => Fault,
  losesNames: boolean,
): Promise<void> {
  const load = async (folder: string, run: Run): Promise<void> => {
    const at = (name: string): string => path.join(folder, name);
    const places = { storageRoot: at('storage'), webRoot: at('web'), toolsDir: at('tools'), stateFolder: at('state') };
    for (const { bundle, through } of loads) await loadIntoStorage({ bundle, ...places }, through(run));
  };
  const undisturbed = await temporaryFolder();
  await load(undisturbed, quietRun());
  const places = ['storage', 'web', 'tools'];
  const all = async (folder: string): Promise<string[][]> =>
    Promise.all(places.map((name) => fingerprint(path.join(folder, name))));
  const wanted = await all(undisturbed);
  expect(wanted.map((one) => one.length > 0)).toEqual([true, true, true]);
  await sweepFaults(
    load,
    async () => {},
    faultOf,
    losesNames,
    async (folder) => {
      expect(await all(folder)).toEqual(wanted);
      expect(await visible(path.join(folder, 'state', 'generations'))).toEqual(['000001']);
    },
  );
}
