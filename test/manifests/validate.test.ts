import { describe, expect, test } from 'vitest';
import { type EmitInput, siteStages, validateStages, versionFindings } from '../../src/manifests/index.ts';
import { emitInputFor, fixtureSite, releaseRecord } from './site-builder.ts';

type Cluster = EmitInput['site']['hostedClusters'][number];

/** The golden IPv6 site with its first hosted cluster, or what was mirrored, changed. */
function inputWith(change: (cluster: Cluster) => Cluster, texts: Readonly<Record<string, string>> = {}): EmitInput {
  const site = fixtureSite('ipv6');
  const changed = {
    ...site,
    hostedClusters: site.hostedClusters.map((cluster, at) => (at === 0 ? change(cluster) : cluster)),
  };
  const input = emitInputFor(changed, [releaseRecord('4.19.10', 'amd64')]);
  return { ...input, texts: { ...input.texts, ...texts } };
}

const withPool = (cluster: Cluster, more: Partial<Cluster['nodePools'][number]>): Cluster => ({
  ...cluster,
  nodePools: cluster.nodePools.map((pool, at) => (at === 0 ? { ...pool, ...more } : pool)),
});

function codes(input: EmitInput): string[] {
  return validateStages(siteStages(input), input.content).map(({ code, message }) => `${code} ${message}`);
}

const kubelet =
  'apiVersion: machineconfiguration.openshift.io/v1\nkind: KubeletConfig\nmetadata: {name: a}\nspec: {}\n';

describe('validateStages', () => {
  test('finds nothing in the golden site', () => {
    expect(codes(inputWith((cluster) => cluster))).toEqual([]);
  });

  test.each([
    [
      'apiVersion: config.openshift.io/v1\nkind: ImageTagMirrorSet\nmetadata: {name: a}\nspec: {}\n',
      /ImageTagMirrorSet, which it cannot use/,
    ],
    ['kind: [\n', /what is not YAML/],
    [`${kubelet}---\n${kubelet}`, /2 configurations of the kubelet, and takes one/],
    [
      'apiVersion: machineconfiguration.openshift.io/v1\nkind: MachineConfig\nmetadata: {name: a, labels: {machineconfiguration.openshift.io/role: master}}\nspec: {}\n',
      /a MachineConfig for no worker/,
    ],
    [
      'apiVersion: machineconfiguration.openshift.io/v1\nkind: KubeletConfig\nmetadata: {name: a}\nspec: {maxPods: 5}\n',
      /maxPods is not a field/,
    ],
  ])('finds node configuration that a pool does not take: %s', (text, message) => {
    const input = inputWith((cluster) => withPool(cluster, { machineConfigs: ['/site/odd.yaml'] }), {
      '/site/odd.yaml': text,
    });
    const found = codes(input).filter((text) => text.startsWith('EMIT_NODE_CONFIG'));
    expect(found).toEqual([expect.stringMatching(message)]);
  });

  test('finds an ed25519 key for a cluster in FIPS mode', () => {
    const input = inputWith((cluster) => ({ ...cluster, fips: true, sshKeyFile: '/site/key.pub' }), {
      '/site/key.pub': 'ssh-ed25519 AAAA cook\n',
    });
    expect(codes(input)).toEqual([expect.stringMatching(/^EMIT_SSH_KEY/)]);
  });

  test('finds hosts whose live image was not carried', () => {
    const input = inputWith((cluster) => cluster);
    const releases = input.content.releases.map((release) => ({ ...release, coreos: [] }));
    expect(codes({ ...input, content: { ...input.content, releases } })).toEqual([
      expect.stringMatching(/^EMIT_NOT_MIRRORED .* live image of x86_64, and none was carried/),
    ]);
  });

  test('finds two objects of one name that differ', () => {
    const input = inputWith((cluster) => cluster);
    const stages = siteStages(input);
    const twice = stages.map((stage) => ({
      ...stage,
      files: stage.files.flatMap((file) =>
        file.name === 'hostedcluster.yaml'
          ? [
              file,
              {
                ...file,
                resources: file.resources.map((one) => ({ ...one, spec: { ...(one['spec'] as object), fips: true } })),
              },
            ]
          : [file],
      ),
    }));
    expect(validateStages(twice, input.content).map(({ code }) => code)).toEqual(['EMIT_DOUBLED']);
  });
});

describe('versionFindings', () => {
  test.each([
    ['2.6', '4.19.10', 1],
    ['2.9', '4.19.10', 0],
    ['2.10', '4.17.3', 1],
    ['2.17', '4.30.1', 0],
    [undefined, '4.19.10', 0],
  ])('of engine %s with a cluster of %s are %i', (version, release, count) => {
    const { site } = inputWith((cluster) => ({ ...cluster, release }));
    const hub = site.managementCluster;
    if (!hub) throw new Error('fixture without hub');
    const { version: _, ...engine } = hub.multiclusterEngine;
    const multiclusterEngine = { ...engine, ...(version === undefined ? {} : { version }) };
    const { version: __, ...bare } = hub;
    const found = versionFindings({ ...site, managementCluster: { ...bare, multiclusterEngine } });
    expect(found.map(({ code }) => code)).toEqual(Array(count).fill('EMIT_VERSION'));
  });
});
