import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parseSite, type Site } from '../../src/config/index.ts';
import { parseYamlStream } from '../../src/core/yaml.ts';
import { emitSite, type Resource } from '../../src/manifests/index.ts';
import { describeShared, sharedPath } from '../helpers/real.ts';
import { emitInputFor, releaseRecord } from './site-builder.ts';

/** Why a field of ours may differ from what `hcp` renders and what the labs published, for the same input; every difference has to be in the list. */
const reasons: readonly (readonly [RegExp, string])[] = [
  [/^metadata\.creationTimestamp|^status/, 'never written by us'],
  [/^spec\.(autoscaling|capabilities)$/, 'empty objects, which the server fills in'],
  [/^spec\.infraID/, 'random; the operator fills it in, and it must not change afterwards'],
  [
    /^spec\.services/,
    'four services: OIDC has no use on bare metal; the address is the name api.<cluster>, so that it can move',
  ],
  [/^spec\.additionalTrustBundle/, 'a name per cluster that changes with the CA: the operator reacts to names only'],
  [/^spec\.sshKey/, 'the name of the labs, sshkey-cluster-<name>'],
  [/^spec\.imageContentSources/, 'every rule of what was really mirrored, sorted'],
  [
    /^spec\.configuration/,
    'default catalogs are switched off at creation, the only moment when guest placement takes it',
  ],
  [/^spec\.release\.image/, 'by digest at the mirror'],
  [
    /^spec\.networking\.(clusterNetwork|serviceNetwork)\[\d\]\.hostPrefix|^spec\.networking\.machineNetwork/,
    'host prefixes written out, the machine network given',
  ],
  [
    /^spec\.networking\.(clusterNetwork|serviceNetwork)/,
    'a lab gives one family to a cluster of two, or two to a cluster of one',
  ],
  [/^spec\.infrastructureAvailabilityPolicy/, 'written out; the server would take SingleReplica'],
  [/^spec\.etcd\.managed\.storage\.restoreSnapshotURL/, 'null counts as absent'],
  [
    /^metadata\.annotations\.hypershift\.openshift\.io\/olm-catalogs-is-registry-overrides/,
    'placement management: mirror sets do not reach ImageStreams',
  ],
  [/^spec\.platform\.agent\.agentNamespace/, 'one of its own where none is asked for'],
  [
    /^spec\.platform\.agent$|^spec\.platform\.agent\.agentLabelSelector/,
    'the labels of the InfraEnv that Airlock makes for the pool',
  ],
  [/^spec\.nodeVolumeDetachTimeout/, 'no limit, written out'],
  [/^spec\.management\.inPlace/, 'one host at a time, written out'],
  [/^spec\.config/, 'tag mirrors, which a NodePool takes as a file only'],
];

function leaves(value: unknown, at = ''): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (one: unknown, place: string): void => {
    if (Array.isArray(one)) for (const [index, item] of one.entries()) walk(item, `${place}[${index}]`);
    else if (typeof one === 'object' && one !== null && Object.keys(one).length > 0)
      for (const [key, item] of Object.entries(one)) walk(item, place === '' ? key : `${place}.${key}`);
    else found.set(place, JSON.stringify(one));
  };
  walk(value, at);
  return found;
}

/** `path: theirs -> ours` of every field that differs. */
function differences(theirs: unknown, ours: unknown): { readonly place: string; readonly text: string }[] {
  const [a, b] = [leaves(theirs), leaves(ours)];
  return [...new Set([...a.keys(), ...b.keys()])]
    .filter((place) => a.get(place) !== b.get(place))
    .map((place) => ({ place, text: `${place}: ${a.get(place) ?? '–'} -> ${b.get(place) ?? '–'}` }));
}

interface RenderedCluster {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly annotations?: object;
    readonly labels?: object;
  };
  readonly spec: Readonly<Record<string, unknown>> & {
    readonly dns: { readonly baseDomain: string };
    readonly networking: Readonly<
      Record<'clusterNetwork' | 'serviceNetwork' | 'machineNetwork', readonly { cidr: string }[] | undefined>
    >;
    readonly etcd: {
      readonly managed: {
        readonly storage: { readonly persistentVolume: { readonly size: string; readonly storageClassName?: string } };
      };
    };
    readonly platform: { readonly agent: { readonly agentNamespace: string } };
    readonly sshKey?: { readonly name?: string };
  };
}

interface RenderedPool {
  readonly metadata: { readonly name: string };
  readonly spec: Readonly<Record<string, unknown>> & {
    readonly management: { readonly upgradeType: string; readonly autoRepair?: boolean };
  };
}

/** A site with every value that a rendered cluster and its pool were given. */
function siteFor({ metadata, spec }: RenderedCluster, pool: RenderedPool | undefined): Site {
  const machine =
    spec.networking.machineNetwork ??
    (spec.networking.clusterNetwork ?? []).map(({ cidr }) => ({
      cidr: cidr.includes(':') ? '2001:db8:10::/64' : '192.0.2.0/24',
    }));
  const families = new Set(machine.map(({ cidr }) => cidr.includes(':')));
  const kept = (list: readonly { cidr: string }[] | undefined): string[] =>
    (list ?? []).map(({ cidr }) => cidr).filter((cidr) => families.has(cidr.includes(':')));
  const addresses = (host: string): string[] =>
    [...families].map((six) => (six ? `2001:db8:99::${host}` : `198.51.100.${host}`));
  const volume = spec.etcd.managed.storage.persistentVolume;
  const text = JSON.stringify({
    apiVersion: 'airlock/v1alpha1',
    kind: 'Site',
    metadata: { name: 'compare' },
    spec: {
      baseDomain: spec.dns.baseDomain,
      bastion: { addresses: addresses('1') },
      managementCluster: {
        name: 'hub',
        kubeconfig: 'k',
        apiVIPs: addresses('10'),
        ingressVIPs: addresses('11'),
        nodes: [{ name: 'master-0', addresses: addresses('20') }],
      },
      hostedClusters: [
        {
          name: metadata.name,
          namespace: metadata.namespace,
          hostNamespace: spec.platform.agent.agentNamespace || undefined,
          release: '4.19.10',
          architecture: pool?.spec['arch'] ?? 'amd64',
          network: {
            machine: machine.map(({ cidr }) => cidr),
            cluster: kept(spec.networking.clusterNetwork),
            service: kept(spec.networking.serviceNetwork),
          },
          etcd: { size: volume.size, ...(volume.storageClassName ? { storageClass: volume.storageClassName } : {}) },
          controllerAvailability: spec['controllerAvailabilityPolicy'],
          infrastructureAvailability: spec['infrastructureAvailabilityPolicy'],
          olmCatalogPlacement: spec['olmCatalogPlacement'],
          fips: spec['fips'] ?? false,
          annotations: metadata.annotations,
          labels: metadata.labels,
          kubeAPIServerDNSName: spec['kubeAPIServerDNSName'],
          nodeSelector: spec['nodeSelector'],
          tolerations: spec['tolerations'],
          podLabels: spec['labels'],
          ...(spec.sshKey?.name ? { sshKeyFile: 'id.pub' } : {}),
          nodePools: [
            {
              name: pool?.metadata.name ?? metadata.name,
              hosts: [],
              replicas: pool?.spec['replicas'],
              autoScaling: pool?.spec['autoScaling'],
              upgradeType: pool?.spec.management.upgradeType,
              autoRepair: pool?.spec.management.autoRepair,
              nodeDrainTimeout: pool?.spec['nodeDrainTimeout'],
              nodeVolumeDetachTimeout: pool?.spec['nodeVolumeDetachTimeout'],
              labels: pool?.spec['nodeLabels'],
              taints: pool?.spec['taints'],
            },
          ],
        },
      ],
    },
  });
  const { value, findings } = parseSite(text, '/site/site.yaml', { folder: '/site' });
  if (!value) throw new Error(findings.map((finding) => `${finding.place?.path} ${finding.message}`).join('\n'));
  return value;
}

/** `path: theirs -> ours` of HostedCluster and NodePool in a rendered file. */
function compared(file: string): { readonly place: string; readonly text: string }[] {
  const theirs = parseYamlStream(readFileSync(file, 'utf8')) as Resource[];
  const find = (list: readonly Resource[], kind: string): unknown => list.filter((one) => one.kind === kind).at(-1);
  const pool = find(theirs, 'NodePool') as RenderedPool | undefined;
  const site = siteFor(find(theirs, 'HostedCluster') as RenderedCluster, pool);
  const architecture = site.hostedClusters[0]?.architecture ?? '';
  const ours = emitSite(emitInputFor(site, [releaseRecord('4.19.10', architecture)]))
    .filter(({ path: name }) => /^\d+-.*\.yaml$/.test(name))
    .flatMap(({ content }) => parseYamlStream(content) as Resource[]);
  return ['HostedCluster', 'NodePool'].flatMap((kind) => {
    const rendered = find(theirs, kind);
    return rendered === undefined ? [] : differences(rendered, find(ours, kind));
  });
}

function renders(): { readonly name: string; readonly file: string }[] {
  const golden = sharedPath('golden/hypershift') ?? '';
  const files =
    golden === ''
      ? []
      : readdirSync(golden)
          .filter((name) => name.endsWith('.yaml'))
          .map((name) => path.join(golden, name));
  const labs = ['jparrill-ipv4', 'jparrill-dual'].flatMap(
    (name) => sharedPath(`data/hcp/${name}/01-4.14-hosted_cluster-nodeport.yaml`) ?? [],
  );
  const rendered = sharedPath('data/hcp/rendered/agent-minimal.yaml') ?? [];
  return [...files, ...labs, ...[rendered].flat()].map((file) => ({ name: file.split('/').slice(-2).join('/'), file }));
}

describeShared('emitted clusters beside rendered and published ones', 'golden/hypershift', () => {
  test.each(renders())('differ from $name only for reasons', ({ file }) => {
    const unexplained = compared(file).filter(({ place }) => !reasons.some(([form]) => form.test(place)));
    expect(unexplained.map(({ text }) => text)).toEqual([]);
  });

  test('has no reason that nothing needs', () => {
    const places = renders().flatMap(({ file }) => compared(file).map(({ place }) => place));
    expect(reasons.filter(([form]) => !places.some((place) => form.test(place))).map(([, why]) => why)).toEqual([]);
  });
});
