import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parseSite, type Site } from '../../src/config/index.ts';
import { parseYamlStream } from '../../src/core/yaml.ts';
import { emitSite, type Resource } from '../../src/manifests/index.ts';
import { describeShared, sharedPath } from '../helpers/real.ts';
import { emitInputFor, releaseRecord } from './site-builder.ts';

/** Why a field of ours may differ from what `hcp` renders and what the labs published; every difference has to be in the list. */
const reasons: readonly (readonly [RegExp, string])[] = [
  [/^metadata\.(annotations|labels|creationTimestamp)/, 'annotations and labels of that site; ours come by version'],
  [/^status/, 'never written by us'],
  [/^spec\.(autoscaling|capabilities)$/, 'empty objects, which the server fills in'],
  [/^spec\.infraID/, 'random; the operator fills it in, and it must not change afterwards'],
  [
    /^spec\.services/,
    'four services: OIDC has no use on bare metal; the address is the name api.<cluster>, so that it can move',
  ],
  [/^spec\.additionalTrustBundle/, 'a name per cluster that changes with the CA: the operator reacts to names only'],
  [/^spec\.sshKey/, 'the name of the labs, sshkey-cluster-<name>; our sample site gives no key'],
  [/^spec\.imageContentSources/, 'every rule of what was really mirrored, sorted'],
  [
    /^spec\.configuration/,
    'default catalogs are switched off at creation, the only moment when guest placement takes it',
  ],
  [/^spec\.olmCatalogPlacement/, 'guest: mirror sets of the hub do not reach ImageStreams'],
  [/^spec\.release\.image/, 'by digest at the mirror'],
  [
    /^spec\.networking\.(clusterNetwork|serviceNetwork|machineNetwork)/,
    'host prefixes written out, the machine network given, ranges of the site',
  ],
  [
    /^spec\.(controllerAvailabilityPolicy|infrastructureAvailabilityPolicy)/,
    'HighlyAvailable unless the site says otherwise',
  ],
  [/^spec\.etcd\.managed\.storage\.restoreSnapshotURL/, 'null counts as absent'],
  [/^spec\.(pullSecret|platform\.agent)/, 'hosts lie in a namespace of their own; names derived from the cluster'],
  [/^spec\.(fips|kubeAPIServerDNSName)/, 'asked for by that command line'],
  [
    /^spec\.management\.(autoRepair|upgradeType|inPlace)/,
    'InPlace without repair, one host at a time: a wiped host does not come back by itself',
  ],
  [
    /^spec\.(replicas|nodeDrainTimeout|nodeVolumeDetachTimeout)/,
    'no replicas at first: Agents have to wait before hosts are asked for',
  ],
  [/^spec\.config\[|^spec\.config$/, 'time servers of the site'],
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
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly dns: { readonly baseDomain: string };
    readonly networking: Readonly<
      Record<'clusterNetwork' | 'serviceNetwork' | 'machineNetwork', readonly { cidr: string }[] | undefined>
    >;
    readonly etcd: {
      readonly managed: {
        readonly storage: { readonly persistentVolume: { readonly size: string; readonly storageClassName?: string } };
      };
    };
  };
}

/** A site with the values that a rendered cluster was given. */
function siteFor({ metadata, spec }: RenderedCluster): Site {
  const machine =
    spec.networking.machineNetwork ??
    (spec.networking.clusterNetwork ?? []).map(({ cidr }) => ({
      cidr: cidr.includes(':') ? '2001:db8:10::/64' : '192.0.2.0/24',
    }));
  const families = new Set(machine.map(({ cidr }) => cidr.includes(':')));
  const kept = (list: readonly { cidr: string }[] | undefined): string[] =>
    (list ?? []).map(({ cidr }) => cidr).filter((cidr) => families.has(cidr.includes(':')));
  const volume = spec.etcd.managed.storage.persistentVolume;
  const text = JSON.stringify({
    apiVersion: 'airlock/v1alpha1',
    kind: 'Site',
    metadata: { name: 'compare' },
    spec: {
      baseDomain: spec.dns.baseDomain,
      bastion: { addresses: [...families].map((six) => (six ? '2001:db8:99::1' : '198.51.100.1')) },
      managementCluster: {
        name: 'hub',
        kubeconfig: 'k',
        apiVIPs: [...families].map((six) => (six ? '2001:db8:99::10' : '198.51.100.10')),
        ingressVIPs: [...families].map((six) => (six ? '2001:db8:99::11' : '198.51.100.11')),
        nodes: [
          { name: 'master-0', addresses: [...families].map((six) => (six ? '2001:db8:99::20' : '198.51.100.20')) },
        ],
      },
      hostedClusters: [
        {
          name: metadata.name,
          namespace: metadata.namespace,
          release: '4.19.10',
          network: {
            machine: machine.map(({ cidr }) => cidr),
            cluster: kept(spec.networking.clusterNetwork),
            service: kept(spec.networking.serviceNetwork),
          },
          etcd: { size: volume.size, ...(volume.storageClassName ? { storageClass: volume.storageClassName } : {}) },
          nodePools: [{ name: metadata.name, hosts: [] }],
        },
      ],
    },
  });
  const { value, findings } = parseSite(text, '/site/site.yaml', { folder: '/site' });
  if (!value) throw new Error(findings.map((finding) => `${finding.place?.path} ${finding.message}`).join('\n'));
  return value;
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
  return [...files, ...labs].map((file) => ({ name: file.split('/').slice(-2).join('/'), file }));
}

describeShared('emitted clusters beside rendered and published ones', 'golden/hypershift', () => {
  test.each(renders())('differ from $name only for reasons', ({ file }) => {
    const theirs = parseYamlStream(readFileSync(file, 'utf8')) as Resource[];
    const cluster = theirs.find(({ kind }) => kind === 'HostedCluster') as unknown as RenderedCluster & Resource;
    const site = siteFor(cluster);
    const files = emitSite(emitInputFor(site, [releaseRecord('4.19.10', 'amd64')]));
    const ours = files
      .filter(({ path: name }) => /^\d\d-.*\.yaml$/.test(name))
      .flatMap(({ content }) => parseYamlStream(content) as Resource[]);
    for (const kind of ['HostedCluster', 'NodePool']) {
      const rendered = theirs.find((one) => one.kind === kind);
      if (!rendered) continue;
      const made = ours.find((one) => one.kind === kind);
      const unexplained = differences(rendered, made).filter(
        ({ place }) => !reasons.some(([form]) => form.test(place)),
      );
      expect(unexplained.map(({ text }) => text)).toEqual([]);
    }
  });

  test('has no reason that nothing needs', () => {
    const places = renders().flatMap(({ file }) => {
      const theirs = parseYamlStream(readFileSync(file, 'utf8')) as Resource[];
      const cluster = theirs.find(({ kind }) => kind === 'HostedCluster') as unknown as RenderedCluster & Resource;
      const files = emitSite(emitInputFor(siteFor(cluster), [releaseRecord('4.19.10', 'amd64')]));
      const ours = files
        .filter(({ path: name }) => /^\d\d-.*\.yaml$/.test(name))
        .flatMap(({ content }) => parseYamlStream(content) as Resource[]);
      return ['HostedCluster', 'NodePool'].flatMap((kind) =>
        differences(
          theirs.find((one) => one.kind === kind) ?? {},
          ours.find((one) => one.kind === kind),
        ).map(({ place }) => place),
      );
    });
    expect(reasons.filter(([form]) => !places.some((place) => form.test(place))).map(([, why]) => why)).toEqual([]);
  });
});
