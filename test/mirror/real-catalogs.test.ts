import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { OperatorCatalog, OperatorPackage } from '../../src/config/index.ts';
import { checkCatalog } from '../../src/mirror/catalog/check.ts';
import { addDocument, type CatalogContent } from '../../src/mirror/catalog/content.ts';
import { type CatalogDocument, createDocumentParser } from '../../src/mirror/catalog/documents.ts';
import { filterCatalog } from '../../src/mirror/catalog/filter.ts';
import { formatDocument, trimDocument } from '../../src/mirror/catalog/format.ts';
import { describeShared } from '../helpers/real.ts';

/** Every document of a file, or of all files below a folder, read in small chunks. */
function readDocuments(place: string): CatalogDocument[] {
  if (statSync(place).isDirectory()) return readdirSync(place).flatMap((name) => readDocuments(path.join(place, name)));
  const documents: CatalogDocument[] = [];
  const parser = createDocumentParser(place, (document) => documents.push(document));
  const bytes = readFileSync(place);
  for (let at = 0; at < bytes.length; at += 977) parser.write(bytes.subarray(at, at + 977));
  parser.end();
  return documents;
}

function contentOf(documents: readonly CatalogDocument[]): CatalogContent {
  const content: CatalogContent = new Map();
  for (const document of documents) addDocument(content, document);
  return content;
}

function entry(packages: Partial<OperatorPackage>[] | undefined, full = false): OperatorCatalog {
  return {
    catalog: 'registry.example.com/harbour/index:v1',
    full,
    skipDependencies: false,
    platforms: [],
    packages: packages?.map((one) => ({ name: '', channels: [], ...one })),
  };
}

/** The catalog that the filter leaves, read again from what would be written. */
function filtered(documents: readonly CatalogDocument[], filter: OperatorCatalog): CatalogContent {
  const selection = filterCatalog(contentOf(documents), filter);
  const written = documents.flatMap((document) => {
    const kept = trimDocument(document, selection);
    return kept ? [formatDocument(kept)] : [];
  });
  const again: CatalogDocument[] = [];
  const parser = createDocumentParser('catalog.json', (document) => again.push(document));
  parser.write(Buffer.from(written.join('')));
  parser.end();
  return contentOf(again);
}

/** `channel: version version; …` of one package, sorted. */
function summary(content: CatalogContent, name: string): string {
  const found = content.get(name);
  return [...(found?.channels ?? [])]
    .map(
      ([channel, entries]) =>
        `${channel}: ${entries
          .map((one) => found?.bundles.get(one.name)?.version)
          .sort()
          .join(' ')}`,
    )
    .sort()
    .join('; ');
}

describeShared('filterCatalog on real catalogs', 'data/catalogs', (folder) => {
  // Worked out by hand from reference §7.3.
  test.each<[string, Partial<OperatorPackage>, string]>([
    ['community-v4.20/cat-facts-operator', { name: 'cat-facts-operator' }, 'stable: 1.1.2'],
    [
      'community-v4.20/cat-facts-operator',
      { name: 'cat-facts-operator', minVersion: '1.1' },
      'stable: 1.1.0 1.1.1 1.1.2',
    ],
    // 1.1.0 is skipped by 1.1.1, below the new head 1.1.1; 1.0.0 is skipped and out of range.
    [
      'community-v4.20/cat-facts-operator',
      { name: 'cat-facts-operator', minVersion: '1.1.0', maxVersion: '1.1.1' },
      'stable: 1.1.0 1.1.1',
    ],
    ['community-v4.20/cat-facts-operator', { name: 'cat-facts-operator', maxVersion: '1.0.0' }, 'stable: 1.0.0'],
    [
      'compliance-operator/v4.18-catalog.yaml',
      { name: 'compliance-operator' },
      '4.7: 0.1.32; release-0.1: 0.1.61; stable: 1.9.2',
    ],
    // A range leaves other channels out when nothing of them is in it.
    [
      'compliance-operator/v4.18-catalog.yaml',
      { name: 'compliance-operator', minVersion: '1.8' },
      'stable: 1.8.0 1.8.1 1.8.2 1.9.0 1.9.1 1.9.2',
    ],
    [
      'compliance-operator/v4.18-catalog.yaml',
      { name: 'compliance-operator', minVersion: '1.5.1', maxVersion: '1.6' },
      'stable: 1.5.1 1.6.0 1.6.1 1.6.2',
    ],
    [
      'compliance-operator/v4.18-catalog.yaml',
      { name: 'compliance-operator', defaultChannel: '4.7', channels: [{ name: '4.7' }] },
      '4.7: 0.1.32',
    ],
    [
      'lvms/lvm-operator-catalog-v4.18.json',
      { name: 'lvms-operator', channels: [{ name: 'stable-4.18' }] },
      'stable-4.18: 4.18.4',
    ],
    // The head skips all others and replaces none: it is kept with what it skips in the range, though it is above.
    [
      'lvms/lvm-operator-catalog-v4.18.json',
      { name: 'lvms-operator', channels: [{ name: 'stable-4.18', minVersion: '4.18.2', maxVersion: '4.18.3' }] },
      'stable-4.18: 4.18.2 4.18.3 4.18.4',
    ],
    // One version is that bundle alone, here one that the head skips: oc-mirror since 4.21 (OCPBUGS-61497).
    [
      'lvms/lvm-operator-catalog-v4.18.json',
      { name: 'lvms-operator', channels: [{ name: 'stable-4.18', minVersion: '4.18.2', maxVersion: '4.18.2' }] },
      'stable-4.18: 4.18.2',
    ],
    // Written short it is no range, but the version with zeros.
    [
      'compliance-operator/v4.18-catalog.yaml',
      { name: 'compliance-operator', minVersion: '1.6', maxVersion: '1.6' },
      'stable: 1.6.0',
    ],
    [
      'kueue-operator/v4.18-catalog.json',
      { name: 'kueue-operator', channels: [{ name: 'stable-v1.4' }, { name: 'stable-v1.0', minVersion: '1.0.0' }] },
      'stable-v1.0: 1.0.0 1.0.1; stable-v1.4: 1.4.1',
    ],
    [
      'certified-v4.18/nvidia-network-operator',
      { name: 'nvidia-network-operator', minVersion: '26', maxVersion: '26.1' },
      'stable: 26.1.0; v26.1: 26.1.0',
    ],
  ])('%s with %j keeps %s', (place, filter, expected) => {
    const content = filtered(readDocuments(path.join(folder, place)), entry([filter]));
    expect(summary(content, filter.name ?? '')).toBe(expected);
    expect(checkCatalog(content)).toEqual([]);
  });

  // The version is looked for in the whole package: a channel that has others only is left without entries, which oc-mirror keeps and opm refuses.
  test.each<[Partial<OperatorPackage>, RegExp]>([
    [{ minVersion: '1.6.3', maxVersion: '1.6.3' }, /no bundle has the version 1\.6\.3/],
    [
      { channels: [{ name: 'stable' }, { name: '4.7', minVersion: '9.9.9', maxVersion: '9.9.9' }] },
      /no bundle .* 9\.9\.9/,
    ],
    [
      { minVersion: '0.1.32', maxVersion: '0.1.32', channels: [{ name: 'stable' }] },
      /default channel stable has nothing in the range >=0\.1\.32 <=0\.1\.32$/,
    ],
    [
      { minVersion: '0.1.32', maxVersion: '0.1.32' },
      /name one that has as its defaultChannel \(4\.7(?:, release-0\.1)?\)/,
    ],
  ])('one version that is not there, %j, is refused', (filter, message) => {
    const documents = readDocuments(path.join(folder, 'compliance-operator/v4.18-catalog.yaml'));
    expect(() => filtered(documents, entry([{ name: 'compliance-operator', ...filter }]))).toThrow(message);
  });

  const places = folder
    ? readdirSync(folder).flatMap((group) => {
        const inside = path.join(folder, group);
        if (group === 'edge' || group === 'multicluster-engine' || group === 'operator-registry') return [];
        return group === 'oc-mirror' || group === 'lvms' || /^(?:community|certified|dir)/.test(group)
          ? readdirSync(inside).map((name) => `${group}/${name}`)
          : [group];
      })
    : ['-'];

  test.each(places)('whatever is asked of %s, what is kept passes the rules of opm', (place) => {
    const documents = readDocuments(path.join(folder, place));
    const content = contentOf(documents);
    expect(checkCatalog(content)).toEqual([]);
    expect(checkCatalog(filtered(documents, entry(undefined)))).toEqual([]);
    expect(checkCatalog(filtered(documents, entry(undefined, true)))).toEqual([]);
    for (const [name, one] of content) {
      const versions = [...one.bundles.values()].map((bundle) => bundle.version ?? '');
      for (const version of versions) {
        for (const range of [
          { minVersion: version },
          { maxVersion: version },
          { minVersion: version, maxVersion: version },
        ]) {
          try {
            expect(checkCatalog(filtered(documents, entry([{ name, ...range }])))).toEqual([]);
          } catch (error) {
            // The default channel may have nothing in the range: that is refused, never written.
            expect(error).toMatchObject({ code: expect.stringMatching(/^CATALOG_(?:FILTER_INVALID|EMPTY)$/) });
          }
        }
      }
    }
  });

  test.each([['invalid-array.json', 'CATALOG_UNREADABLE']])('%s is refused', (name, code) => {
    expect(() => readDocuments(path.join(folder, 'edge', name))).toThrow(expect.objectContaining({ code }));
  });

  test('several objects on one line are several documents', () => {
    expect(readDocuments(path.join(folder, 'edge/valid-ndjson-one-line.json')).length).toBeGreaterThan(1);
  });

  test('deprecations follow what is kept, and other schemas of a kept package stay', () => {
    const documents = readDocuments(path.join(folder, 'edge/anakin-boba-deprecations.json'));
    const selection = filterCatalog(contentOf(documents), entry([{ name: 'anakin' }]));
    const kept = documents.map((document) => trimDocument(document, selection)).filter((one) => one !== undefined);
    expect(kept.some((document) => document['package'] === 'boba-fett')).toBe(false);
    const bundles = new Set(kept.filter((one) => one['schema'] === 'olm.bundle').map((one) => one['name']));
    for (const one of kept.filter((document) => document['schema'] === 'olm.deprecations')) {
      for (const { reference } of one['entries'] as { reference: { schema: string; name?: string } }[])
        if (reference.schema === 'olm.bundle') expect(bundles).toContain(reference.name);
    }
  });
});

describe('checkCatalog', () => {
  const good = [
    { schema: 'olm.package', name: 'crane', defaultChannel: 'stable' },
    {
      schema: 'olm.channel',
      package: 'crane',
      name: 'stable',
      entries: [{ name: 'crane.v2', replaces: 'crane.v1' }, { name: 'crane.v1' }],
    },
    ...['1.0.0', '2.0.0'].map((version) => ({
      schema: 'olm.bundle',
      package: 'crane',
      name: `crane.v${version[0]}`,
      image: `registry.example.com/crane@sha256:${version}`,
      properties: [{ type: 'olm.package', value: { packageName: 'crane', version } }],
    })),
  ];
  const versionOf = (version: string) => [{ type: 'olm.package', value: { packageName: 'crane', version } }];
  const deprecate = (...entries: readonly (readonly [object, string])[]) => ({
    schema: 'olm.deprecations',
    package: 'crane',
    entries: entries.map(([reference, message]) => ({ reference, message })),
  });
  const change = (at: number, with_: object): object[] =>
    good.map((document, index) => (index === at ? { ...document, ...with_ } : document));

  /** The newer bundle as a release of the older one's version, under a name. */
  const ofRelease = (version: string, release: string, name: string): object[] => {
    const properties = [{ type: 'olm.package', value: { packageName: 'crane', version, release } }];
    return change(3, { name, properties }).map((document, at) =>
      at === 1 ? { ...document, entries: [{ name, replaces: 'crane.v1' }, { name: 'crane.v1' }] } : document,
    );
  };

  test.each<[string, object[], RegExp | undefined]>([
    ['a good catalog', good, undefined],
    ['no package', good.slice(1), /no olm.package/],
    ['an unknown default channel', change(0, { defaultChannel: 'fast' }), /default channel "fast" does not exist/],
    ['an empty channel', change(1, { entries: [] }), /no entries/],
    [
      'two heads',
      change(1, { entries: [{ name: 'crane.v2' }, { name: 'crane.v1' }] }),
      /multiple channel heads found: crane.v1, crane.v2/,
    ],
    [
      'a cycle',
      change(1, {
        entries: [
          { name: 'crane.v2', replaces: 'crane.v1' },
          { name: 'crane.v1', replaces: 'crane.v2' },
        ],
      }),
      /no head/,
    ],
    [
      'a cycle below the head',
      change(1, {
        entries: [
          { name: 'crane.v3', replaces: 'crane.v2' },
          { name: 'crane.v2', replaces: 'crane.v1' },
          { name: 'crane.v1', replaces: 'crane.v2' },
        ],
      }),
      /cycle/,
    ],
    [
      // opm goes no further than to an entry that is skipped.
      'an entry below a skipped one',
      change(1, {
        entries: [
          { name: 'crane.v3', replaces: 'crane.v2', skips: ['crane.v2'] },
          { name: 'crane.v2', replaces: 'crane.v1' },
          { name: 'crane.v1' },
        ],
      }),
      /does not reach: crane.v1/,
    ],
    [
      'an entry twice',
      change(1, { entries: [{ name: 'crane.v2', replaces: 'crane.v1' }, { name: 'crane.v1' }, { name: 'crane.v1' }] }),
      /entry crane.v1 stands there twice/,
    ],
    [
      'an entry without bundle',
      change(1, {
        entries: [
          { name: 'crane.v3', replaces: 'crane.v2' },
          { name: 'crane.v2', replaces: 'crane.v1' },
          { name: 'crane.v1' },
        ],
      }),
      /no bundle crane.v3/,
    ],
    ['a bundle in no channel', change(1, { entries: [{ name: 'crane.v2' }] }), /crane.v1 is in no channel/],
    [
      'two bundles of one version',
      change(3, { properties: [{ type: 'olm.package', value: { packageName: 'crane', version: '1.0.0' } }] }),
      /one version 1.0.0/,
    ],
    ['two releases of one version', ofRelease('1.0.0', '2', 'crane-v1.0.0-2'), undefined],
    ['a release in words', ofRelease('1.0.0-rc.1', 'hotfix.3', 'crane-v1.0.0-rc.1-hotfix.3'), undefined],
    [
      'a release under any name',
      ofRelease('1.0.0', '2', 'crane.v2'),
      /crane\.v2 has the release 2, .* crane-v1\.0\.0-2$/,
    ],
    ['a release that is none', ofRelease('1.0.0', '02', 'crane.v2'), undefined],
    ['a release that is too long', ofRelease('1.0.0', 'a'.repeat(21), 'crane.v2'), undefined],
    [
      'a release beside build metadata',
      ofRelease('1.0.0+7', '2', 'crane-v1.0.0+7-2'),
      /has a release beside the build metadata of its version 1\.0\.0\+7/,
    ],
    [
      'a bundle of another package',
      change(3, { properties: [{ type: 'olm.package', value: { packageName: 'winch', version: '2.0.0' } }] }),
      /belongs to package "winch"/,
    ],
    ['a bundle without image', change(3, { image: '', relatedImages: [{ name: 'a', image: 'b' }] }), /has no image/],
    [
      'a bundle whose objects stand in for its image',
      change(3, {
        image: '',
        properties: [...versionOf('2.0.0'), { type: 'olm.bundle.object', value: { data: 'e30=' } }],
      }),
      undefined,
    ],
    [
      'an object in a file of its own',
      change(3, {
        properties: [...versionOf('2.0.0'), { type: 'olm.bundle.object', value: { ref: 'objects/a.yaml' } }],
      }),
      /names a file/,
    ],
    [
      'a property without value',
      change(3, { properties: [...versionOf('2.0.0'), { type: 'harbour.note' }] }),
      /without type or value/,
    ],
    [
      'a kind whose version is a number',
      change(3, {
        properties: [...versionOf('2.0.0'), { type: 'olm.gvk', value: { group: 'a.example', kind: 'A', version: 1 } }],
      }),
      /olm.gvk whose version is no text/,
    ],
    [
      'CSV metadata whose annotation is a number',
      change(3, {
        properties: [...versionOf('2.0.0'), { type: 'olm.csv.metadata', value: { annotations: { replicas: 3 } } }],
      }),
      /olm.csv.metadata with annotations/,
    ],
    ['an icon that is no base64', change(0, { icon: { base64data: '<svg>', mediatype: 'image/svg+xml' } }), /base64/],
    ['a version with a zero too many', change(3, { properties: versionOf('2.0.0-01') }), /no semantic version/],
    [
      'deprecations of what is there',
      [
        ...good,
        deprecate(
          [{ schema: 'olm.package' }, 'old'],
          [{ schema: 'olm.channel', name: 'stable' }, 'old'],
          [{ schema: 'olm.bundle', name: 'crane.v1' }, 'old'],
        ),
      ],
      undefined,
    ],
    [
      'a deprecation of what is not there',
      [...good, deprecate([{ schema: 'olm.bundle', name: 'crane.v0' }, 'old'])],
      /olm.bundle "crane.v0" refers to nothing/,
    ],
    [
      'a deprecation without a message',
      [...good, deprecate([{ schema: 'olm.channel', name: 'stable' }, ''])],
      /has no message/,
    ],
    [
      'the same deprecation twice',
      [...good, deprecate([{ schema: 'olm.package' }, 'old'], [{ schema: 'olm.package' }, 'older'])],
      /stands there twice/,
    ],
    [
      'deprecations twice',
      [...good, ...['old', 'older'].map((message) => deprecate([{ schema: 'olm.package' }, message]))],
      /olm.deprecations stands there twice/,
    ],
    ['a bundle without version', change(3, { properties: [] }), /0 olm.package properties/],
    [
      'a version that is none',
      change(3, { properties: [{ type: 'olm.package', value: { version: '2' } }] }),
      /no semantic version/,
    ],
    ['a channel twice', [...good, good[1] ?? {}], /channel stable stands there twice/],
  ])('%s', (_, documents, fault) => {
    const faults = checkCatalog(contentOf(documents as CatalogDocument[]));
    if (fault) expect(faults.join('\n')).toMatch(fault);
    else expect(faults).toEqual([]);
  });

  test.each<[string, object]>([
    ['no schema', { name: 'crane' }],
    ['a channel whose name is a number', { schema: 'olm.channel', package: 'crane', name: 4.1 }],
    [
      'an entry that replaces a number',
      { schema: 'olm.channel', package: 'crane', name: 'a', entries: [{ name: 'b', replaces: 1 }] },
    ],
  ])('a document with %s cannot be loaded', (_, document) => {
    expect(() => contentOf([document as CatalogDocument])).toThrow(
      expect.objectContaining({ code: 'CATALOG_UNREADABLE' }),
    );
  });
});
