import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ImageSet, OperatorCatalog } from '../../../src/config/index.ts';
import { quietRun } from '../../../src/core/run.ts';
import { filterHash, filterHashAsWritten } from '../../../src/mirror/catalog/filter-hash.ts';
import { nameCatalogs } from '../../../src/mirror/oc-mirror/catalogs.ts';
import { type ArchiveContent, createDescription } from '../../../src/mirror/oc-mirror/description.ts';
import { type Digest, digestHex, digestOf, type RepositoryContent } from '../../../src/oci/index.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const [original, rebuilt, other] = [digestOf('original'), digestOf('rebuilt'), digestOf('other')];
const entry: OperatorCatalog = {
  catalog: 'registry.example.com/harbour/index:v1',
  full: false,
  skipDependencies: false,
  platforms: [],
  packages: [{ name: 'crane-operator', channels: [] }],
};

/** Reads an archive with these names back; `filtered` is what lies under each hash. */
async function readBack(
  repositories: Readonly<Record<string, Readonly<Record<string, Digest>>>>,
  filtered: Readonly<Record<string, Digest>>,
  more: Partial<OperatorCatalog> = {},
) {
  const workingFolder = await temporaryFolder();
  for (const [hash, digest] of Object.entries(filtered)) {
    const folder = path.join(workingFolder, 'operator-catalogs/index', digestHex(original), 'filtered-catalogs', hash);
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, 'digest'), digestHex(digest));
  }
  const trees = Object.entries(repositories).map(
    ([name, tags]): RepositoryContent => ({ name, tags, revisions: Object.values(tags), layers: [] }),
  );
  const content = {
    imageSet: { mirror: { operators: [{ ...entry, ...more }] } } as unknown as ImageSet,
    repositories: trees,
    workingFolder,
    copied: new Set(),
    options: {},
  } as unknown as ArchiveContent;
  const description = createDescription(content);
  await nameCatalogs(description, quietRun());
  const { catalogs, missing, notes } = description.collector;
  const places = [...description.names.values()].flatMap(({ repository, tag, targets }) =>
    targets.map((target) => `${repository}:${tag} -> ${target.repository}:${target.tag}`),
  );
  return {
    catalogs: catalogs.map((catalog) => catalog.targetDigest),
    missing: missing.map((one) => one.code),
    ...(notes.length > 0 ? { notes: notes.map((note) => note.code) } : {}),
    places,
  };
}

describe('a filtered catalog', () => {
  const own = filterHash(entry, original);

  test.each([
    ['as newer ones compute it', own],
    ['as those up to 4.21 compute it', filterHashAsWritten(entry)],
  ])('is found by its hash %s, beside those of earlier filters', async (_, hash) => {
    const tags = { v1: original, [hash]: rebuilt, [`${'0'.repeat(32)}`]: other };
    const found = await readBack({ 'harbour/index': tags }, { [hash]: rebuilt, ['0'.repeat(32)]: other });
    expect(found).toEqual({
      catalogs: [rebuilt],
      missing: [],
      places: [`harbour/index:${hash} -> harbour/index:v1`],
    });
  });

  test('whose source template is not there has the plain form, with a note', async () => {
    const repositories = { 'harbour/index': { v1: original, [own]: rebuilt } };
    const found = await readBack(
      repositories,
      { [own]: rebuilt },
      { targetCatalogSourceTemplate: '/nonexistent/cs.yaml' },
    );
    expect(found).toMatchObject({ catalogs: [rebuilt], missing: [], notes: ['CATALOG_TEMPLATE_UNREADABLE'] });
  });

  test('is found where the tag stands in the path, and the binary put the hash there', async () => {
    const repositories = { 'harbour/index': { v1: original }, [`${own}/index`]: { v1: rebuilt } };
    expect(await readBack(repositories, { [own]: rebuilt })).toMatchObject({
      catalogs: [rebuilt],
      places: [`${own}/index:v1 -> harbour/index:v1`],
    });
  });

  test.each([
    ['is not there', { [own]: rebuilt }],
    ['cannot be told from others', { ['0'.repeat(32)]: other, ['1'.repeat(32)]: rebuilt }],
  ])('that %s is missing: the whole one never takes its place', async (_, filtered) => {
    expect(await readBack({ 'harbour/index': { v1: original } }, filtered)).toEqual({
      catalogs: [],
      missing: ['OC_MIRROR_ARCHIVE_INCOMPLETE'],
      places: [],
    });
  });
});
