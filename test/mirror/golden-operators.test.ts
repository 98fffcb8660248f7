import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  archiveTags,
  collectCase,
  collectParsed,
  commandOptions,
  type GoldenSet,
  type GoldenSource,
  linkHash,
  openGoldenSource,
  readImageSet,
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

function ownCatalogs(set: GoldenSet): Map<string, string> {
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

  // What differs from the real tool, with the row of docs/differences-from-oc-mirror.md that says why.
  const ownBundleImage = {
    // D5: a bundle image that the catalog forgot to list among its related images is carried all the same.
    extra: /^acme-mu\/mu-operator-bundle:/,
  };
  const emptyChannel = {
    // D4: a channel that would be left without entries is left out, since opm refuses it.
    catalog: (text: string) =>
      text.replace(
        /\{\n {4}"schema": "olm.channel",\n {4}"name": "preview",\n {4}"package": "gamma-operator",\n {4}"entries": \[\]\n\}\n/,
        '',
      ),
  };
  const tagInPath = {
    // D6: the rebuilt catalog of a path that holds the tag's text keeps its repository.
    rename: (tag: string) =>
      tag.replace(/^2f50f6d44095541a84967ef9a95aee0d\/catalog:v1$/, 'v1/catalog:2f50f6d44095541a84967ef9a95aee0d'),
  };
  type Difference = { extra?: RegExp; catalog?: (text: string) => string; rename?: (tag: string) => string };
  const cases: [string, Difference?][] = [
    ['05a-op-package-only'],
    ['05b-op-no-packages'],
    ['05c-op-channels'],
    ['05d-op-channel-min'],
    ['05e-op-channel-max'],
    ['05g-op-package-minmax', emptyChannel],
    ['05h-op-full-packages'],
    ['05i-op-full-catalog', ownBundleImage],
    ['05j-op-default-channel'],
    ['05k-op-target-names'],
    ['05p-op-related-kinds'],
    ['05q-op-single-arch-catalog', ownBundleImage],
    ['05r-op-prerelease'],
    ['05s-op-prerelease-range', emptyChannel],
    ['05t-op-deprecations'],
    ['05v-op-platforms'],
    ['05x01-unknown-package'],
    ['05x03-unknown-channel'],
    ['05x10-empty-range-other'],
    ['05y10-broken-one-good-package'],
    ['05y14-tag-in-path', tagInPath],
    ['07f-blocked'],
  ];
  test.each(cases)('%s selects what the real tool selected', async (name, differs: Difference = {}) => {
    const set = await collect(name);
    expect(set.missing).toEqual([]);
    const m2d = stepFolder(golden, name, 'm2d') ?? '';
    const isOwn = (tag: string) => tag.endsWith('.sig') || rebuiltTag.test(tag);
    const plain = (tags: Iterable<readonly [string, string]>) =>
      Object.fromEntries(
        [...tags]
          .filter(([tag]) => !differs.extra?.test(tag))
          .map(([tag, digest]): [string, string] => [differs.rename?.(tag) ?? tag, digest])
          .map(([tag, digest]) => [tag, isOwn(tag) ? 'own digest' : digest])
          .sort(),
      );
    const inStorage = new Map(set.images.map((image) => [`${image.repository}:${image.tag}`, image.digest as string]));
    if (existsSync(path.join(m2d, 'cache.tsv'))) {
      const cache = readTable(path.join(m2d, 'cache.tsv')).filter((row) => row['tag'] !== '-');
      expect(plain(inStorage)).toEqual(
        plain(cache.map((row) => [`${row['repository']}:${row['tag']}`, row['digest'] ?? ''])),
      );
    } else {
      expect(plain([...inStorage].map(([tag, digest]) => [tag, linkHash(digest)]))).toEqual(plain(archiveTags(m2d)));
    }
    const catalogs = [...goldenCatalogs(m2d)].map(([file, text]) => [file, differs.catalog?.(text) ?? text]);
    expect(Object.fromEntries(ownCatalogs(set))).toEqual(Object.fromEntries(catalogs));
    const d2m = stepFolder(golden, name, 'd2m');
    if (!d2m) return;
    const rebuilt = new Set(
      set.catalogs.filter((one) => one.digest !== one.targetDigest).map((one) => `${one.repository}:${one.tag}`),
    );
    const atTarget = (tags: Iterable<readonly [string, string]>) =>
      plain([...tags].map(([tag, digest]) => [tag, rebuilt.has(tag) ? 'rebuilt' : digest] as const));
    const own = set.images.flatMap((image) =>
      image.targets.map((target) => [`${target.repository}:${target.tag}`, image.digest as string] as const),
    );
    expect(atTarget(own)).toEqual(atTarget(targetTags(d2m)));
  });

  // Folders of ours stand for those of the golden machine, so tags that hash the path are compared by form.
  test.each(['05n-op-oci-catalog', '05n2-op-oci-target', '05n5-op-oci-full'])(
    '%s carries a catalog from an OCI layout',
    async (name) => {
      const set = await collect(name);
      expect(set.missing).toEqual([]);
      const cache = readTable(path.join(stepFolder(golden, name, 'm2d') ?? '', 'cache.tsv'));
      const form = (tag: string) => tag.replace(rebuiltTag, ':hash');
      expect(set.images.map((image) => form(`${image.repository}:${image.tag}`)).sort()).toEqual(
        cache
          .filter((row) => row['tag'] !== '-')
          .map((row) => form(`${row['repository']}:${row['tag']}`))
          .sort(),
      );
      const digests = new Map(cache.map((row) => [`${row['repository']}:${row['tag']}`, row['digest']]));
      for (const image of set.images.filter((one) => one.type === 'operatorCatalog' && !/^[0-9a-f]{32}$/.test(one.tag)))
        expect(image.digest).toBe(digests.get(`${image.repository}:${image.tag}`));
    },
  );

  // Reading such a configuration as one file is refused by its rules already; the collector can do both all the same.
  test.each(['05n3-op-oci-twice', '05n4-op-catalog-twice'])('%s makes both catalogs', async (name) => {
    const file = path.join(golden, 'cases', name, 'isc.yaml');
    const text = readFileSync(file, 'utf8').replaceAll('$BASE/src-oci', path.join(golden, 'source/oci'));
    const [head = '', ...entries] = text.split(/^ {2}(?=- catalog:)/m);
    const sets = entries.map((entry) => readImageSet(file, `${head}  ${entry}`));
    const [first] = sets;
    if (!first) throw new Error(`${file} has no catalogs`);
    const operators = sets.flatMap((one) => one.mirror.operators);
    const set = await collectParsed(source, { ...first, mirror: { ...first.mirror, operators } });
    expect(set.missing).toEqual([]);
    expect(set.catalogs).toHaveLength(2);
    expect(new Set(set.catalogs.map((one) => `${one.repository}:${one.tag}`)).size).toBe(2);
    const carried = new Set(set.images.map((image) => image.digest));
    for (const catalog of set.catalogs) expect(carried).toContain(catalog.targetDigest);
  });

  test.each([
    ['05x02-only-unknown-package', 'operatorCatalog', 'CATALOG_EMPTY', /nothing .* is selected/],
    ['05x04-default-filtered', 'operatorCatalog', 'CATALOG_FILTER_INVALID', /default channel "stable"/],
    ['05x05-full-and-range', 'operatorCatalog', 'CATALOG_FILTER_INVALID', /full: true cannot go with a version range/],
    [
      '05x09-empty-range-default',
      'operatorCatalog',
      'CATALOG_FILTER_INVALID',
      /stable has nothing in the range >=9.0.0/,
    ],
    ['05y01-empty-related', 'operatorRelatedImage', 'IMAGE_NAME_INVALID', /without a name \(bundle bad-empty.v1.0.0\)/],
    ['05y02-missing-related', 'operatorRelatedImage', 'MANIFEST_UNKNOWN', /283bb9deef02e68/],
    ['05y03-oci-related', 'operatorRelatedImage', 'IMAGE_NAME_INVALID', /only images of registries/],
    ['05y04-untagged-related', 'operatorRelatedImage', 'IMAGE_NAME_INVALID', /tag and digest are empty/],
    ['05y05-no-olm-package', 'operatorCatalog', 'CATALOG_INVALID', /bad-noversion.v1.0.0 has no olm.package/],
    ['05y06-no-label', 'operatorCatalog', 'CATALOG_UNREADABLE', /has no label/],
    [
      '05y07-two-heads',
      'operatorCatalog',
      'CATALOG_INVALID',
      /multiple channel heads found: bad-heads.v1.1.0, bad-heads.v1.2.0/,
    ],
    ['05y08-cycle', 'operatorCatalog', 'CATALOG_INVALID', /cycle/],
    // D7: the real tool makes catalogs of these that opm refuses.
    ['05y09-no-default', 'operatorCatalog', 'CATALOG_INVALID', /default channel "nowhere" does not exist/],
    ['05y11-two-heads-full', 'operatorCatalog', 'CATALOG_INVALID', /multiple channel heads/],
    ['05y12-two-heads-range', 'operatorCatalog', 'CATALOG_INVALID', /multiple channel heads/],
    ['05y13-no-olm-package-range', 'operatorCatalog', 'CATALOG_INVALID', /no olm.package/],
    ['05y15-no-default-listed', 'operatorCatalog', 'CATALOG_FILTER_INVALID', /default channel "nowhere"/],
    ['05y16-missing-catalog', 'operatorCatalog', 'MANIFEST_UNKNOWN', /./],
  ])('%s says what is wrong', async (name, type, code, cause) => {
    const set = await collect(name);
    expect(set.missing).toEqual([expect.objectContaining({ type, code, cause: expect.stringMatching(cause) })]);
  });
});
