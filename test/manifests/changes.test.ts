import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ClusterObject, settleFixedFields } from '../../src/cluster/index.ts';
import { type Resource, siteStages, toApplyStages } from '../../src/manifests/index.ts';
import { type Judge, missingForJudge, startJudge } from '../helpers/crd-judge.ts';
import { sharedCrds } from './crds.ts';
import { changedSite, emitInputFor, releaseRecord } from './site-builder.ts';
import type { Change } from './wrong-objects.ts';

const title = 'sites that are changed after their objects were applied';
const missing = missingForJudge();
const releases = (['amd64', 'arm64', 'multi'] as const).flatMap((architecture) =>
  ['4.18.20', '4.19.10'].map((version) => releaseRecord(version, architecture)),
);
const intel = 'hostedClusters.0';
const arm = 'hostedClusters.1';
const pool = `${intel}.nodePools.0`;
/** What the site says before, beyond the fixture. */
const before: Change = [
  ['managementCluster.storageClasses', { etcd: 'lvms-vg1', assisted: 'lvms-vg1' }],
  [`${intel}.etcd`, { restoreSnapshotURL: 'https://minio.lab.example.com/a.db' }],
  [`${intel}.kubeAPIServerDNSName`, 'api.example.com'],
  [`${intel}.nodeSelector`, { kitchen: 'yes' }],
  [`${arm}.network.ovn`, { mtu: 1400 }],
];

/** Objects that apply would send to the management cluster, the last word on each. */
function objectsOf(change: Change): Map<string, ClusterObject> {
  const stages = toApplyStages(siteStages(emitInputFor(changedSite('dual', [...before, ...change]), releases)));
  return new Map(
    stages
      .filter(({ cluster }) => cluster === 'management')
      .flatMap(({ objects }) => objects)
      // Patches of what others made are no objects.
      .filter(({ mode }) => mode !== 'existing')
      .map(({ object }) => [`${object.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`, object]),
  );
}

/** An object as the cluster keeps it: with what operators fill in. */
function stored(object: ClusterObject): ClusterObject {
  if (object.kind !== 'HostedCluster') return object;
  const spec = object['spec'] as object;
  return { ...object, spec: { ...spec, infraID: 'intel-abcde', clusterID: '6e2ff8b5-31cc-4dd1-b1f0-5e0f2f2b1a11' } };
}

/** What server-side apply makes of it: fields that we sent once and send no more go away, those of others stay, lists are replaced whole. */
function applied(live: unknown, sentBefore: unknown, sent: unknown): unknown {
  if (!isRecord(live) || !isRecord(sent)) return sent;
  const own = isRecord(sentBefore) ? sentBefore : {};
  const kept = Object.entries(live).filter(([key]) => Object.hasOwn(sent, key) || !Object.hasOwn(own, key));
  return {
    ...Object.fromEntries(kept),
    ...Object.fromEntries(Object.entries(sent).map(([key, value]) => [key, applied(live[key], own[key], value)])),
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Faults of the server in what apply would send, and what Airlock refuses before that. */
async function change(how: Change, judge: Judge | undefined) {
  const old = objectsOf([]);
  const faults: string[] = [];
  const refused: string[] = [];
  let changed = 0;
  for (const [name, object] of objectsOf(how)) {
    const sentBefore = old.get(name);
    if (!sentBefore) continue;
    const live = stored(sentBefore);
    const { object: sent, differences } = settleFixedFields(object, live);
    refused.push(...differences.map(({ path }) => `${object.kind} ${path}`));
    // What would be sent if Airlock did not look: the server is to refuse the same.
    const after = applied(live, sentBefore, differences.length > 0 ? object : sent) as Resource;
    if (JSON.stringify(after) !== JSON.stringify(live)) changed += 1;
    if (judge && sharedCrds().has(`${object.apiVersion} ${object.kind}`))
      faults.push(...(await judge.ask(after, live)).map((fault) => `${object.kind} ${fault}`));
  }
  return { faults, refused: [...new Set(refused)], changed };
}

describe(missing ? `${title} (the server’s own rules are left out: ${missing})` : title, () => {
  let judge: Judge | undefined;
  beforeAll(() => {
    try {
      judge = missing ? undefined : startJudge();
    } catch (error) {
      if (process.env['AIRLOCK_REQUIRE_REAL'] === '1') throw error;
    }
  }, 900_000);
  afterAll(() => judge?.stop());

  test.for<[string, Change]>([
    ['a new release', [[`${arm}.release`, '4.19.10']]],
    ['no snapshot any more to start from', [[`${intel}.etcd`, undefined]]],
    [
      'another snapshot than it started from',
      [[`${intel}.etcd.restoreSnapshotURL`, 'https://minio.lab.example.com/b.db']],
    ],
    [
      'no further API name and no node selector any more',
      [
        [`${intel}.kubeAPIServerDNSName`, undefined],
        [`${intel}.nodeSelector`, undefined],
      ],
    ],
    [
      'another node selector, tolerations and labels',
      [
        [`${intel}.nodeSelector`, { other: 'yes' }],
        [`${intel}.tolerations`, [{ key: 'kitchen', operator: 'Exists' }]],
        [`${intel}.labels`, { kitchen: 'yes' }],
      ],
    ],
    ['workers for a highly available infrastructure', [[`${intel}.infrastructureAvailability`, 'HighlyAvailable']]],
    ['another namespace for hosts', [[`${intel}.hostNamespace`, 'elsewhere']]],
    [
      'lists of registries',
      [
        [`${intel}.images`, { allowedRegistries: ['docker.io'] }],
        ['managementCluster.images', { blockedRegistries: ['bad.example.com'] }],
      ],
    ],
    [
      'a proxy',
      [
        ['proxy', { httpProxy: 'http://proxy.lab.example.com:3128' }],
        [`${intel}.proxy`, { httpsProxy: 'http://proxy.lab.example.com:3128' }],
      ],
    ],
    [
      'labels, taints and a drain timeout of a pool',
      [
        [`${pool}.labels`, { kitchen: 'yes' }],
        [`${pool}.taints`, [{ key: 'kitchen', effect: 'NoSchedule' }]],
      ],
    ],
    ['a pool that scales by itself', [[`${pool}.autoScaling`, { min: 1, max: 1 }]]],
    [
      'a pool of further hosts',
      [
        [
          `${intel}.nodePools.1`,
          {
            name: 'more',
            hosts: [
              {
                name: 'worker-9',
                addresses: ['192.0.2.39', '2001:db8:10::39'],
                macAddress: '52:54:00:00:00:99',
                bmc: {
                  address: 'redfish-virtualmedia://192.0.2.99/redfish/v1/Systems/1',
                  credentialsFile: 'worker-0.bmc',
                },
              },
            ],
          },
        ],
      ],
    ],
    ['a wider range of node ports', [[`${intel}.network.nodePortRange`, '30000-32800']]],
    [
      'another time server and another BMC',
      [
        ['ntp', ['192.0.2.2', '2001:db8:10::2']],
        [`${pool}.hosts.0.bmc.address`, 'redfish-virtualmedia+https://192.0.2.91/redfish/v1/Systems/1'],
      ],
    ],
  ])('takes %s', async ([, how]) => {
    const { faults, refused, changed } = await change(how, judge);
    expect({ faults, refused }).toEqual({ faults: [], refused: [] });
    // Snapshots that are read no more change nothing, on purpose.
    if (!JSON.stringify(how).includes('etcd')) expect(changed).toBeGreaterThan(0);
  });

  test.for<[string, Change, string[]]>([
    [
      'another way of publishing',
      [
        [`${intel}.publishing`, 'LoadBalancer'],
        [`${intel}.apiAddresses`, ['192.0.2.41', '2001:db8:10::41']],
      ],
      ['HostedCluster spec.services'],
    ],
    [
      'another base domain',
      [['baseDomain', 'kitchen.example.com']],
      ['HostedCluster spec.services', 'HostedCluster spec.dns.baseDomain'],
    ],
    [
      'another pod network',
      [[`${intel}.network.cluster`, ['10.160.0.0/14', 'fd03::/48']]],
      ['HostedCluster spec.networking.clusterNetwork'],
    ],
    [
      'another service network',
      [[`${intel}.network.service`, ['172.29.0.0/16', 'fd04::/112']]],
      ['HostedCluster spec.networking.serviceNetwork'],
    ],
    [
      'another machine network',
      [[`${intel}.network.machine`, ['192.0.0.0/16', '2001:db8:10::/64']]],
      ['HostedCluster spec.networking.machineNetwork'],
    ],
    [
      'another prefix of nodes',
      [[`${intel}.network.hostPrefix`, { ipv4: 24 }]],
      ['HostedCluster spec.networking.clusterNetwork'],
    ],
    [
      'one replica of the control plane',
      [[`${intel}.controllerAvailability`, 'SingleReplica']],
      ['HostedCluster spec.controllerAvailabilityPolicy'],
    ],
    [
      'catalogs elsewhere',
      [[`${intel}.olmCatalogPlacement`, 'management']],
      ['HostedCluster spec.olmCatalogPlacement'],
    ],
    ['FIPS mode', [[`${intel}.fips`, true]], ['HostedCluster spec.fips']],
    [
      'larger volumes of etcd',
      [[`${intel}.etcd.size`, '16Gi']],
      ['HostedCluster spec.etcd.managed.storage.persistentVolume.size'],
    ],
    [
      'another storage class of etcd',
      [[`${intel}.etcd.storageClass`, 'fast']],
      ['HostedCluster spec.etcd.managed.storage.persistentVolume.storageClassName'],
    ],
    [
      'a snapshot for a cluster that is there',
      [[`${arm}.etcd`, { restoreSnapshotURL: 'https://minio.lab.example.com/b.db' }]],
      ['HostedCluster spec.etcd.managed.storage.restoreSnapshotURL'],
    ],
    ['hosts that are replaced', [[`${pool}.upgradeType`, 'Replace']], ['NodePool spec.management.upgradeType']],
    ['a pool of another architecture', [[`${pool}.architecture`, 'arm64']], ['NodePool spec.arch']],
  ])('refuses %s before anything is sent, as the server would', async ([, how, fields]) => {
    const { faults, refused } = await change(how, judge);
    expect(refused.sort()).toEqual([...fields].sort());
    if (judge) expect(faults).not.toEqual([]);
  });

  test.for<[string, Change, string[]]>([
    [
      'another card to boot from',
      [[`${pool}.hosts.0.macAddress`, '52:54:00:00:00:77']],
      ['BareMetalHost spec.bootMACAddress'],
    ],
    [
      'another storage class of the assisted service',
      [['managementCluster.storageClasses.assisted', 'fast']],
      ['databaseStorage', 'filesystemStorage', 'imageStorage'].map(
        (name) => `AgentServiceConfig spec.${name}.storageClassName`,
      ),
    ],
  ])('refuses %s, which webhooks and volumes do', async ([, how, fields]) => {
    expect((await change(how, undefined)).refused).toEqual(fields);
  });

  test('refuses to take away what it set once and can never go, and lets be what others set', async () => {
    const disabled = { disabled: ['Insights'] };
    const [ours, live] = [objectsOf([]), objectsOf([[`${intel}.capabilities`, disabled]])].map((all) =>
      all.get('HostedCluster clusters/intel'),
    );
    if (!ours || !live) throw new Error('no HostedCluster');
    expect(settleFixedFields(ours, live).differences).toEqual([]);
    const fieldsV1 = { 'f:spec': { 'f:capabilities': { 'f:disabled': {} } } };
    const managedFields = [{ manager: 'airlock', operation: 'Apply', fieldsV1 }];
    const own = { ...live, metadata: { ...live.metadata, managedFields } };
    expect(settleFixedFields(ours, own).differences).toMatchObject([{ path: 'spec.capabilities', before: disabled }]);
    if (judge) expect(await judge.ask(ours, live)).not.toEqual([]);
  });

  test('follows a cluster that `hcp` made: its order of services, its OIDC, its prefixes without a length for nodes', async () => {
    const ours = objectsOf([]).get('HostedCluster clusters/intel');
    if (!ours) throw new Error('no HostedCluster');
    const spec = ours['spec'] as {
      readonly services: readonly { readonly service: string }[];
      readonly networking: { readonly clusterNetwork: readonly { readonly cidr: string }[] };
    };
    const services = [...spec.services, { ...spec.services[0], service: 'OIDC' }].sort((a, b) =>
      a.service < b.service ? -1 : 1,
    );
    const clusterNetwork = spec.networking.clusterNetwork.map(({ cidr }) => ({ cidr }));
    const live = { ...ours, spec: { ...spec, services, networking: { ...spec.networking, clusterNetwork } } };
    const { object, differences } = settleFixedFields(ours, live);
    expect(differences).toEqual([]);
    expect(object['spec']).toMatchObject({ services, networking: { clusterNetwork } });
    if (judge) {
      expect(await judge.ask(object, live)).toEqual([]);
      expect(await judge.ask(ours, live)).not.toEqual([]);
    }
    // One that was published another way is not taken for ours.
    const routed = {
      ...live,
      spec: {
        ...live.spec,
        services: services.map(({ service }) => ({ service, servicePublishingStrategy: { type: 'Route' } })),
      },
    };
    expect(settleFixedFields(ours, routed).differences).toHaveLength(1);
  });
});
