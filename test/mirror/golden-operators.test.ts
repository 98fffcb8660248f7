import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CollectedSet } from '../../src/plan/index.ts';
import {
  collectCase,
  commandOptions,
  type GoldenSource,
  openGoldenSource,
  readTable,
  stepFolder,
  targetTags,
} from '../helpers/golden.ts';
import { describeShared } from '../helpers/real.ts';

const rebuiltTag = /:[0-9a-f]{32}$/;

/** Every file below a folder, relative. */
function walk(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
}

/** `<hash>/<package>/catalog.json` → text, as the real tool wrote it. */
function goldenCatalogs(step: string): Map<string, string> {
  const found = walk(path.join(step, 'files')).flatMap((file) => {
    const match = /filtered-catalogs\/([0-9a-f]{32})\/catalog-config\/(.+)$/.exec(file);
    return match ? [[`${match[1]}/${match[2]}`, readFileSync(path.join(step, 'files', file), 'utf8')] as const] : [];
  });
  return new Map(found);
}

function ownCatalogs(set: CollectedSet & { readonly workspace: string }): Map<string, string> {
  return new Map(
    set.files.flatMap((file) => {
      const match = /filtered-catalogs\/([0-9a-f]{32})\/catalog-config\/(.+)$/.exec(file.path);
      if (!match) return [];
      const text = readFileSync(path.join(set.workspace, 'blobs/sha256', file.sha256), 'utf8');
      return [[`${match[1]}/${match[2]}`, text] as const];
    }),
  );
}

describeShared('collectImageSet on golden operator cases', 'golden', (golden) => {
  let source: GoldenSource;
  beforeAll(async () => {
    source = await openGoldenSource(golden);
  });
  afterAll(() => source.close());
  const collect = (name: string) =>
    collectCase(source, path.join(golden, 'cases', name, 'isc.yaml'), commandOptions(golden, name), (text) =>
      text.replaceAll('$BASE/src-oci', path.join(golden, 'source/oci')),
    );

  const cases = [
    '05a-op-package-only',
    '05b-op-no-packages',
    '05c-op-channels',
    '05d-op-channel-min',
    '05e-op-channel-max',
    '05g-op-package-minmax',
    '05h-op-full-packages',
    '05i-op-full-catalog',
    '05j-op-default-channel',
    '05k-op-target-names',
    '05p-op-related-kinds',
    '05q-op-single-arch-catalog',
    '05r-op-prerelease',
    '05s-op-prerelease-range',
    '05t-op-deprecations',
    '05v-op-platforms',
    '05x01-unknown-package',
    '05x03-unknown-channel',
    '05x10-empty-range-other',
    '05y10-broken-one-good-package',
    '05y14-tag-in-path',
    '07f-blocked',
  ];
  test.each(cases)('%s selects what the real tool selected', async (name) => {
    const set = await collect(name);
    expect(set.missing).toEqual([]);
    const m2d = stepFolder(golden, name, 'm2d') ?? '';
    const plain = (tags: Iterable<readonly [string, string]>) =>
      Object.fromEntries(
        [...tags]
          .map(([tag, digest]) => [tag, tag.endsWith('.sig') || rebuiltTag.test(tag) ? 'own digest' : digest])
          .sort(),
      );
    const cache = readTable(path.join(m2d, 'cache.tsv')).filter((row) => row['tag'] !== '-');
    expect(plain(set.images.map((image) => [`${image.repository}:${image.tag}`, image.digest]))).toEqual(
      plain(cache.map((row) => [`${row['repository']}:${row['tag']}`, row['digest'] ?? ''])),
    );
    expect(Object.fromEntries(ownCatalogs(set))).toEqual(Object.fromEntries(goldenCatalogs(m2d)));
    const d2m = stepFolder(golden, name, 'd2m');
    if (!d2m) return;
    const rebuilt = new Set(set.catalogs.filter((one) => one.digest !== one.targetDigest).map((one) => `${one.repository}:${one.tag}`));
    const own = new Map(
      set.images.flatMap((image) => image.targets.map((target) => [`${target.repository}:${target.tag}`, image.digest] as const)),
    );
    const atTarget = (tags: Map<string, string>) =>
      plain([...tags].map(([tag, digest]) => [tag, rebuilt.has(tag) ? 'rebuilt' : digest] as const));
    expect(atTarget(own)).toEqual(atTarget(targetTags(d2m)));
  });
});
