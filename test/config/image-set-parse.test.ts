import { describe, expect, test } from 'vitest';
import { formatFinding, type ImageSet, parseDeleteImageSet, parseImageSet } from '../../src/config/index.ts';

const head = 'apiVersion: mirror.openshift.io/v2alpha1\nkind: ImageSetConfiguration\n';
const image = '  additionalImages:\n  - name: quay.io/kitchen/kettle:1\n';

function load(body: string): ImageSet {
  const { value, findings } = parseImageSet(head + body, 'isc.yaml');
  if (!value) throw new Error(findings.map(formatFinding).join('\n'));
  return value;
}

function faults(body: string): string[] {
  return parseImageSet(head + body, 'isc.yaml').findings.map(formatFinding);
}

describe('parseImageSet', () => {
  test('fills in defaults', () => {
    const { archiveSizeGib, mirror } = load('mirror:\n  platform:\n    channels:\n    - name: stable-4.19\n');
    expect(archiveSizeGib).toBe(500);
    expect(mirror.platform).toEqual({
      graph: false,
      kubeVirtContainer: false,
      release: undefined,
      architectures: ['amd64'],
      platforms: [],
      channels: [
        {
          name: 'stable-4.19',
          type: 'ocp',
          minVersion: undefined,
          maxVersion: undefined,
          shortestPath: false,
          full: false,
        },
      ],
    });
    expect(mirror).toMatchObject({
      operators: [],
      additionalImages: [],
      blockedImages: [],
      samples: [],
      helm: { repositories: [], local: [] },
    });
  });

  test('reads every field', () => {
    const text = `archiveSize: 4
mirror:
  platform:
    graph: true
    kubeVirtContainer: true
    platforms: [{os: linux, architecture: arm64}]
    channels:
    - {name: okd, type: okd, minVersion: 4.18.1, maxVersion: 4.19.0, shortestPath: true, full: true}
  operators:
  - catalog: registry.redhat.io/redhat/redhat-operator-index:v4.19
    targetCatalog: kitchen/index
    targetTag: v1
    full: true
    skipDependencies: true
    targetCatalogSourceTemplate: cs.yaml
    platforms: [{os: linux, architecture: amd64}]
    packages:
    - name: kettle
      defaultChannel: stable
      channels: [{name: stable}, {name: fast}]
  additionalImages:
  - {name: "quay.io/kitchen/pot@sha256:${'a'.repeat(64)}", targetRepo: my/pot, targetTag: v2, platforms: [{os: linux, architecture: s390x}]}
  - name: oci:///srv/pan
  helm:
    repositories:
    - name: kitchen
      url: https://charts.example.com/
      charts: [{name: stove, version: 1.2.3, imagePaths: ["{.spec.x}"]}]
    local: [{name: oven, path: ./oven.tgz}]
  blockedImages: [{name: .*-test}]
`;
    expect(load(text)).toMatchObject({
      archiveSizeGib: 4,
      mirror: {
        platform: {
          graph: true,
          kubeVirtContainer: true,
          architectures: [],
          platforms: [{ os: 'linux', architecture: 'arm64' }],
          channels: [{ type: 'okd', minVersion: '4.18.1', maxVersion: '4.19.0', shortestPath: true, full: true }],
        },
        operators: [
          {
            targetCatalog: 'kitchen/index',
            targetTag: 'v1',
            full: true,
            skipDependencies: true,
            targetCatalogSourceTemplate: 'cs.yaml',
            platforms: [{ os: 'linux', architecture: 'amd64' }],
            packages: [{ name: 'kettle', defaultChannel: 'stable', channels: [{ name: 'stable' }, { name: 'fast' }] }],
          },
        ],
        additionalImages: [
          { targetRepo: 'my/pot', targetTag: 'v2', platforms: [{ os: 'linux', architecture: 's390x' }] },
          { name: 'oci:///srv/pan' },
        ],
        helm: {
          repositories: [{ name: 'kitchen', charts: [{ name: 'stove', version: '1.2.3', imagePaths: ['{.spec.x}'] }] }],
          local: [{ path: './oven.tgz' }],
        },
        blockedImages: [{ name: '.*-test' }],
      },
    });
  });

  test.each([
    ['packages left out', '', undefined],
    ['packages without a value', '    packages:\n', undefined],
    ['packages: null', '    packages: null\n', undefined],
    ['packages: []', '    packages: []\n', []],
  ])('tells %s apart for the filter hash', (_, line, packages) => {
    expect(load(`mirror:\n  operators:\n  - catalog: quay.io/a/b:v1\n${line}`).mirror.operators[0]?.packages).toEqual(
      packages,
    );
  });

  test('takes an empty list of charts for none of them, with a warning, and no list for all', () => {
    const repository = (charts: string) =>
      `mirror:\n${image}  helm:\n    repositories:\n    - {name: kitchen, url: 'https://charts.example.com/'${charts}}\n`;
    expect(load(repository('')).mirror.helm.repositories).toMatchObject([{ name: 'kitchen', charts: [] }]);
    expect(load(repository(', charts: ')).mirror.helm.repositories).toMatchObject([{ name: 'kitchen', charts: [] }]);
    const { value, findings } = parseImageSet(head + repository(', charts: []'), 'isc.yaml');
    expect(value?.mirror.helm.repositories).toEqual([]);
    expect(findings).toMatchObject([{ severity: 'warning', code: 'CONFIG_NO_EFFECT' }]);
  });

  test('takes keys in any letter case below the first level', () => {
    expect(
      load('mirror:\n  AdditionalImages:\n  - NAME: quay.io/kitchen/kettle:1\n').mirror.additionalImages[0]?.name,
    ).toBe('quay.io/kitchen/kettle:1');
    expect(faults('Mirror:\n  additionalImages: []\n')[0]).toContain('"Mirror" should be written "mirror"');
    expect(faults(`mirror:\n${image}  additionalimages: []\n`)[0]).toContain('"additionalImages" is set twice');
  });

  test.each([
    ['4', 4],
    ['4.0', 4],
    ['1e1', 10],
    ['0', 500],
    ['', 500],
  ])('takes archiveSize: %s', (written, size) => {
    expect(load(`archiveSize: ${written}\nmirror:\n${image}`).archiveSizeGib).toBe(size);
  });

  test.each([
    ['archiveSize: "3"', /2?3:14: archiveSize: has to be a whole number, but is the text "3" \(take the quotes away\)/],
    ['archiveSize: 1.5', /has to be a whole number, but is the number 1\.5/],
    ['archiveSize: -1', /from 1 to/],
    ['archiveSize: true', /has to be a whole number, but is true/],
    ['archiveSize: []', /has to be a whole number, but is a list/],
  ])('refuses %s', (line, reason) => {
    expect(faults(`${line}\nmirror:\n${image}`).join('\n')).toMatch(reason);
  });

  test.each([
    ['a float for a version', 'platform: {channels: [{name: a, minVersion: 4.16}]}', /quotes: "4\.16"/],
    [
      'text for a switch',
      'platform: {graph: "true", release: "a.b/c:1"}',
      /has to be true or false, but is the text "true" \(take the quotes away\)/,
    ],
    ['a mapping for a list', 'operators: {catalog: quay.io/a/b:c}', /operators: has to be a list, but is a mapping/],
    ['a list for a mapping', 'platform: [1]', /platform: has to be a mapping, but is a list/],
    [
      'plain images',
      'additionalImages: [quay.io/a/b:c]',
      /additionalImages\[0\]: has to be a mapping.*\(write "- name: …"\)/,
    ],
    [
      'yes for a name',
      'additionalImages: [{name: yes}]',
      /has to be text, but is yes \(which YAML reads as true\) \(put it in quotes: "yes"\)/,
    ],
    ['an empty catalog', 'operators: [{catalog: ""}]', /"catalog" is missing or empty/],
    ['a catalog without tag', 'operators: [{catalog: quay.io/a/b}]', /tag and digest are empty/],
    ['a bad digest', 'additionalImages: [{name: "quay.io/a/b@sha256:12"}]', /is not a digest/],
    ['upper case in a path', 'additionalImages: [{name: "quay.io/A/b:1"}]', /"A\/b" is not a repository path/],
    ['a bad tag', 'additionalImages: [{name: "quay.io/a/b:-1"}]', /"-1" is not a tag/],
    ['a bad target tag', 'additionalImages: [{name: "quay.io/a/b:1", targetTag: "a b"}]', /"a b" is not a tag/],
    ['a bad target path', 'additionalImages: [{name: "quay.io/a/b:1", targetRepo: /x}]', /invalid target path "\/x"/],
    ['an unknown transport', 'additionalImages: [{name: "dir:///x"}]', /"dir:\/\/" cannot be mirrored/],
    [
      'half a platform',
      'additionalImages: [{name: "quay.io/a/b:1", platforms: [{os: linux}]}]',
      /"architecture" is missing/,
    ],
    [
      'a package without name',
      'operators: [{catalog: "quay.io/a/b:1", packages: [{minVersion: 1.0.0}]}]',
      /packages\[0\]\.name: "name" is missing/,
    ],
    [
      'the same channel twice',
      'operators: [{catalog: "quay.io/a/b:1", packages: [{name: p, channels: [{name: c}, {name: c}]}]}]',
      /channel "c": duplicate/,
    ],
    [
      'an operator range that is empty',
      'operators: [{catalog: "quay.io/a/b:1", packages: [{name: p, minVersion: 2.0.0, maxVersion: 1.0.0}]}]',
      /above maxVersion/,
    ],
    ...['" 1.2.3"', '1.2.3-01'].map((version): [string, string, RegExp] => [
      `the operator version ${version}`,
      `operators: [{catalog: "quay.io/a/b:1", packages: [{name: p, minVersion: ${version}}]}]`,
      /must respect semantic versioning/,
    ]),
    [
      'another spelling of an architecture',
      'platform: {architectures: [x86_64], channels: [{name: a}]}',
      /did you mean "amd64"/,
    ],
    ['a blocked glob', 'blockedImages: [{name: "*x"}]', /patterns are regular expressions: write \.\*/],
    ['an empty blocked pattern', 'blockedImages: [{name: ""}]', /blocks every image/],
    ['a chart repository without url', 'helm: {repositories: [{name: a}]}', /"url" is missing/],
    ['a local chart without path', 'helm: {local: [{name: a}]}', /"path" is missing/],
    ['KubeVirt without a release', 'platform: {kubeVirtContainer: true}', /taken from a release/],
  ])('refuses %s', (_, body, reason) => {
    const { value, findings } = parseImageSet(`${head}mirror: {${body}}\n`, 'isc.yaml');
    expect(value).toBeUndefined();
    expect(findings.map(formatFinding).join('\n')).toMatch(reason);
  });

  test.each([
    ['a misspelled key, not that the right one is missing', 'additionalImages: [{names: "quay.io/a/b:1"}]', /"name"\?/],
    ['a number for an architecture', 'platform: {channels: [{name: a}], architectures: [64]}', /quotes: "64"/],
    ['a list under a misspelled key', 'platform: {channels: [{name: a}], releases: [b]}', /did you mean "release"/],
    [
      'letter case twice',
      'additionalImages: [{name: "quay.io/a/b:1", Name: "quay.io/a/b:1"}]',
      /remove one of the two/,
    ],
    ['a list for a mapping', 'platform: []', /write "graph: …"/],
    ['an expression that RE2 does not have', 'blockedImages: [{name: "a(?=b)"}]', /RE2 has no look-around/],
    ['a chart without name', 'helm: {repositories: [{name: a, url: "http://h.io/", charts: [{}]}]}', /index/],
  ])('says once, with what to do: %s', (_, line, reason) => {
    const [only, ...others] = parseImageSet(`${head}mirror:\n  ${line}\n`, 'isc.yaml').findings.filter(
      (one) => one.severity === 'error',
    );
    expect(others).toEqual([]);
    expect(only?.hint).toBeTruthy();
    expect(only && formatFinding(only)).toMatch(reason);
  });

  test.each([
    ['', 'the file is empty'],
    ['# nothing yet\n', 'the file is empty'],
    [`kind: 5\napiVersion: mirror.openshift.io/v2alpha1\nmirror:\n${image}`, 'cannot parse "5"'],
    ['- a\n', 'has to be a mapping with kind'],
    ['{', 'look at the brackets'],
  ])('says once what is wrong with %j', (text, reason) => {
    const [only, ...others] = parseImageSet(text, 'isc.yaml').findings;
    expect(others).toEqual([]);
    expect(only && formatFinding(only)).toContain(reason);
  });

  test('tells everything at once, in the order of the file', () => {
    const text = `apiVersion: mirror.openshift.io/v2alpha1
kind: ImageSetConfiguration
archiveSize: big
storageConfig: {}
mirror:
  platform:
    chanels:
    - name: stable-4.19
    channels:
    - name: stable-4.19
      minVersion: 4.19
    - name: stable-4.19
      minVersion: "4.19"
  operators:
  - catalog: registry.redhat.io/redhat/redhat-operator-index
    packages:
    - nam: kettle
  additionalImages:
  - quay.io/kitchen/pot:1
`;
    const places = parseImageSet(text, 'isc.yaml').findings.map(
      ({ code, place }) => `${place?.line}:${place?.column} ${place?.path} ${code}`,
    );
    expect(places).toEqual([
      '3:14 archiveSize CONFIG_TYPE',
      '4:1 storageConfig CONFIG_V1',
      '7:5 mirror.platform.chanels CONFIG_UNKNOWN_FIELD',
      '11:19 mirror.platform.channels[0].minVersion CONFIG_TYPE',
      '12:13 mirror.platform.channels[1].name CONFIG_DUPLICATE',
      '13:19 mirror.platform.channels[1].minVersion CONFIG_VALUE',
      '15:14 mirror.operators[0].catalog CONFIG_VALUE',
      '17:7 mirror.operators[0].packages[0].nam CONFIG_UNKNOWN_FIELD',
      '19:5 mirror.additionalImages[0] CONFIG_TYPE',
    ]);
  });

  test.each(['constructor', '__proto__', 'toString'])('takes the key %s for a key like any other', (key) => {
    const [finding] = parseImageSet(`${head}${key}: 1\nmirror:\n${image}`, 'isc.yaml').findings;
    expect(finding).toMatchObject({ code: 'CONFIG_UNKNOWN_FIELD', place: { path: key } });
  });

  test('quotes unusual keys in paths', () => {
    const [finding] = parseImageSet(`${head}"a\\nb.c": 1\nmirror:\n${image}`, 'isc.yaml').findings;
    expect(finding?.place?.path).toBe('["a\\nb.c"]');
    expect(finding?.message).toBe('unknown field "a b.c"');
  });

  test('warns of what is read and then ignored', () => {
    const body = `mirror:\n  platform:\n    release: quay.io/a/b:1\n    channels:\n    - {name: x, type: rhel}\n  samples: [{name: a}]\n---\nkind: Other\n`;
    const { value, findings } = parseImageSet(head + body, 'isc.yaml');
    expect(value).toBeDefined();
    expect(findings.map(({ severity, place }) => `${severity} ${place?.path}`).sort()).toEqual([
      'warning ',
      'warning mirror.platform.channels',
      'warning mirror.platform.channels[0].type',
      'warning mirror.samples',
    ]);
  });

  test('loads one catalog under two names when both select the same, with a warning', () => {
    const body = 'mirror:\n  operators:\n  - catalog: quay.io/a/b:1\n  - {catalog: "quay.io/a/b:1", targetTag: v2}\n';
    expect(load(body).mirror.operators).toHaveLength(2);
    expect(faults(body).join()).toMatch(/isc\.yaml:6:\d+: .*warning: .*also on line 5/);
  });

  test.each([
    ['the same path on two hosts', '{catalog: "quay.io/a/b:1"}', '{catalog: "docker.io/a/b:1"}', 'a/b:1'],
    ['two folders of one name', '{catalog: "oci:///m/index"}', '{catalog: "oci:///n/index"}', 'index:latest'],
    ['a folder and a registry', '{catalog: "oci:///m/b"}', '{catalog: "q.io/b:1", targetTag: latest}', 'b:latest'],
  ])('refuses %s, of which one would be lost', (_, one, other, name) => {
    const catalogs = (second: string): string => `mirror:\n  operators:\n  - ${one}\n  - ${second}\n`;
    expect(faults(catalogs(other)).join()).toMatch(
      new RegExp(`isc\\.yaml:6:\\d+: .* would be ${name} in the mirror, and so would the one on line 5.*targetTag`),
    );
    expect(faults(catalogs(other.replace(/(, targetTag: latest)?\}/, ', targetTag: "9"}')))).toEqual([]);
  });

  test('takes two digests of one path for two catalogs, which get names of their own', () => {
    const digests = ['a', 'b'].map((digit) => `  - catalog: quay.io/a/b@sha256:${digit.repeat(64)}\n`);
    expect(load(`mirror:\n  operators:\n${digests.join('')}`).mirror.operators).toHaveLength(2);
  });

  test('finds two catalogs that a target name makes one', () => {
    const body =
      'mirror:\n  operators:\n  - catalog: quay.io/a/b:1\n  - {catalog: "quay.io/a/c:2", targetCatalog: a/b, targetTag: "1"}\n';
    expect(faults(body).join()).toMatch(/duplicate found in configuration, first on line 5/);
  });
});

describe('parseDeleteImageSet', () => {
  const text = (body: string): string =>
    `apiVersion: mirror.openshift.io/v2alpha1\nkind: DeleteImageSetConfiguration\n${body}`;

  test('takes platforms beside architectures, as oc-mirror does, and says that they win', () => {
    const both =
      'platform: {channels: [{name: a}], architectures: [arm64], platforms: [{os: linux, architecture: amd64}]}';
    const text = `kind: DeleteImageSetConfiguration\napiVersion: mirror.openshift.io/v2alpha1\ndelete:\n  ${both}\n`;
    const { value, findings } = parseDeleteImageSet(text, 'disc.yaml');
    expect(value?.delete.platform.platforms).toHaveLength(1);
    expect(findings.map((one) => one.code)).toEqual(['CONFIG_CONFLICT']);
  });

  test('always has an architecture when there are channels', () => {
    const body =
      'delete:\n  platform:\n    platforms: [{os: linux, architecture: arm64}]\n    channels: [{name: stable-4.19}]\n';
    expect(parseDeleteImageSet(text(body), 'd.yaml').value?.delete.platform.architectures).toEqual(['amd64']);
  });

  test('says that no shortest path is looked for', () => {
    const channel = '{name: stable-4.19, minVersion: 4.19.1, maxVersion: 4.19.9, shortestPath: true}';
    const [only] = parseDeleteImageSet(text(`delete: {platform: {channels: [${channel}]}}\n`), 'd.yaml').findings;
    expect(only).toMatchObject({ code: 'CONFIG_NO_EFFECT', severity: 'warning' });
  });

  test('takes the update graph alone', () => {
    expect(parseDeleteImageSet(text('delete: {platform: {graph: true}}\n'), 'd.yaml').findings).toEqual([]);
  });

  test.each([
    ['archiveSize: 4\ndelete: {additionalImages: [{name: "quay.io/a/b:1"}]}', /archiveSize.*makes no archive/],
    ['delete: {blockedImages: []}', /a deletion has no such field/],
    ['mirror: {}', /mirror: is not allowed in DeleteImageSetConfiguration/],
    ['', /missing the `delete` stanza/],
  ])('refuses %j', (body, reason) => {
    expect(parseDeleteImageSet(text(body), 'd.yaml').findings.map(formatFinding).join('\n')).toMatch(reason);
  });
});
