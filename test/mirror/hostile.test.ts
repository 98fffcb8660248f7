import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkCatalog } from '../../src/mirror/catalog/check.ts';
import { addDocument, type CatalogContent } from '../../src/mirror/catalog/content.ts';
import { parseRepositoryIndex } from '../../src/mirror/helm/repository.ts';
import { parsePayload, payloadFiles } from '../../src/mirror/release/payload.ts';
import { collectParsed, type GoldenSource, openGoldenSource, readImageSet } from '../helpers/golden.ts';
import { describeShared } from '../helpers/real.ts';

describe('names that would leave their folder', () => {
  test('of a package are a fault of the catalog', () => {
    const content: CatalogContent = new Map();
    addDocument(content, { schema: 'olm.package', name: '../../bin', defaultChannel: 'stable' });
    expect(checkCatalog(content).join()).toMatch(/its name holds other characters/);
  });

  test('of a chart are left out of the index', () => {
    const index =
      'entries:\n  ../up: [{version: 1.0.0, urls: [a.tgz]}]\n  crane: [{version: ../1, urls: [a.tgz]}, {version: 1.0.0, urls: [a.tgz]}]\n';
    expect(parseRepositoryIndex(index, 'https://charts.example.com/index.yaml')).toMatchObject([
      { name: 'crane', version: '1.0.0' },
    ]);
  });

  test('of a component are refused', () => {
    const references = { spec: { tags: [{ name: '../cli', from: { name: 'quay.io/harbour/cli@sha256:0' } }] } };
    const files = new Map([[payloadFiles.references, Buffer.from(JSON.stringify(references))]]);
    expect(() => parsePayload('quay.io/harbour/release', files)).toThrow(
      expect.objectContaining({ code: 'RELEASE_PAYLOAD_INVALID' }),
    );
  });
});

describeShared('additional images under names that no registry takes', 'golden', (golden) => {
  let source: GoldenSource;
  beforeAll(async () => {
    source = await openGoldenSource(golden);
  });
  afterAll(() => source.close());

  // The rules of the configuration refuse most of these first; nothing rests on that alone.
  test.each([
    [{ name: 'registry.example.com/acme/widgets:1.0', targetTag: 'a b' }, 'IMAGE_NAME_INVALID'],
    [{ name: 'registry.example.com/acme/widgets:1.0', targetRepo: '../up' }, 'IMAGE_NAME_INVALID'],
    [{ name: 'registry.example.com/Acme/widgets:1.0' }, 'IMAGE_NAME_INVALID'],
    [{ name: 'widgets:1.0' }, 'REFERENCE_SHORT'],
    [{ name: 'oci:///nowhere/at/all' }, 'FILE_NOT_FOUND'],
  ])('%j is missing with %s', async (entry, code) => {
    const empty = readImageSet(
      'isc.yaml',
      'kind: ImageSetConfiguration\nmirror: {additionalImages: [{name: "quay.io/a/b:1"}]}\n',
    );
    const additionalImages = [{ platforms: [], ...entry }];
    const set = await collectParsed(source, { ...empty, mirror: { ...empty.mirror, additionalImages } });
    expect(set.images).toEqual([]);
    expect(set.missing).toMatchObject([{ type: 'generic', code }]);
  });
});
