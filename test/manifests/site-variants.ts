import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseSite, type Site } from '../../src/config/index.ts';
import type { EmitInput } from '../../src/manifests/index.ts';
import { emitInputFor, releaseRecord } from './site-builder.ts';

type Values = Readonly<Record<string, unknown>>;

interface Variant {
  readonly name: string;
  readonly spec?: Values;
  readonly hub?: Values;
  readonly clusters: readonly Values[];
  readonly releases: readonly (readonly [version: string, architecture: string])[];
  /** Changes what was mirrored. */
  readonly content?: (input: EmitInput) => EmitInput['content'];
}

const six = { address: (host: number) => `2001:db8:10::${host}`, machine: '2001:db8:10::/64' };
const four = { address: (host: number) => `198.51.100.${host}`, machine: '198.51.100.0/24' };
type Family = typeof four;

/** A host whose BMC speaks `bmc`. */
function host(name: string, number: number, families: readonly Family[], bmc: string, more: Values = {}): Values {
  return {
    name,
    addresses: families.map((family) => family.address(number)),
    macAddress: `52:54:00:00:00:${(number % 90) + 10}`,
    bmc: { address: bmc, credentialsFile: `${name}.bmc` },
    ...more,
  };
}

const media = 'redfish-virtualmedia+https://192.0.2.90/redfish/v1/Systems/1';

function cluster(name: string, families: readonly Family[], more: Values = {}): Values {
  return {
    name,
    release: '4.19.10',
    network: { machine: families.map(({ machine }) => machine) },
    nodePools: [{ name: 'workers', hosts: [host('worker-0', 30, families, media)] }],
    ...more,
  };
}

const amd64 = [['4.19.10', 'amd64']] as const;

const variants: readonly Variant[] = [
  {
    name: 'dual stack with IPv6 first',
    clusters: [cluster('tea', [six, four], { ingressVIPs: [six.address(40), four.address(40)] })],
    releases: amd64,
  },
  {
    name: 'three clusters of two releases, both ways of publishing, Arm beside Intel',
    clusters: [
      cluster('tea', [four], {
        publishing: 'LoadBalancer',
        apiAddresses: [four.address(41)],
        ingressVIPs: [four.address(40)],
        routeHosts: { oauth: 'oauth.tea.lab.example.com', ignition: 'ignition.tea.lab.example.com' },
      }),
      cluster('jam', [four], {
        release: '4.18.20',
        architecture: 'arm64',
        hostNamespace: 'shared-hosts',
        network: { machine: [four.machine], cluster: ['10.144.0.0/14'], service: ['172.29.0.0/16'] },
        nodePools: [
          {
            name: 'jam',
            hosts: [
              host('worker-1', 31, [four], 'idrac-virtualmedia://192.0.2.91/redfish/v1/Systems/System.Embedded.1'),
            ],
          },
        ],
      }),
      cluster('pie', [four], {
        hostNamespace: 'shared-hosts',
        controllerAvailability: 'SingleReplica',
        fips: true,
        olmCatalogPlacement: 'management',
        nodePools: [
          { name: 'intel', hosts: [host('worker-2', 32, [four], media)], upgradeType: 'Replace' },
          {
            name: 'arm',
            architecture: 'arm64',
            replicas: 0,
            hosts: [
              host('worker-3', 33, [four], 'ilo5-virtualmedia://[2001:db8:20::1]/redfish/v1/Systems/1', {
                bootMode: 'UEFISecureBoot',
              }),
            ],
          },
          {
            name: 'power',
            architecture: 'ppc64le',
            hosts: [
              host('worker-4', 34, [four], 'redfish-uefihttp+http://bmc.lab.example.com:8000/redfish/v1/Systems/4'),
            ],
          },
        ],
      }),
    ],
    releases: [
      ['4.19.10', 'amd64'],
      ['4.19.10', 'multi'],
      ['4.18.20', 'arm64'],
    ],
  },
  {
    name: 'a registry of its own on port 443 with a namespace, nested paths, nothing but the release',
    spec: {
      registry: { mode: 'external', host: 'quay', port: 443, namespace: 'site/mirror', addresses: [four.address(5)] },
    },
    hub: { multiclusterEngine: { version: '2.9' } },
    clusters: [cluster('tea', [four])],
    releases: amd64,
    content: ({ content }) => ({
      ...content,
      images: content.images.filter(({ type }) => type === 'ocpRelease' || type === 'ocpReleaseContent'),
      catalogs: [],
      target: { ...content.target, maxNestedPaths: 3 },
    }),
  },
  {
    name: 'proxies, CAs and time servers of the site and of a cluster',
    spec: {
      proxy: {
        httpProxy: 'http://proxy.lab.example.com:3128',
        httpsProxy: 'https://proxy.lab.example.com:3129',
        noProxy: ['.corp.example.com', '203.0.113.0/24'],
        readinessEndpoints: ['https://registry.lab.example.com:5000/v2/'],
      },
      certificates: { trustFiles: ['corporate.pem'] },
      ntp: ['ntp.lab.example.com', six.address(1)],
    },
    hub: {
      chrony: true,
      caConfigMaps: [{ name: 'trusted-ca', namespace: 'kitchen' }],
      machineConfigs: ['a/kubelet.yaml', 'b/kubelet.yaml'],
    },
    clusters: [
      cluster('tea', [six], {
        proxy: { httpProxy: 'http://[2001:db8:10::9]:3128' },
        nodePools: [
          { name: 'workers', machineConfigs: ['c/kubelet.yaml'], tuned: ['d/tuned.yaml', 'e/tuned.yaml'], hosts: [] },
        ],
      }),
    ],
    releases: amd64,
  },
  {
    name: 'names as long as they may be',
    clusters: [
      cluster(`t${'e'.repeat(38)}a`, [four], {
        namespace: 'kitchen-clusters',
        nodePools: [
          {
            name: `w${'o'.repeat(60)}k`,
            hosts: [
              host(`h${'i'.repeat(58)}j`, 30, [four], media),
              host(`h${'i'.repeat(58)}k`, 31, [four], media.replace('90', '91')),
            ],
          },
        ],
      }),
    ],
    releases: amd64,
  },
  {
    name: 'hosts with bonds and VLANs, disks, labels and every option of a pool',
    hub: {
      multiclusterEngine: { version: '2.6', channel: 'stable-2.9', availability: 'Basic' },
      agentService: {
        convergedFlow: false,
        environment: { LOG_LEVEL: 'debug' },
        unauthenticatedRegistries: ['registry.example.com'],
      },
    },
    clusters: [
      cluster('tea', [four, six], {
        etcd: { size: '20Gi', storageClass: 'fast', restoreSnapshotURL: 'https://minio.lab.example.com/tea.db' },
        annotations: { 'hypershift.openshift.io/restart-date': '2026-01-01T00:00:00Z' },
        sshKeyFile: 'id_ed25519.pub',
        nodePools: [
          {
            name: 'workers',
            autoScaling: { min: 1, max: 5 },
            maxUnavailable: '25%',
            nodeDrainTimeout: '1h30m',
            nodeVolumeDetachTimeout: '10m',
            labels: { 'example.com/kitchen': 'warm' },
            taints: [{ key: 'kitchen', value: 'warm', effect: 'NoExecute' }],
            hosts: [
              host('worker-0', 30, [four, six], media, {
                nmstate: 'worker-0.bond.nmstate.yaml',
                interfaces: [
                  { name: 'eno1', macAddress: '52:54:00:00:00:A1' },
                  { name: 'eno2', macAddress: '52:54:00:00:00:A2' },
                ],
                rootDeviceHints: {
                  deviceName: '/dev/disk/by-path/pci-0',
                  rotational: false,
                  minSizeGigabytes: 100,
                  wwn: '0x1',
                },
                labels: { 'example.com/rack': 'a1' },
                bootMode: 'legacy',
              }),
            ],
          },
        ],
      }),
    ],
    releases: amd64,
  },
  {
    name: 'networks of the management cluster, allow lists and virtual addresses',
    hub: {
      version: '4.16.3',
      network: { nodePortRange: '29000-32900', cluster: ['10.128.0.0/12'], externalIPs: ['198.51.100.128/28'] },
      images: { allowedRegistries: ['docker.io', '*.corp.example.com'], allowedForImport: ['quay.io'] },
      updateService: true,
      ipFailover: [
        {
          name: 'api',
          virtualAddresses: ['198.51.100.60-62', '198.51.100.70'],
          groups: 2,
          vrrpIdOffset: 10,
          checkScript: 'a/run.sh',
          notifyScript: 'b/run.sh',
          image: 'registry.redhat.io/openshift4/ose-keepalived-ipfailover-rhel9:v4.19',
        },
        {
          name: 'apps',
          virtualAddresses: ['198.51.100.80'],
          vrrpIdOffset: 20,
          unicastPeers: ['198.51.100.20', '198.51.100.21'],
          image: 'registry.redhat.io/openshift4/ose-keepalived-ipfailover-rhel9:v4.19',
        },
      ],
    },
    clusters: [
      cluster('tea', [four], {
        images: { blockedRegistries: ['bad.example.com'] },
        network: { machine: [four.machine], cluster: ['10.160.0.0/14'], nodePortRange: '30000-33000' },
        sriov: {
          policies: [
            {
              name: 'fast',
              resourceName: 'fast_nic',
              virtualFunctions: 4,
              nicSelector: { pfNames: ['eno2#0-3'] },
              mtu: 9000,
              deviceType: 'vfio-pci',
            },
          ],
          networks: [
            { name: 'fast-net', namespace: 'kitchen', resourceName: 'fast_nic', vlan: 7, ipam: { type: 'dhcp' } },
          ],
        },
        networkAttachments: [
          { name: 'quiet', namespace: 'kitchen', plugin: { type: 'bridge', bridge: 'br1' }, allMulticast: true },
        ],
        ipFailover: [{ name: 'apps', virtualAddresses: ['198.51.100.40'] }],
      }),
    ],
    releases: amd64,
  },
  {
    name: 'a cluster in the prefixes that OVN-Kubernetes uses itself, without console and Insights',
    clusters: [
      cluster('tea', [four, six], {
        network: {
          machine: [four.machine, six.machine],
          service: ['100.64.0.0/16', 'fd04::/112'],
          hostPrefix: { ipv4: 24 },
          ovn: {
            mtu: 1400,
            ipv4: { join: '100.70.0.0/16', transit: '100.71.0.0/16' },
            ipv6: { transit: 'fd77::/64' },
          },
        },
        capabilities: { disabled: ['Insights', 'openshift-samples', 'Ingress', 'Console'] },
        featureSet: 'TechPreviewNoUpgrade',
        podLabels: { kitchen: 'yes' },
      }),
    ],
    releases: amd64,
  },
];

/** Sites that differ from the golden ones in every respect that the objects depend on, with what was mirrored for each. */
export function siteVariants(): { readonly name: string; readonly input: EmitInput }[] {
  return variants.map((variant) => {
    const input = emitInputFor(
      variantSite(variant),
      variant.releases.map(([version, architecture]) => releaseRecord(version, architecture)),
    );
    return { name: variant.name, input: { ...input, content: variant.content?.(input) ?? input.content } };
  });
}

function variantSite({ name, spec, hub, clusters }: Variant): Site {
  const both = [four, six];
  const text = JSON.stringify({
    apiVersion: 'airlock/v1alpha1',
    kind: 'Site',
    metadata: { name: 'lab' },
    spec: {
      baseDomain: 'lab.example.com',
      bastion: { addresses: both.map(({ address }) => address(1)) },
      managementCluster: {
        name: 'hub',
        kubeconfig: 'hub.kubeconfig',
        apiVIPs: both.map(({ address }) => address(10)),
        ingressVIPs: both.map(({ address }) => address(11)),
        nodes: [20, 21, 22].map((one, index) => ({
          name: `master-${index}`,
          addresses: both.map(({ address }) => address(one)),
        })),
        ...hub,
      },
      hostedClusters: clusters,
      ...spec,
    },
  });
  const { value, findings } = parseSite(text, '/site/lab/site.yaml', { folder: '/site/lab' });
  if (!value)
    throw new Error([name, ...findings.map((finding) => `${finding.place?.path}: ${finding.message}`)].join('\n'));
  return value;
}

/** The ready-made sites of `bundles/` that have hosted clusters, with the releases that they ask for. */
export function readyMadeSites(): { readonly name: string; readonly input: EmitInput }[] {
  const bundles = path.resolve(import.meta.dirname, '../../bundles');
  return readdirSync(bundles)
    .filter((name) => name.startsWith('hosted-'))
    .map((name) => {
      const file = path.join(bundles, name, 'site.yaml');
      const { value } = parseSite(readFileSync(file, 'utf8'), file, { folder: path.dirname(file) });
      if (!value) throw new Error(`${file} is no site`);
      const wanted = value.hostedClusters.map(({ release, architecture }) => [release, architecture] as const);
      return {
        name: `bundles/${name}`,
        input: emitInputFor(
          value,
          wanted.map(([version, arch]) => releaseRecord(version, arch)),
        ),
      };
    });
}
