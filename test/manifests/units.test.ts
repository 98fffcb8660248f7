import { describe, expect, test } from 'vitest';
import {
  imageDigestMirrorSets,
  mergeDockerConfigs,
  mergeMirrorMappings,
  mirrorMappings,
  normaliseCertificates,
  pullReferences,
  registryConfigKey,
  renderClusterResources,
  renderRegistriesConf,
  signatureConfigMap,
  targetRepository,
} from '../../src/manifests/index.ts';
import { digestOf } from '../../src/oci/index.ts';
import { imageRecord } from './golden-records.ts';
import { catalogRecord, testCa } from './site-builder.ts';

const target = { registry: 'mirror.example.com:5000', prefix: 'airgap' };
const provenance = { createdAt: '2026-01-02T03:04:05Z', toolVersion: '0.0.0' };
const digest = digestOf('pan');

describe('targetRepository', () => {
  test.each([
    ['a/b/c', 0, 'airgap/a/b/c'],
    ['a/b/c', 2, 'airgap/a-b-c'],
    ['a/b/c', 3, 'airgap/a/b-c'],
    ['a/b/c', 9, 'airgap/a/b/c'],
  ])('joins what %s has above %i elements', (repository, maxNestedPaths, expected) => {
    expect(targetRepository(repository, { ...target, maxNestedPaths })).toBe(expected);
  });

  test('refuses a limit of one', () => {
    expect(() => targetRepository('a', { ...target, maxNestedPaths: 1 })).toThrow(
      expect.objectContaining({ code: 'NESTED_PATHS_INVALID' }),
    );
  });
});

describe('mirrorMappings', () => {
  test('compares whole path elements, where oc-mirror takes xbar for bar', () => {
    const [rule] = mirrorMappings([imageRecord('generic', `reg.example.com/bar@${digest}`, 'xbar')], target);
    expect(rule).toMatchObject({ source: 'reg.example.com/bar', mirrors: ['mirror.example.com:5000/airgap/xbar'] });
  });

  test('leaves out folders and short names, which no cluster can ask for', () => {
    const images = [imageRecord('generic', 'oci:///srv/app', 'srv/app'), imageRecord('generic', 'nginx:1', 'nginx')];
    expect(mirrorMappings(images, target)).toEqual([]);
  });

  test('keeps the rules of earlier generations beside new ones, in any order of input', () => {
    const one = mirrorMappings([imageRecord('generic', `a.example.com/x/y@${digest}`, 'x/y')], target);
    const two = mirrorMappings([imageRecord('generic', `a.example.com/x/y@${digest}`, 'moved/y')], target);
    expect(mergeMirrorMappings(one, two)).toEqual(mergeMirrorMappings(two, one));
    expect(mergeMirrorMappings(one, two).map((rule) => rule.source)).toEqual(['a.example.com/x', 'a.example.com/x/y']);
  });
});

describe('renderClusterResources', () => {
  test('gives the files of oc-mirror by name, and none that would be empty', () => {
    const content = {
      images: [
        imageRecord('operatorBundle', `registry.redhat.io/team/bundle@${digest}`, 'team/bundle'),
        imageRecord('ocpRelease', `quay.io/team/release@${digest}`, 'openshift/release-images'),
      ],
      releases: [],
      catalogs: [catalogRecord()],
      signatures: [{ digest, base64: 'c2ln' }],
      target,
      provenance,
    };
    const files = renderClusterResources(content);
    expect(files.map(({ name }) => name)).toEqual([
      'idms-oc-mirror.yaml',
      'cs-redhat-operator-index-v4-19.yaml',
      'cc-redhat-operator-index-v4-19.yaml',
      'signature-configmap.json',
      'signature-configmap.yaml',
    ]);
    expect(files.find(({ name }) => name.endsWith('.json'))?.content).toMatch(
      /^\{"kind":"ConfigMap","apiVersion":"v1","metadata":.*[^\n]$/,
    );
    const without = renderClusterResources({ ...content, images: content.images.slice(0, 1) });
    expect(without.map(({ name }) => name).filter((name) => name.startsWith('signature'))).toEqual([]);
  });

  test('names the graph and release repositories as they are under nested paths', () => {
    const images = [
      imageRecord('ocpRelease', 'quay.io/openshift-release-dev/ocp-release:4.19.10-x86_64', 'openshift/release-images'),
      imageRecord('cincinnatiGraph', 'x', 'openshift/graph-image', 'latest'),
    ];
    const files = renderClusterResources({
      images,
      releases: [],
      catalogs: [],
      signatures: [],
      target: { ...target, maxNestedPaths: 2 },
      provenance,
    });
    const update = files.find(({ name }) => name === 'updateService.yaml')?.content;
    expect(update).toContain('releases: mirror.example.com:5000/airgap/openshift-release-images\n');
    expect(update).toContain('graphDataImage: mirror.example.com:5000/airgap/openshift-graph-image:latest\n');
  });

  test('gives two catalogs that would share a name one each, the same every time', () => {
    const records = ['kitchen/index', 'harbour/index'].map((repository) => ({
      ...catalogRecord(),
      repository,
      tag: 'v1',
    }));
    const names = (catalogs: typeof records): string[] =>
      renderClusterResources({ images: [], releases: [], catalogs, signatures: [], target, provenance })
        .filter(({ name }) => name.startsWith('cs-'))
        .map(({ name, content }) => `${name} ${/image: (\S+)/.exec(content)?.[1]}`)
        .sort();
    expect(names(records)).toEqual([
      expect.stringMatching(/^cs-index-v1-[0-9a-f]{6}\.yaml mirror\.example\.com:5000\/airgap\/kitchen\/index:v1$/),
      'cs-index-v1.yaml mirror.example.com:5000/airgap/harbour/index:v1',
    ]);
    expect(names([...records].reverse())).toEqual(names(records));
  });

  test.each([
    ['harbour/kitchen_index', 'Prod_1.0', /^cs-kitchen-index-prod-1-0$/],
    ['harbour/kitchen.index', 'v1.2.3.4.5.-6', /^cs-kitchen-index-v1-2-3-4-5$/],
    [`harbour/${'kitchen-'.repeat(9)}index`, 'v1', /^cs-(?:kitchen-){6}kitch-[0-9a-f]{6}$/],
  ])('makes a name that an object may have of %s:%s', (repository, tag, expected) => {
    const catalogs = [{ ...catalogRecord(), repository, tag }];
    const files = renderClusterResources({ images: [], releases: [], catalogs, signatures: [], target, provenance });
    const name = files.find((file) => file.name.startsWith('cs-'))?.name.replace('.yaml', '') ?? '';
    expect(name).toMatch(expected);
    expect(name.length).toBeLessThanOrEqual(63);
    expect(files.map((file) => file.name)).toContain(`cc-${name.slice(3)}.yaml`);
  });

  test('takes the fields of a catalog source template, and leaves a wrong one aside', () => {
    const template =
      'apiVersion: operators.coreos.com/v1alpha1\nkind: CatalogSource\nspec: {displayName: Kitchen, image: other}\n';
    const render = (sourceTemplate: string): string =>
      renderClusterResources({
        images: [],
        releases: [],
        catalogs: [{ ...catalogRecord(), sourceTemplate }],
        signatures: [],
        target,
        provenance,
      })[0]?.content ?? '';
    expect(render(template)).toContain('displayName: Kitchen');
    expect(render(template)).toContain('image: mirror.example.com:5000/airgap/redhat/redhat-operator-index:v4.19');
    expect(render(template.replace('CatalogSource', 'Other'))).not.toContain('Kitchen');
  });
});

test('signatureConfigMap counts its keys up and takes a digest once', () => {
  const other = digestOf('pot');
  const made = signatureConfigMap(
    [
      { digest, base64: 'YQ==' },
      { digest, base64: 'Yg==' },
      { digest: other, base64: 'Yw==' },
    ],
    provenance,
  );
  expect(made?.['binaryData']).toEqual({
    [`sha256-${digest.slice(7)}-1`]: 'YQ==',
    [`sha256-${other.slice(7)}-2`]: 'Yw==',
  });
});

test('imageDigestMirrorSets leave catalogs to their CatalogSource', () => {
  const mappings = mirrorMappings(
    [imageRecord('operatorCatalog', 'registry.redhat.io/redhat/index:v4', 'redhat/index')],
    target,
  );
  expect(imageDigestMirrorSets(mappings, provenance)).toEqual([]);
});

describe('renderRegistriesConf', () => {
  const digestRule = {
    category: 'generic',
    pull: 'digest',
    source: 'quay.io/a',
    mirrors: ['m.example.com/a'],
  } as const;

  test('says once that a source is for digests only', () => {
    expect(renderRegistriesConf([digestRule])).toContain('mirror-by-digest-only = true');
  });

  test('writes one table for digest and tag, and never both forms in it', () => {
    const conf = renderRegistriesConf([digestRule, { ...digestRule, pull: 'tag', mirrors: ['m.example.com/b'] }]);
    expect(conf.match(/\[\[registry\]\]/g)).toHaveLength(1);
    expect(conf).toContain('pull-from-mirror = "digest-only"');
    expect(conf).toContain('pull-from-mirror = "tag-only"');
    expect(conf).not.toContain('mirror-by-digest-only');
  });
});

describe('mergeDockerConfigs', () => {
  test('makes one entry of the forms of one registry; the later one wins, helpers go', () => {
    const merged = mergeDockerConfigs(
      { auths: { 'https://r.example.com:5000/v2/': { auth: 'b2xk' } }, credsStore: 'secretservice' },
      { auths: { 'r.example.com:5000': { auth: 'bmV3' } } },
    );
    expect(merged).toEqual({ auths: { 'r.example.com:5000': { auth: 'bmV3' } } });
  });
});

test('normaliseCertificates parts glued and indented blocks, and keeps each once', () => {
  const pem = testCa().trim();
  const glued = `\ufeff# kitchen\n${pem}${pem.replace(/^/gm, '  ')}`;
  expect(normaliseCertificates(glued)).toBe(`${pem}\n`);
});

test('registryConfigKey joins host and port with two dots', () => {
  expect(registryConfigKey('r.example.com:5000')).toBe('r.example.com..5000');
  expect(registryConfigKey('r.example.com')).toBe('r.example.com');
});

describe('pullReferences', () => {
  test('asks by original digest, by original tag, and by the mirror’s name for catalogs and renamed tags', () => {
    const renamed = { ...imageRecord('generic', 'quay.io/a/c:1', 'a/c'), targets: [{ repository: 'a/c', tag: 'two' }] };
    const images = [
      imageRecord('generic', `quay.io/a/b:1@${digest}`, 'a/b'),
      imageRecord('generic', 'quay.io/a/d:1', 'a/d', '1'),
      imageRecord('operatorCatalog', 'registry.redhat.io/redhat/index:v4', 'redhat/index', 'v4'),
      renamed,
    ];
    expect(pullReferences(images, target).map(({ reference }) => reference)).toEqual([
      'mirror.example.com:5000/airgap/a/c:two',
      'mirror.example.com:5000/airgap/redhat/index:v4',
      `quay.io/a/b@${digest}`,
      'quay.io/a/d:1',
    ]);
  });
});
