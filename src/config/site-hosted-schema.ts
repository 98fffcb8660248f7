import * as z from 'zod';
import * as f from './site-fields.ts';
import { imagePolicySchema, ipFailoverSchema, proxySchema } from './site-services-schema.ts';

// Hosted clusters, their node pools and hosts (hosted-clusters-disconnected.md §14–§21, §31).

const bmcSchema = z.strictObject({
  address: z
    .string()
    .min(1)
    .describe('For example redfish-virtualmedia+https://192.0.2.90/redfish/v1/Systems/1; IPv6 in brackets'),
  credentialsFile: f.file.describe('Two lines: "username: …" and "password: …"'),
  verifyCertificate: z.boolean().default(true).describe("Whether the BMC's certificate has to be valid"),
});

const rootDeviceHintsSchema = z.strictObject({
  deviceName: z
    .string()
    .regex(/^\/dev\/(?!disk\/by-id)/, 'has to be /dev/… or /dev/disk/by-path/…')
    .optional(),
  hctl: z.string().optional(),
  model: z.string().optional(),
  vendor: z.string().optional(),
  serialNumber: z.string().optional(),
  minSizeGigabytes: z.int().min(0).optional(),
  wwn: z.string().optional(),
  wwnWithExtension: z.string().optional(),
  wwnVendorExtension: z.string().optional(),
  rotational: z.boolean().optional(),
});

const hostSchema = z.strictObject({
  name: f.objectName.describe('Name of the host: <name>.<cluster>.<baseDomain>'),
  addresses: f.addresses,
  macAddress: f.macAddress.describe('Of the interface on the machine network'),
  bmc: bmcSchema,
  nmstate: f.file.optional().describe('File with the nmstate of the host; left out: DHCP'),
  interfaces: z
    .array(z.strictObject({ name: z.string().min(1), macAddress: f.macAddress }))
    .optional()
    .describe(
      'Names in the nmstate file and their MAC addresses; default: its first ethernet interface has macAddress',
    ),
  bootMode: z.enum(['UEFI', 'UEFISecureBoot', 'legacy']).default('UEFI'),
  rootDeviceHints: rootDeviceHintsSchema
    .optional()
    .describe('Which disk to install to; left out: the service picks one'),
  labels: f.textMap.default({}).describe('Labels of the Agent, for selectors'),
});

const taintSchema = z.strictObject({
  key: z.string().min(1),
  value: z.string().optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']),
});

const nodePoolSchema = z.strictObject({
  name: f.objectName,
  replicas: z.int().min(0).optional().describe('Default: the number of its hosts'),
  autoScaling: z
    .strictObject({ min: z.int().min(1), max: z.int().min(1) })
    .optional()
    .describe('Instead of replicas'),
  architecture: f.architecture.optional().describe("Default: the cluster's"),
  upgradeType: z.enum(['InPlace', 'Replace']).default('InPlace'),
  maxUnavailable: z.union([z.int().min(1), z.string().regex(/^[1-9][0-9]?%$|^100%$/)]).default(1),
  autoRepair: z.boolean().default(false),
  nodeDrainTimeout: f.duration.default('0s').describe('0s: no limit'),
  nodeVolumeDetachTimeout: f.duration.default('0s'),
  labels: f.textMap.default({}).describe('Labels of its nodes'),
  taints: z.array(taintSchema).max(50).default([]),
  machineConfigs: z
    .array(f.file)
    .max(10)
    .default([])
    .describe('Files with MachineConfig, KubeletConfig, ContainerRuntimeConfig … of its nodes'),
  tuned: z.array(f.file).max(10).default([]).describe('Files with Tuned or PerformanceProfile objects'),
  hosts: z.array(hostSchema).default([]),
});

const networkSchema = z.strictObject({
  cluster: z
    .array(f.prefix)
    .min(1)
    .max(2)
    .optional()
    .describe('Pods; default 10.132.0.0/14 and fd01::/48, in the families of machine'),
  service: z.array(f.prefix).min(1).max(2).optional().describe('Services; default 172.31.0.0/16 and fd02::/112'),
  machine: z.array(f.prefix).min(1).max(2).describe("The hosts' networks; the first one's family is the primary one"),
  hostPrefix: z
    .strictObject({ ipv4: z.int().min(8).max(30).default(23), ipv6: z.int().min(32).max(126).default(64) })
    .prefault({})
    .describe('Length of the pod prefix of one node'),
  nodePortRange: f.portRange.default('30000-32767'),
});

const sriovSchema = z.strictObject({
  channel: z.string().min(1).default('stable'),
  policies: z
    .array(
      z.strictObject({
        name: f.objectName,
        resourceName: z.string().regex(/^[a-zA-Z0-9_]+$/, 'has to be letters, digits and _'),
        virtualFunctions: z.int().min(1),
        nodeSelector: f.textMap.default({ 'node-role.kubernetes.io/worker': '' }),
        nicSelector: z.strictObject({
          vendor: z.string().optional(),
          deviceID: z.string().optional(),
          pfNames: z.array(z.string()).optional(),
          rootDevices: z.array(z.string()).optional(),
        }),
        deviceType: z.enum(['netdevice', 'vfio-pci']).default('netdevice'),
        mtu: z.int().min(576).optional(),
        priority: z.int().min(0).max(99).default(99),
      }),
    )
    .default([]),
  networks: z
    .array(
      z.strictObject({
        name: f.objectName,
        namespace: f.objectName.describe('Where the pods are'),
        resourceName: z.string().min(1),
        vlan: z.int().min(0).max(4094).default(0),
        ipam: z.record(z.string(), z.unknown()).default({}),
      }),
    )
    .default([]),
});

const networkAttachmentSchema = z.strictObject({
  name: f.objectName,
  namespace: f.objectName,
  plugin: z.record(z.string(), z.unknown()).describe('The main CNI plugin, for example {type: bridge, bridge: br1}'),
  sysctls: z
    .record(
      z.string().regex(/^net\.[a-z0-9_]+\.[a-z0-9_]+\.IFNAME\.[a-z0-9_.]+$/, 'has to be net.….IFNAME.…'),
      z.string(),
    )
    .default({}),
  allMulticast: z.boolean().optional(),
});

export const hostedClusterSchema = z.strictObject({
  name: f.objectName,
  namespace: f.objectName.default('clusters').describe('Of the HostedCluster; several may share it'),
  hostNamespace: f.objectName.optional().describe('Of its hosts; default <name>-hosts'),
  release: f.release.describe('Has to be in the image set'),
  architecture: f.architecture.default('amd64'),
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
      oauth: f.domainName.optional(),
      konnectivity: f.domainName.optional(),
      ignition: f.domainName.optional(),
    })
    .optional()
    .describe('Fixed route names with publishing LoadBalancer'),
  network: networkSchema,
  sshKeyFile: f.file.optional().describe('Public key for user core'),
  etcd: z
    .strictObject({
      size: f.quantity.default('8Gi'),
      storageClass: f.domainName.optional().describe('Default: managementCluster.storageClasses.etcd'),
      restoreSnapshotURL: f.url.optional(),
    })
    .prefault({}),
  controllerAvailability: z.enum(['HighlyAvailable', 'SingleReplica']).default('HighlyAvailable'),
  infrastructureAvailability: z
    .enum(['HighlyAvailable', 'SingleReplica'])
    .optional()
    .describe('Default: HighlyAvailable with two hosts or more'),
  olmCatalogPlacement: z.enum(['guest', 'management']).default('guest'),
  fips: z.boolean().default(false),
  annotations: f.textMap.default({}).describe('Further annotations of the HostedCluster'),
  proxy: proxySchema.optional(),
  images: imagePolicySchema.optional(),
  ipFailover: z.array(ipFailoverSchema).default([]),
  sriov: sriovSchema.optional(),
  networkAttachments: z
    .array(networkAttachmentSchema)
    .default([])
    .describe('With the tuning plugin (interface sysctls, all-multicast)'),
  nodePools: z.array(nodePoolSchema).default([]),
});
