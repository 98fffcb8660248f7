import * as z from 'zod';
import * as f from './site-fields.ts';

// Node pools of a hosted cluster and their hosts (hosted-clusters-disconnected.md §18, §19, §31.1, §31.2).

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
    .optional()
    .describe('/dev/… or /dev/disk/by-path/…'),
  hctl: z.string().optional().describe('SCSI address'),
  model: z.string().optional().describe('Part of the model'),
  vendor: z.string().optional().describe('Part of the vendor'),
  serialNumber: z.string().optional().describe('Exact serial number'),
  minSizeGigabytes: z.int().min(0).optional().describe('Smallest size'),
  wwn: z.string().optional().describe('World wide name'),
  wwnWithExtension: z.string().optional().describe('World wide name with its extension'),
  wwnVendorExtension: z.string().optional().describe('The extension alone'),
  rotational: z.boolean().optional().describe('Whether it is a spinning disk'),
});

const hostSchema = z.strictObject({
  name: f.objectName.describe('Name of the host: <name>.<cluster>.<baseDomain>'),
  addresses: f.addresses.describe('Its addresses, one of each family of the machine network'),
  macAddress: f.macAddress.describe('Of the interface on the machine network'),
  bmc: bmcSchema.describe('Its baseboard management controller'),
  nmstate: f.file.optional().describe('File with the nmstate of the host; left out: DHCP'),
  interfaces: z
    .array(
      z.strictObject({
        name: z.string().min(1).describe('Name of the interface in the nmstate file'),
        macAddress: f.macAddress.describe('Its MAC address'),
      }),
    )
    .optional()
    .describe(
      'Names in the nmstate file and their MAC addresses; default: its first ethernet interface has macAddress',
    ),
  bootMode: z.enum(['UEFI', 'UEFISecureBoot', 'legacy']).default('UEFI').describe('How it boots'),
  rootDeviceHints: rootDeviceHintsSchema
    .optional()
    .describe('Which disk to install to; left out: the service picks one'),
  labels: f.textMap.default({}).describe('Labels of the Agent, for selectors'),
});

const taintSchema = z.strictObject({
  key: z
    .string()
    .regex(
      /^(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/,
      'has to be letters, digits, -, _ and ., with a domain and / before it or without',
    )
    .describe('Of the taint'),
  value: z
    .string()
    .regex(/^(?:(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/, 'has to be letters, digits, -, _ and .')
    .optional()
    .describe('Of the taint'),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).describe('What it does to pods'),
});

export const nodePoolSchema = z.strictObject({
  name: f.objectName.describe('Its name, unique in the cluster'),
  replicas: z.int().min(0).optional().describe('Default: the number of its hosts'),
  autoScaling: z
    .strictObject({ min: z.int().min(1).describe('Fewest nodes'), max: z.int().min(1).describe('Most nodes') })
    .optional()
    .describe('Instead of replicas'),
  architecture: f.architecture.optional().describe("Default: the cluster's"),
  upgradeType: z
    .enum(['InPlace', 'Replace'])
    .default('InPlace')
    .describe('Replace drains a host and installs another one, which needs spares'),
  maxUnavailable: z
    .union(
      [z.int().min(1), z.string().regex(/^[1-9][0-9]?%$|^100%$/)],
      'has to be a number or a percentage such as 25%',
    )
    .default(1)
    .describe('Nodes that may be down during an upgrade: a number or a percentage'),
  autoRepair: z.boolean().default(false).describe('Whether an unhealthy node is wiped and made again'),
  nodeDrainTimeout: f.duration.default('0s').describe('0s: no limit'),
  nodeVolumeDetachTimeout: f.duration.default('0s').describe('0s: no limit'),
  labels: f.textMap.default({}).describe('Labels of its nodes'),
  taints: z.array(taintSchema).max(50).default([]).describe('Taints of its nodes'),
  machineConfigs: z
    .array(f.file)
    .max(10)
    .default([])
    .describe('Files with MachineConfig, KubeletConfig, ContainerRuntimeConfig … of its nodes'),
  tuned: z.array(f.file).max(10).default([]).describe('Files with Tuned or PerformanceProfile objects'),
  hosts: z.array(hostSchema).default([]).describe('Its bare-metal hosts'),
});
