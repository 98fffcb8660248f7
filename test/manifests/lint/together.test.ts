import { describe, expect, test } from 'vitest';
import { parseYamlStream, renderYaml } from '../../../src/core/yaml.ts';
import { emitSite, lintManifests, type Resource } from '../../../src/manifests/index.ts';
import { emitInputFor, fixtureSite, releaseRecord } from '../site-builder.ts';
import { readyMadeSites, siteVariants } from '../site-variants.ts';

/** Objects as a user edits them. */
type Loose = Resource & { readonly spec: Record<string, never>; data: Record<string, string> };

interface File {
  readonly file: string;
  readonly objects: Loose[];
}

const releases = [
  releaseRecord('4.19.10', 'amd64'),
  releaseRecord('4.16.9', 'amd64'),
  releaseRecord('4.18.20', 'arm64'),
];
const emitted = new Map(
  (['ipv4', 'ipv6', 'dual'] as const).map((name) => [name, emitInputFor(fixtureSite(name), releases)]),
);

function filesOf(input: Parameters<typeof emitSite>[0]): File[] {
  return emitSite(input)
    .filter(({ path: file }) => /^\d\d-.*\.yaml$/.test(file))
    .map(({ path: file, content }) => ({ file, objects: parseYamlStream(content) as Loose[] }));
}

/** `severity code` of what is found in the files together, each once; what only informs is left out. */
function lint(files: readonly File[], notes = false): string[] {
  const texts = files.map(({ file, objects }) => ({ file, text: objects.map((one) => renderYaml(one)).join('---\n') }));
  const found = lintManifests(texts).filter(({ severity }) => notes || severity !== 'info');
  return [...new Set(found.map(({ severity, code }) => `${severity} ${code}`))].sort();
}

/** The dual-stack site (clusters `intel` and `arm`) with changes to it. */
class Kitchen {
  files = filesOf(emitted.get('dual') as Parameters<typeof emitSite>[0]);

  all(kind: string, name: string): Loose[] {
    const objects = this.files.flatMap((one) => one.objects).filter((one) => one.kind === kind);
    const found = objects.filter(({ metadata }) => metadata.name === name);
    if (found.length > 0) return found;
    throw new Error(`${name} is none of ${objects.map(({ metadata }) => metadata.name).join(' ')}`);
  }

  get(kind: string, name: string): Loose {
    return this.all(kind, name)[0] as Loose;
  }

  edit(kind: string, name: string, change: (object: Loose) => void): this {
    for (const one of this.all(kind, name)) change(one);
    return this;
  }

  /** Sets a field; steps are joined with a blank, since keys hold dots. */
  set(kind: string, name: string, path: string, value: unknown): this {
    return this.edit(kind, name, (object) => {
      const steps = path.split(' ');
      const last = steps.pop() ?? '';
      let at = object as unknown as Record<string, unknown>;
      for (const step of steps) {
        at[step] ??= {};
        at = at[step] as Record<string, unknown>;
      }
      if (value === undefined) delete at[last];
      else at[last] = value;
    });
  }

  drop(kind: string, name?: string): this {
    this.files = this.files.map(({ file, objects }) => ({
      file,
      objects: objects.filter((one) => one.kind !== kind || (name !== undefined && one.metadata.name !== name)),
    }));
    return this;
  }

  add(apiVersion: string, kind: string, metadata: object, rest: object): this {
    this.files.push({
      file: `99-${this.files.length}.yaml`,
      objects: [{ apiVersion, kind, metadata, ...rest } as Loose],
    });
    return this;
  }
}

const bmac = 'bmac.agent-install.openshift.io';
const mirror = 'registry.lab.example.com:5000';
const byDigest = `@sha256:${'a'.repeat(64)}`;
const nmstate = (name: string, mac: string, ip: string): [string, string, object, object] => [
  'agent-install.openshift.io/v1beta1',
  'NMStateConfig',
  { name, namespace: 'intel-hosts', labels: { kitchen: 'yes' } },
  {
    spec: {
      interfaces: [{ name: 'eno1', macAddress: mac }],
      config: {
        interfaces: [
          { name: 'eno1', type: 'ethernet', ipv4: { enabled: true, address: [{ ip, 'prefix-length': 24 }] } },
        ],
      },
    },
  },
];

describe('lintManifests over the files of one site', () => {
  test.each([
    ...[...emitted].map(([name, input]) => ({ name: `golden ${name}`, input })),
    ...siteVariants(),
    ...readyMadeSites(),
  ])('finds nothing in what is emitted for $name', ({ input }) => {
    expect(lint(filesOf(input))).toEqual([]);
  });

  test.each<[string, (kitchen: Kitchen) => Kitchen, ...string[]]>([
    [
      'a Secret that is not there beside its siblings',
      (k) => k.drop('Secret', 'intel-etcd-encryption-key'),
      'warning LINT_REFERENCE',
    ],
    [
      'a CA map that is not there',
      (k) => k.set('HostedCluster', 'intel', 'spec additionalTrustBundle name', 'ca'),
      'warning LINT_REFERENCE',
    ],
    [
      'a CA map in the namespace of the hosts',
      (k) => k.set('Secret', 'intel-pull-secret', 'metadata namespace', 'intel-hosts'),
      'error LINT_NAMESPACE',
    ],
    [
      'a pull secret under another key',
      (k) =>
        k.edit('Secret', 'intel-pull-secret', (one) => {
          (one as { data: object }).data = { 'config.json': 'e30=' };
        }),
      'error LINT_REFERENCE',
    ],
    [
      'a mirrorRegistryRef without its map',
      (k) => k.set('AgentServiceConfig', 'agent', 'spec mirrorRegistryRef name', 'mirrors'),
      'warning LINT_REFERENCE',
    ],
    [
      'a map of settings that nobody names',
      (k) =>
        k.add(
          'v1',
          'ConfigMap',
          { name: 'settings', namespace: 'multicluster-engine' },
          { data: { ISO_IMAGE_TYPE: 'full-iso' } },
        ),
      'warning LINT_REFERENCE',
    ],
    [
      'a setting map that is not there',
      (k) =>
        k.set('AgentServiceConfig', 'agent', 'metadata annotations', {
          'unsupported.agent-install.openshift.io/assisted-service-configmap': 'none',
        }),
      'warning LINT_REFERENCE',
    ],
    [
      'a Subscription from a catalog that is not there',
      (k) => k.set('Subscription', 'multicluster-engine', 'spec source', 'redhat-operators'),
      'warning LINT_REFERENCE',
    ],
    [
      'an advertisement of a pool that is not there',
      (k) => k.set('L2Advertisement', 'ingress', 'spec ipAddressPools', ['other']),
      'warning LINT_REFERENCE',
    ],
    [
      'Image/cluster with another map',
      (k) =>
        k
          .set('Image', 'cluster', 'spec additionalTrustedCA name', 'cas')
          .drop('ConfigMap', 'registry-config')
          .add('v1', 'ConfigMap', { name: 'x', namespace: 'openshift-config' }, { data: { a: 'b' } }),
      'warning LINT_REFERENCE',
    ],
    [
      'a NodePool in another namespace than its cluster',
      (k) => k.set('NodePool', 'intel', 'metadata namespace', 'intel-hosts'),
      'error LINT_NAMESPACE',
    ],
    [
      'a BareMetalHost in another namespace than its InfraEnv',
      (k) => k.set('InfraEnv', 'intel', 'metadata namespace', 'clusters'),
      'error LINT_NAMESPACE',
      'warning LINT_REFERENCE',
    ],
    [
      'a role for hosts elsewhere',
      (k) => k.set('Role', 'capi-provider-role', 'metadata namespace', 'clusters'),
      'warning LINT_NAMESPACE',
    ],
    [
      'a selector that no host meets',
      (k) => k.set('NodePool', 'intel', 'spec platform agent agentLabelSelector', { matchLabels: { pool: 'none' } }),
      'warning LINT_HOST',
    ],
    [
      'a pool whose hosts are of another architecture',
      (k) =>
        k
          .set('InfraEnv', 'intel', 'spec cpuArchitecture', 'arm64')
          .set('InfraEnv', 'intel', 'spec osImageVersion', '4.18'),
      'error LINT_ARCHITECTURE',
    ],
    [
      'a live image that the service has not',
      (k) => k.set('InfraEnv', 'intel', 'spec osImageVersion', '4.17'),
      'warning LINT_OS_IMAGES',
    ],
    [
      'a release that the service has no live image of',
      (k) => k.set('NodePool', 'intel', 'spec release image', `${mirror}/openshift/release-images:4.17.3-x86_64`),
      'warning LINT_OS_IMAGES',
      'warning LINT_RELEASE_TAG',
    ],
    [
      'static addresses for other labels',
      (k) =>
        k
          .set('InfraEnv', 'intel', 'spec nmStateConfigLabelSelector', { matchLabels: { kitchen: 'no' } })
          .add(...nmstate('a', '02:00:00:00:00:01', '192.0.2.70')),
      'warning LINT_HOST',
    ],
    [
      'one card in two configurations',
      (k) =>
        k
          .add(...nmstate('a', '02:00:00:00:00:01', '192.0.2.70'))
          .add(...nmstate('b', '02:00:00:00:00:01', '192.0.2.71')),
      'error LINT_HOST',
    ],
    [
      'one address in two configurations',
      (k) =>
        k
          .add(...nmstate('a', '02:00:00:00:00:01', '192.0.2.70'))
          .add(...nmstate('b', '02:00:00:00:00:02', '192.0.2.70')),
      'error LINT_HOST',
    ],
    [
      'an address of a host in a pool',
      (k) => k.add(...nmstate('a', '02:00:00:00:00:01', '192.0.2.40')),
      'error LINT_ADDRESS_POOL',
    ],
    [
      'a host that nobody watches',
      (k) => k.set('Provisioning', 'provisioning-configuration', 'spec watchAllNamespaces', false),
      'error LINT_HOST',
    ],
    [
      'inspection in the classic flow',
      (k) =>
        k
          .add(
            'v1',
            'ConfigMap',
            { name: 'settings', namespace: 'multicluster-engine' },
            { data: { ALLOW_CONVERGED_FLOW: 'false' } },
          )
          .set('AgentServiceConfig', 'agent', 'metadata annotations', {
            'unsupported.agent-install.openshift.io/assisted-service-configmap': 'settings',
          }),
      'warning LINT_HOST',
    ],
    [
      'a host name of nobody',
      (k) => k.set('BareMetalHost', 'intel-worker-0', `metadata annotations ${bmac}/hostname`, 'localhost'),
      'error LINT_HOST',
    ],
    [
      'a catalog from the internet',
      (k) =>
        k.set(
          'CatalogSource',
          'cs-redhat-operator-index-v4-19',
          'spec image',
          'registry.redhat.io/redhat/redhat-operator-index:v4.19',
        ),
      'warning LINT_NOT_COVERED',
    ],
    [
      'a tag where digests are served',
      (k) =>
        k
          .set('HostedCluster', 'intel', 'spec controlPlaneRelease', {
            image: 'quay.io/openshift-release-dev/ocp-v4.0-art-dev:4.19.10',
          })
          .drop('ImageTagMirrorSet'),
      'warning LINT_NOT_COVERED',
    ],
    [
      'a release where no rule leads',
      (k) => k.set('HostedCluster', 'intel', 'spec release image', `${mirror}/ocp4/release${byDigest}`),
      'warning LINT_RELEASE_SOURCES',
    ],
    [
      'mirror sets that lack the payload',
      (k) =>
        k.edit('ImageDigestMirrorSet', 'idms-release-0', (one) => {
          const spec = one.spec as unknown as { imageDigestMirrors: { source: string }[] };
          spec.imageDigestMirrors = spec.imageDigestMirrors.filter(({ source }) => !source.includes('art-dev'));
        }),
      'warning LINT_RELEASE_SOURCES',
    ],
    [
      'discovery without the payload',
      (k) =>
        k.edit('ConfigMap', 'custom-registries', (one) => {
          one.data['registries.conf'] = (one.data['registries.conf'] ?? '').replaceAll(
            'openshift-release-dev/ocp-v4.0-art-dev',
            'kitchen/other',
          );
        }),
      'warning LINT_RELEASE_SOURCES',
    ],
    [
      'a mirror without its CA',
      (k) =>
        k.edit('ConfigMap', 'registry-config', (one) => {
          one.data = { 'other.example.com..5000': one.data[mirror.replace(':', '..')] ?? '' };
        }),
      'warning LINT_REGISTRY_KEY',
    ],
    [
      'a pull secret without the mirror',
      (k) =>
        k.edit('Secret', 'intel-pull-secret', (one) => {
          const config = { auths: { 'other.example.com': { auth: 'YTpi' } } };
          one.data = { '.dockerconfigjson': Buffer.from(JSON.stringify(config)).toString('base64') };
        }),
      'warning LINT_PULL_SECRET',
    ],
    [
      'an old policy in another file',
      (k) =>
        k.add(
          'operator.openshift.io/v1alpha1',
          'ImageContentSourcePolicy',
          { name: 'old' },
          { spec: { repositoryDigestMirrors: [{ source: 'quay.io/a', mirrors: [`${mirror}/a`] }] } },
        ),
      'error LINT_ICSP_MIXED',
      'warning LINT_ICSP',
    ],
    [
      'a policy of another file that disagrees',
      (k) =>
        k.add(
          'config.openshift.io/v1',
          'ImageDigestMirrorSet',
          { name: 'never' },
          {
            spec: {
              imageDigestMirrors: [
                {
                  source: 'quay.io/openshift-release-dev/ocp-release',
                  mirrors: [`${mirror}/openshift/release-images`],
                  mirrorSourcePolicy: 'NeverContactSource',
                },
              ],
            },
          },
        ),
      'error LINT_MIRROR_POLICY',
    ],
    [
      'a second OperatorGroup in another file',
      (k) =>
        k.add(
          'operators.coreos.com/v1',
          'OperatorGroup',
          { name: 'two', namespace: 'multicluster-engine' },
          { spec: {} },
        ),
      'error LINT_OPERATOR_GROUP',
    ],
    [
      'a pool that is newer than its cluster',
      (k) =>
        k
          .set('HostedCluster', 'intel', 'spec release image', `${mirror}/openshift/release-images:4.18.20-x86_64`)
          .set('NodePool', 'intel', 'spec release image', `${mirror}/openshift/release-images:4.19.10-x86_64`),
      'error LINT_VERSION_RULE',
      'warning LINT_RELEASE_TAG',
    ],
    [
      'a release that the engine does not install',
      (k) => k.set('HostedCluster', 'intel', 'spec release image', `${mirror}/openshift/release-images:4.20.1-x86_64`),
      'warning LINT_RELEASE_TAG',
      'warning LINT_VERSION_RULE',
    ],
    [
      'one worker for two',
      (k) =>
        k
          .set('HostedCluster', 'intel', 'spec infrastructureAvailabilityPolicy', 'HighlyAvailable')
          .set('NodePool', 'intel', 'spec replicas', 1),
      'warning LINT_REPLICAS',
    ],
    [
      'two default storage classes',
      (k) => {
        const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' };
        return k
          .add('storage.k8s.io/v1', 'StorageClass', { name: 'a', annotations }, { provisioner: 'x' })
          .add('storage.k8s.io/v1', 'StorageClass', { name: 'b', annotations }, { provisioner: 'x' });
      },
      'warning LINT_STORAGE_CLASS',
    ],
    [
      'no default storage class',
      (k) => k.add('storage.k8s.io/v1', 'StorageClass', { name: 'a' }, { provisioner: 'x' }),
      'warning LINT_STORAGE_CLASS',
    ],
    ['no install flags', (k) => k.drop('ConfigMap', 'hypershift-operator-install-flags'), 'warning LINT_INSTALL_FLAGS'],
    [
      'one name in two namespaces',
      (k) =>
        k.add(
          'hypershift.openshift.io/v1beta1',
          'HostedCluster',
          { name: 'arm', namespace: 'others' },
          { spec: k.get('HostedCluster', 'arm').spec },
        ),
      'error LINT_NAMESPACE',
      'warning LINT_NAME',
    ],
  ])('finds %s', (_, change, ...expected) => {
    expect(lint(change(new Kitchen()).files)).toEqual(expected.sort());
  });
});
