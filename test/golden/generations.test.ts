import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { load } from '../../src/workflow/index.ts';
import { startDockerRegistry } from '../helpers/docker-registry.ts';
import { describeReal, describeShared } from '../helpers/real.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { comparable, goldenFile, goldenRegistry } from './expected.ts';
import { type GoldenSource, startGoldenSource } from './golden-source.ts';
import { readPlan } from './outcome.ts';
import {
  buildCase,
  type CaseOptions,
  goldenTarget,
  hastyRun,
  listStorage,
  planCase,
  sourceSettings,
} from './run-case.ts';

describeReal('generations', ['docker-registry', 'python3'], () => {
  describeShared('golden cases', 'golden/cases', () => {
    let source: GoldenSource;
    beforeAll(async () => {
      source = await startGoldenSource();
    });
    afterAll(() => source?.close());

    const work = async (): Promise<string> => path.join(await temporaryFolder(), 'work');
    const step = (name: string, folder: string, options: Partial<CaseOptions> = {}) =>
      buildCase(name, folder, { env: source.env, chartsUrl: source.chartsUrl, ...options });
    const loadInto = (bundle: string, storage: string) =>
      load(
        {
          bundle,
          target: { kind: 'storage', folder: storage },
          servedAs: goldenTarget,
          outputFolder: path.join(storage, '..', 'cluster-resources'),
          source: sourceSettings({}, storage),
          targetSettings: { tlsVerify: false },
        },
        hastyRun(),
      );
    /** Rows but for catalogs, whose every rebuild by oc-mirror has another digest. */
    const plain = (rows: readonly string[]): string[] =>
      comparable(rows).filter((row) => !/(?:operator-index|community-index)\t/.test(row));

    test('08-incremental: the second generation carries only new blobs, is loaded after the first alone, and nothing new makes nothing', async () => {
      const name = '08-incremental';
      const folder = await work();
      const storage = path.join(folder, 'storage');
      const tag = path.join(source.storage, 'docker/registry/v2/repositories/acme/rolling/_manifests/tags/latest');
      const first = await step(name, folder, { config: 'isc-1.yaml' });
      writeFileSync(
        path.join(tag, 'current/link'),
        'sha256:f0a4bf97aabe2c89a8ecc4ddb8546fe831fbeadf6d4f630828e38e53aff3b28b',
      );
      const second = await step(name, folder, { config: 'isc-2.yaml' });
      expect([first.state, first.generation, second.state, second.generation]).toEqual(['complete', 1, 'complete', 2]);
      const earlier = new Set(readPlan({ build: first }).blobs.map((blob) => blob.digest));
      const plan = readPlan({ build: second });
      expect(plan.blobs.filter((blob) => earlier.has(blob.digest))).toEqual([]);
      // Of 243 blobs of the link tree oc-mirror's second archive has 121: the catalogs are rebuilt, the rest is the same content.
      const theirs = goldenBlobs(name, '2-m2d-build2').filter((digest) => plan.assumed.includes(digest as never));
      expect(theirs).toEqual([]);
      expect(plan.totals.selected.bytes).toBe(plan.totals.assumed.bytes + plan.totals.carried.bytes);

      await expect(loadInto(second.folder, path.join(await temporaryFolder(), 'alone'))).rejects.toMatchObject({
        code: 'BASE_MISSING',
      });
      await loadInto(first.folder, storage);
      expect(plain(await listStorage(storage))).toEqual(plain(goldenRegistry(name, '3-d2m-build1') ?? []));
      await loadInto(second.folder, storage);
      expect(plain(await listStorage(storage))).toEqual(plain(goldenRegistry(name, '4-d2m-build2') ?? []));

      expect(await step(name, folder, { config: 'isc-2.yaml' })).toMatchObject({ state: 'nothing-new' });
      expect(readdirSync(path.join(folder, 'out')).filter((entry) => entry.startsWith('gen-'))).toHaveLength(2);
      const full = await step(name, folder, { config: 'isc-2.yaml', full: true });
      expect(full).toMatchObject({ state: 'complete', generation: 3 });
      expect(readPlan({ build: full }).assumed).toEqual([]);
    });

    test('08b-incremental-no-catalog: the second alone goes into a registry that holds the first, and what an empty one lacks is named', async () => {
      const name = '08b-incremental-no-catalog';
      const folder = await work();
      const first = await step(name, folder, { config: 'isc-1.yaml' });
      const second = await step(name, folder, { config: 'isc-2.yaml' });
      const into = (bundle: string, registry: string) =>
        load(
          {
            bundle,
            target: { kind: 'registry', registry, prefix: '' },
            outputFolder: path.join(folder, 'cluster-resources'),
            source: sourceSettings({}, folder),
            targetSettings: { tlsVerify: false },
          },
          hastyRun(),
        );
      const empty = await startDockerRegistry();
      const alone = await into(second.folder, empty.host);
      expect(alone.state).toBe('partial');
      expect(alone.copied?.failures.length).toBeGreaterThan(0);
      const registry = await startDockerRegistry();
      expect((await into(first.folder, registry.host)).state).toBe('loaded');
      expect(await into(second.folder, registry.host)).toMatchObject({ state: 'loaded', copied: { failures: [] } });
      expect(await into(second.folder, registry.host)).toMatchObject({ state: 'nothing-new' });
    });

    test('13n-rerun-after-failure: an incomplete build leaves no bundle, and the corrected set makes a whole first one', async () => {
      const name = '13n-rerun-after-failure';
      const folder = await work();
      const bad = await step(name, folder, { config: 'isc-bad.yaml' });
      expect(bad).toMatchObject({ state: 'incomplete', errorBits: 8 });
      expect(readdirSync(path.join(folder, 'out'))).not.toContain('gen-000001');
      const good = await step(name, folder);
      expect(good).toMatchObject({ state: 'complete', generation: 1, missing: [] });
      const storage = path.join(folder, 'storage');
      await loadInto(good.folder, storage);
      expect(plain(await listStorage(storage))).toEqual(plain(goldenRegistry(name, '3-d2m') ?? []));
      expect(await loadInto(good.folder, storage)).toMatchObject({ state: 'nothing-new' });
    });

    test('19-same-filter-again: the same filter makes nothing new, reordered packages another hash for the same catalog', async () => {
      const name = '19-same-filter-again';
      const folder = await work();
      const options = { env: source.env, chartsUrl: source.chartsUrl };
      const catalogOf = async (config: string) => {
        const { plan } = await planCase(name, folder, { ...options, config });
        return plan.images.find((image) => image.type === 'operatorCatalog' && image.targets.length > 0);
      };
      const first = await catalogOf('isc.yaml');
      expect(await step(name, folder)).toMatchObject({ state: 'complete', generation: 1 });
      expect(await step(name, folder)).toMatchObject({ state: 'nothing-new' });
      const reordered = await catalogOf('isc-reordered.yaml');
      expect(first?.tag).toMatch(goldenHashes(name, '1-m2d'));
      expect(reordered?.tag).toMatch(goldenHashes(name, '3-m2d-reordered'));
      expect(reordered?.tag).not.toBe(first?.tag);
      // oc-mirror rebuilds it with another digest; ours has the same bytes, so that there is nothing to carry (D15).
      expect(reordered?.digest).toBe(first?.digest);
      expect(await step(name, folder, { config: 'isc-reordered.yaml' })).toMatchObject({ state: 'nothing-new' });
    });
  });
});

function goldenBlobs(name: string, step: string): string[] {
  const text = readFileSync(goldenFile(name, step, 'archive.tsv') ?? '', 'utf8');
  return [...text.matchAll(/\/blobs\/sha256\/[0-9a-f]{2}\/([0-9a-f]{64})\/data/g)].map((match) => `sha256:${match[1]}`);
}

/** The filter hashes that stand in a step's archive. */
function goldenHashes(name: string, step: string): RegExp {
  const text = readFileSync(goldenFile(name, step, 'archive.tsv') ?? '', 'utf8');
  const hashes = [...text.matchAll(/_manifests\/tags\/([0-9a-f]{32})\//g)].map((match) => match[1]);
  return new RegExp(`^(?:${[...new Set(hashes)].join('|')})$`);
}
