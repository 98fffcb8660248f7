import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import * as tar from 'tar';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/index.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { collectFrom, createMemorySource, gzip, type ImageParts, type MemorySet, tarOf } from '../memory-source.ts';

const label = 'operators.operatorframework.io.index.configs.v1';
const opm = { Entrypoint: ['/bin/opm'], Cmd: ['serve', '/configs', '--cache-dir=/tmp/cache'] };
const catalog = 'registry.example.com/harbour/index:v1';

function documents(name: string, versions: readonly string[]): object[] {
  const bundles = versions.map((version) => ({
    schema: 'olm.bundle',
    package: name,
    name: `${name}.v${version}`,
    image: `registry.example.com/harbour/${name}-bundle:v${version}`,
    properties: [{ type: 'olm.package', value: { packageName: name, version } }],
    relatedImages: [{ name: '', image: `registry.example.com/harbour/${name}-bundle:v${version}` }],
  }));
  const entries = bundles.map((bundle, at) => ({
    name: bundle.name,
    ...(at > 0 ? { replaces: bundles[at - 1]?.name } : {}),
  }));
  return [
    { schema: 'olm.package', name, defaultChannel: 'stable' },
    { schema: 'olm.channel', package: name, name: 'stable', entries },
    ...bundles,
  ];
}

const json = (list: readonly object[]): string => list.map((one) => JSON.stringify(one)).join('\n');

async function collect(image: ImageParts, operators: object = {}): Promise<MemorySet> {
  const memory = createMemorySource();
  memory.tag('harbour/index:v1', memory.putImage({ config: { Labels: { [label]: '/configs' }, ...opm }, ...image }));
  return collectFrom(memory, { operators: [{ catalog, ...operators }] });
}

/** The rebuilt catalog: its index, its first instance's config, and what its last layer holds. */
async function rebuilt(set: MemorySet) {
  const image = set.images.find((one) => /^[0-9a-f]{32}$/.test(one.tag));
  if (!image) throw new Error(`no catalog was rebuilt: ${JSON.stringify(set.missing)}`);
  const read = async (digest: string) => JSON.parse((await set.read(digest)).toString('utf8'));
  const index = await read(image.digest);
  const manifest = await read(index.manifests[0].digest);
  const layer = gunzipSync(await set.read(manifest.layers.at(-1).digest));
  const files = new Map<string, string>();
  const members: tar.ReadEntry[] = [];
  const parser = new tar.Parser({
    onReadEntry(entry) {
      members.push(entry);
      let text = '';
      entry.on('data', (chunk: Buffer) => {
        text += chunk.toString('utf8');
      });
      entry.on('end', () => files.set(entry.path, text));
    },
  });
  const ended = new Promise((resolve) => void parser.on('end', () => resolve(undefined)));
  parser.end(layer);
  await ended;
  return { image, index, manifest, config: await read(manifest.config.digest), files, members };
}

/** Names of the packages that came out. */
async function packagesOf(set: MemorySet): Promise<string[]> {
  const { files } = await rebuilt(set);
  return [...files.keys()].flatMap((name) => /^configs\/([^/]+)\/catalog\.json$/.exec(name)?.[1] ?? []).sort();
}

describe('a catalog image', () => {
  const [crane, winch, buoy] = ['crane', 'winch', 'buoy'].map((name) => json(documents(name, ['1.0.0', '1.1.0'])));
  const base = { 'configs/crane/catalog.json': crane ?? '', 'configs/winch/catalog.json': winch ?? '' };

  test.each<[string, Record<string, string | null>[], string[]]>([
    ['one layer', [base], ['crane', 'winch']],
    ['names with a dot in front', [{ './configs/crane/a.json': crane ?? '' }], ['crane']],
    [
      'a file on top that takes the place of one below',
      [base, { 'configs/crane/catalog.json': buoy ?? '' }],
      ['buoy', 'winch'],
    ],
    ['a whiteout of a file', [base, { 'configs/crane/.wh.catalog.json': '' }], ['winch']],
    ['a whiteout of a folder', [base, { 'configs/.wh.winch': '' }], ['crane']],
    ['an opaque folder', [base, { 'configs/.wh..wh..opq': '', 'configs/buoy/catalog.json': buoy ?? '' }], ['buoy']],
    [
      'a whiteout beside what its own layer brings',
      [base, { 'configs/.wh.crane': '', 'configs/crane/b.json': buoy ?? '' }],
      ['buoy', 'winch'],
    ],
    [
      'other files beside the catalog',
      [{ ...base, 'etc/configs/note.txt': 'no catalog', 'configs.txt': '[' }],
      ['crane', 'winch'],
    ],
  ])('of %s is read as it looks from above', async (_, layers, expected) => {
    expect(await packagesOf(await collect({ layers: layers.map((one) => gzip(tarOf(one))) }))).toEqual(expected);
  });

  test.each<[string, Record<string, string>, string[]]>([
    ['by name', { 'configs/.indexignore': '# what is no catalog\n*.txt\nwinch\n', 'configs/a.txt': '[' }, ['crane']],
    ['by a path from the root', { 'configs/.indexignore': '/winch/catalog.json' }, ['crane']],
    ['in its own folder only', { 'configs/crane/.indexignore': 'catalog.json' }, ['winch']],
    ['but for what is put in again', { 'configs/.indexignore': 'catalog.json\n!crane/catalog.json\n' }, ['crane']],
    [
      'but for what a deeper file puts in again',
      { 'configs/.indexignore': 'catalog.json', 'configs/winch/.indexignore': '!catalog.json' },
      ['winch'],
    ],
  ])('leaves out what .indexignore names, %s', async (_, files, expected) => {
    expect(await packagesOf(await collect({ layers: [gzip(tarOf({ ...base, ...files }))] }))).toEqual(expected);
  });

  test('whose .indexignore is gone in a higher layer leaves nothing out', async () => {
    const layers = [{ ...base, 'configs/.indexignore': 'winch' }, { 'configs/.wh..indexignore': '' }];
    expect(await packagesOf(await collect({ layers: layers.map((one) => gzip(tarOf(one))) }))).toEqual([
      'crane',
      'winch',
    ]);
  });

  test.each(['/configs', 'configs', '/configs/', 'configs/'])('with the label %s is found', async (root) => {
    const set = await collect({ layers: [gzip(tarOf(base))], config: { Labels: { [label]: root }, ...opm } });
    expect(await packagesOf(set)).toEqual(['crane', 'winch']);
  });

  test('whose catalog lies elsewhere serves the filtered one from /configs', async () => {
    const config = { Labels: { [label]: '/opt/olm/catalog', owner: 'harbour' }, ...opm };
    const { config: made } = await rebuilt(
      await collect({ layers: [gzip(tarOf({ 'opt/olm/catalog/crane.json': crane ?? '' }))], config }),
    );
    expect(made.config).toEqual({
      Entrypoint: ['/bin/opm'],
      Cmd: ['serve', '/configs'],
      Labels: { [label]: '/configs', owner: 'harbour' },
    });
  });

  test.each<[string[], string[]]>([
    [['/bin/opm'], ['/bin/opm']],
    [['/bin/opm', 'serve', '/configs', '--cache-dir=/tmp/cache', '--cache-enforce-integrity'], ['/bin/opm']],
    [
      ['/usr/bin/tini', '--', '/bin/opm', 'serve', '/configs'],
      ['/usr/bin/tini', '--', '/bin/opm'],
    ],
  ])('with the entrypoint %j runs opm with one command', async (entrypoint, expected) => {
    const config = { Labels: { [label]: '/configs' }, Entrypoint: entrypoint };
    const { config: made } = await rebuilt(await collect({ layers: [gzip(tarOf(base))], config }));
    expect(made.config.Entrypoint).toEqual(expected);
    expect(made.config.Cmd).toEqual(['serve', '/configs']);
  });

  test('comes out as an OCI index, whatever it was, with files that anybody may read', async () => {
    const plain = await rebuilt(await collect({ layers: [gzip(tarOf(base))], family: 'docker' }));
    expect(plain.index).toMatchObject({
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [{ platform: { os: 'linux', architecture: 'amd64' } }],
    });
    expect(plain.manifest.mediaType).toBe('application/vnd.oci.image.manifest.v1+json');
    expect(plain.members.map((one) => [one.path, one.mode, one.uid, one.gid, one.mtime?.getTime()])).toEqual([
      ['configs', 0o755, 0, 0, 0],
      ['configs/crane', 0o755, 0, 0, 0],
      ['configs/crane/catalog.json', 0o644, 0, 0, 0],
      ['configs/winch', 0o755, 0, 0, 0],
      ['configs/winch/catalog.json', 0o644, 0, 0, 0],
    ]);
  });

  test('keeps every instance, each with the same two layers on top', async () => {
    const memory = createMemorySource();
    const config = { Labels: { [label]: '/configs' }, ...opm };
    const images = ['arm64', 'amd64', 's390x'].map((architecture) => ({
      ...memory.putImage({
        layers: [gzip(tarOf({ ...base, [`bin/${architecture}`]: architecture }))],
        config,
        architecture,
      }),
      platform: { os: 'linux', architecture },
    }));
    // An index may list artifacts too; they are none of its images.
    const artifact = memory.putArtifact('application/vnd.harbour.sbom');
    memory.tag('harbour/index:v1', memory.putIndex([...images, artifact]));
    const set = await collectFrom(memory, { operators: [{ catalog }] });
    const { index } = await rebuilt(set);
    expect(index.manifests.map((one: { platform: object }) => one.platform)).toEqual(images.map((one) => one.platform));
    const tops = await Promise.all(
      index.manifests.map(async (one: { digest: string }) =>
        JSON.parse((await set.read(one.digest)).toString('utf8'))
          .layers.slice(-2)
          .map((layer: { digest: string }) => layer.digest),
      ),
    );
    expect(new Set(tops.map(String)).size).toBe(1);
  });

  test('gives the same bytes from YAML or JSON, one file or many, in any order', async () => {
    const all = [...documents('crane', ['1.0.0', '1.1.0']), ...documents('winch', ['2.0.0'])];
    const yaml = (one: object): string => `---\n${JSON.stringify(one, null, 1)}\n`;
    const many = Object.fromEntries([...all].reverse().map((one, at) => [`configs/deep/er/${at}.yaml`, yaml(one)]));
    const [first, second] = await Promise.all(
      [{ 'configs/all.json': json(all) }, many].map(async (files) =>
        rebuilt(await collect({ layers: [gzip(tarOf(files))] })),
      ),
    );
    expect(second?.manifest.layers.at(-1)).toEqual(first?.manifest.layers.at(-1));
    expect(first?.files.get('configs/crane/catalog.json')).toMatch(/^\{\n {4}"schema": "olm.package",\n/);
  });

  test('hands on documents of foreign schemas, those of no package in a file of their own', async () => {
    const foreign = [
      { schema: 'harbour.note', package: 'crane', name: 'b', zeta: 1, alpha: 2 },
      { schema: 'harbour.note', name: 'of nobody' },
      { schema: 'harbour.note', package: 'adrift', name: 'of no package' },
      { schema: 'harbour.note', package: '../../etc', name: 'of nowhere' },
      {
        schema: 'olm.deprecations',
        package: 'crane',
        entries: [{ reference: { schema: 'olm.bundle', name: 'crane.v1.0.0' }, message: 'old' }],
      },
      { schema: 'olm.bundle', name: 'lost.v1.0.0', image: 'registry.example.com/lost:1' },
    ];
    const layers = [gzip(tarOf({ 'configs/all.json': json([...documents('crane', ['1.0.0', '1.1.0']), ...foreign]) }))];
    const whole = await rebuilt(await collect({ layers }));
    expect([...whole.files.keys()].filter((name) => name.endsWith('.json'))).toEqual([
      'configs/adrift/catalog.json',
      'configs/catalog.json',
      'configs/crane/catalog.json',
    ]);
    expect(whole.files.get('configs/catalog.json')).toMatch(/of nobody[\s\S]*of nowhere/);
    expect(whole.files.get('configs/crane/catalog.json')).toMatch(
      /"schema": "olm.deprecations",\n {4}"package": "crane",\n {4}"entries": \[\]\n\}\n\{\n {4}"alpha": 2,\n/,
    );
    const chosen = await rebuilt(await collect({ layers }, { packages: [{ name: 'crane' }] }));
    expect([...chosen.files.keys()].filter((name) => name.endsWith('.json'))).toEqual([
      'configs/catalog.json',
      'configs/crane/catalog.json',
    ]);
  });

  test.each([
    ['{cacheDir: /tmp/cache, catalogDir: /configs}', ['CATALOG_TEMPLATE_CACHE']],
    ['{catalogDir: /configs}', []],
  ])('with a source template that extracts %s gives the notes %j', async (extractContent, codes) => {
    const template = path.join(await temporaryFolder(), 'source.yaml');
    await writeFile(
      template,
      `apiVersion: operators.coreos.com/v1alpha1\nkind: CatalogSource\nspec: {grpcPodConfig: {extractContent: ${extractContent}}}\n`,
    );
    const set = await collect({ layers: [gzip(tarOf(base))] }, { targetCatalogSourceTemplate: template });
    expect(set.notes.map((note) => note.code)).toEqual(codes);
    expect(set.catalogs[0]?.sourceTemplate).toContain('extractContent');
  });

  test('whose content opm would refuse is missing, with every fault, and nothing of it is selected', async () => {
    const broken = documents('crane', ['1.0.0']).map((one) =>
      'image' in one ? { ...one, image: '', properties: [] } : one,
    );
    const set = await collect(
      { layers: [gzip(tarOf({ 'configs/a.json': json(broken) }))] },
      { full: true, packages: [{ name: 'crane' }] },
    );
    expect(set.images).toEqual([]);
    expect(set.missing).toMatchObject([{ type: 'operatorCatalog', code: 'CATALOG_INVALID' }]);
    expect(set.missing[0]?.cause).toMatch(/0 olm.package properties.*has no image/);
  });

  test('in a folder with several entries counts as an index of them', async () => {
    const memory = createMemorySource();
    const config = { Labels: { [label]: '/configs' }, ...opm };
    const images = ['amd64', 'arm64'].map((architecture) => ({
      ...memory.putImage({ layers: [gzip(tarOf(base))], config, architecture }),
      platform: { os: 'linux', architecture },
    }));
    const folder = await temporaryFolder();
    await mkdir(path.join(folder, 'blobs/sha256'), { recursive: true });
    for (const [digest, bytes] of memory.content)
      await writeFile(path.join(folder, 'blobs/sha256', digest.slice(7)), bytes);
    const index = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: images }));
    await writeFile(path.join(folder, 'index.json'), index);
    const set = await collectFrom(memory, {
      operators: [{ catalog: `oci://${folder}`, targetCatalog: 'harbour/disk', targetTag: 'v1' }],
    });
    expect((await rebuilt(set)).index.manifests).toHaveLength(2);
    // The original is there under the digest of the folder's index.json, as in oc-mirror.
    expect(set.images.find((one) => one.tag === 'v1')?.digest).toBe(digestOf(index));
    // An additional image is one image.
    const other = await collectFrom(memory, {
      additionalImages: [{ name: `oci://${folder}`, targetRepo: 'harbour/disk' }],
    });
    expect(other.missing).toMatchObject([{ code: 'LAYOUT_INVALID' }]);
  });
});
