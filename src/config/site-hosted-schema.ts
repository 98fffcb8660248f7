import * as z from 'zod';
import * as f from './site-fields.ts';
import { nodePoolSchema } from './site-node-pool-schema.ts';
import { networkAttachmentSchema, sriovSchema } from './site-pod-network-schema.ts';
import { imagePolicySchema, ipFailoverSchema, proxySchema } from './site-services-schema.ts';

// Hosted clusters (hosted-clusters-disconnected.md §14–§17, §26).

const ovnFamily = z
  .strictObject({
    join: f.prefix.optional().describe('Between the gateways of a node'),
    transit: f.prefix.optional().describe('Between nodes'),
  })
  .optional();

// Immutable once set, which is why they stand here (§15.3).
const ovnSchema = z.strictObject({
  mtu: z.int().min(576).max(9216).optional().describe('Of the pods'),
  ipv4: ovnFamily.describe('Instead of 100.64.0.0/16 and 100.88.0.0/16'),
  ipv6: ovnFamily.describe('Instead of fd98::/64 and fd97::/64'),
});

const capability = z.enum([
  'ImageRegistry',
  'openshift-samples',
  'Insights',
  'baremetal',
  'Console',
  'NodeTuning',
  'Ingress',
]);

const networkSchema = z.strictObject({
  cluster: z
    .array(f.prefix)
    .min(1)
    .max(2)
    .optional()
    .describe('Pods; default 10.132.0.0/14 and fd01::/48, in the families of machine'),
  service: z.array(f.prefix).min(1).max(2).optional().describe('Services; default 172.31.0.0/16 and fd02::/112'),
  machine: z.array(f.prefix).min(1).max(2).describe("The hosts' networks; the first one's family is the primary one"),
  hostPrefix: f.hostPrefix.describe('Length of the pod prefix of one node'),
  nodePortRange: f.portRange.default('30000-32767').describe('Ports of NodePort services'),
  ovn: ovnSchema.optional().describe('What OVN-Kubernetes uses itself, where that overlaps the site'),
});

const tolerationSchema = z.strictObject({
  key: z.string().min(1).optional().describe('Of the taint; left out: every one'),
  operator: z.enum(['Exists', 'Equal']).optional().describe('Exists: whatever the value'),
  value: z.string().optional().describe('Of the taint'),
  effect: z
    .enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'])
    .optional()
    .describe('Of the taint; left out: every one'),
  tolerationSeconds: z.int().min(0).optional().describe('How long NoExecute is borne'),
});

export const hostedClusterSchema = z.strictObject({
  name: f.objectName.describe('Its name; its domain is <name>.<baseDomain>'),
  namespace: f.objectName.default('clusters').describe('Of the HostedCluster; several may share it'),
  hostNamespace: f.objectName.optional().describe('Of its hosts; default <name>-hosts'),
  release: f.release.describe('Has to be in the image set'),
  architecture: f.architecture.default('amd64').describe('Of its nodes'),
  publishing: z
    .enum(['NodePort', 'LoadBalancer'])
    .default('NodePort')
    .describe('How its API is reached. Cannot be changed later'),
  apiAddresses: f.addresses
    .optional()
    .describe("Of api.<name>.<baseDomain>; default for NodePort: the management cluster's nodes"),
  ingressVIPs: f.addresses
    .optional()
    .describe(
      'Of *.apps.<name>.<baseDomain>, served by MetalLB; left out: the hosts run the router on their own addresses',
    ),
  routeHosts: z
    .strictObject({
      oauth: f.publicName.optional().describe('OAuthServer'),
      konnectivity: f.publicName.optional().describe('Konnectivity'),
      ignition: f.publicName.optional().describe('Ignition'),
    })
    .optional()
    .describe('Fixed route names with publishing LoadBalancer'),
  network: networkSchema.describe('Its networks. Cannot be changed later'),
  sshKeyFile: f.file.optional().describe('Public key for user core'),
  etcd: z
    .strictObject({
      size: f.quantity.default('8Gi').describe('Of each volume; cannot be changed later'),
      storageClass: f.domainName.optional().describe('Default: managementCluster.storageClasses.etcd'),
      restoreSnapshotURL: f.url.optional().describe('A snapshot to start from; only read at creation'),
    })
    .prefault({})
    .describe('Its etcd'),
  controllerAvailability: z
    .enum(['HighlyAvailable', 'SingleReplica'])
    .default('HighlyAvailable')
    .describe('Of its control plane. Cannot be changed later'),
  infrastructureAvailability: z
    .enum(['HighlyAvailable', 'SingleReplica'])
    .optional()
    .describe('Default: HighlyAvailable with two hosts or more'),
  olmCatalogPlacement: z
    .enum(['guest', 'management'])
    .default('guest')
    .describe('Where its catalogs run. Cannot be changed later'),
  fips: z.boolean().default(false).describe('Whether its nodes run in FIPS mode. Cannot be changed later'),
  capabilities: z
    .strictObject({
      enabled: z.array(capability).default([]).describe('Beyond the usual ones'),
      disabled: z
        .array(capability)
        .default([])
        .describe('For example Insights and openshift-samples, which look for the internet'),
    })
    .optional()
    .describe('Optional parts of it (newer releases). Cannot be changed later'),
  featureSet: z
    .enum(['TechPreviewNoUpgrade', 'DevPreviewNoUpgrade'])
    .optional()
    .describe('Features that are not finished; a cluster with them can never be upgraded'),
  annotations: f.textMap.default({}).describe('Further annotations of the HostedCluster'),
  labels: f.textMap.default({}).describe('Labels of the HostedCluster'),
  podLabels: f.textMap
    .refine((labels) => Object.keys(labels).length <= 20, 'takes 20 labels at most')
    .default({})
    .describe('Labels of the pods of its control plane'),
  kubeAPIServerDNSName: f.publicName
    .optional()
    .describe('A further name of its API, with a kubeconfig of its own (4.19 and newer); add it to dns.records'),
  nodeSelector: f.textMap
    .refine((labels) => Object.keys(labels).length <= 20, 'takes 20 labels at most')
    .optional()
    .describe('Labels of the nodes of the management cluster that run its control plane'),
  tolerations: z.array(tolerationSchema).default([]).describe('Taints of those nodes that its control plane bears'),
  proxy: proxySchema.optional().describe('Its own proxy'),
  images: imagePolicySchema.optional().describe('Which registries it may pull from'),
  ipFailover: z
    .array(ipFailoverSchema)
    .default([])
    .describe('Addresses that keepalived holds on its nodes, where there is no MetalLB'),
  sriov: sriovSchema.optional().describe('The SR-IOV operator on it'),
  networkAttachments: z
    .array(networkAttachmentSchema)
    .default([])
    .describe('With the tuning plugin (interface sysctls, all-multicast)'),
  nodePools: z.array(nodePoolSchema).default([]).describe('Its node pools'),
});
