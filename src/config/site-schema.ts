import * as z from 'zod';
import * as f from './site-fields.ts';
import { hostedClusterSchema } from './site-hosted-schema.ts';
import {
  bastionSchema,
  certificatesSchema,
  dnsSchema,
  imagePolicySchema,
  ipFailoverSchema,
  pathsSchema,
  proxySchema,
  registrySchema,
  webSchema,
} from './site-services-schema.ts';

const managementClusterSchema = z.strictObject({
  name: f.objectName.describe('Its name; its domain is <name>.<baseDomain>'),
  version: f.release.optional().describe('Its OpenShift version, where objects depend on it'),
  architecture: f.architecture.default('amd64').describe('Of its nodes'),
  kubeconfig: f.file.describe('File with administrator rights; read on the bastion only'),
  apiVIPs: f.addresses.describe('Of api.<name>.<baseDomain> and api-int'),
  ingressVIPs: f.addresses.describe('Of *.apps.<name>.<baseDomain>'),
  nodes: z
    .array(
      z.strictObject({
        name: f.objectName.describe('<name>.<cluster>.<baseDomain>'),
        addresses: f.addresses.describe('Its addresses'),
      }),
    )
    .default([])
    .describe('Its nodes; NodePorts of hosted clusters answer on them'),
  multiclusterEngine: z
    .strictObject({
      version: f.minorVersion
        .optional()
        .describe('For example "2.9"; left out: the default channel of the mirrored catalog'),
      channel: z.string().min(1).optional().describe('Default: stable-<version>'),
      availability: z.enum(['High', 'Basic']).default('High').describe('Basic: one replica of each part'),
    })
    .prefault({})
    .describe('The multicluster engine operator'),
  storageClasses: z
    .strictObject({
      etcd: f.domainName.optional().describe("For etcd of hosted clusters; left out: the cluster's default class"),
      assisted: f.domainName.optional().describe('For the assisted service'),
    })
    .prefault({})
    .describe('Storage classes'),
  agentService: z
    .strictObject({
      databaseSize: f.quantity.default('10Gi').describe('Volume of its database'),
      filesystemSize: f.quantity.default('100Gi').describe('Volume for logs and manifests'),
      imageSize: f.quantity.default('50Gi').describe('Volume for boot images, about 2 GiB each'),
      convergedFlow: z.boolean().optional().describe('false: the older flow without inspection by Ironic'),
      environment: f.environment.default({}).describe('Further variables of the assisted service'),
      unauthenticatedRegistries: z
        .array(f.registryScope)
        .default([])
        .describe('Registries without credentials, beside the mirrored sources'),
    })
    .prefault({})
    .describe('The assisted service'),
  disableDefaultCatalogs: z.boolean().default(true).describe('Whether the catalogs from the internet are switched off'),
  updateService: z
    .boolean()
    .default(false)
    .describe('Whether to run the OpenShift Update Service; needs graph: true in the image set'),
  network: z
    .strictObject({
      nodePortRange: f.portRange.optional().describe('May only grow'),
      cluster: z.array(f.prefix).max(2).optional().describe('A wider pod network, which holds the one that is there'),
      hostPrefix: f.hostPrefix.describe(
        'Length of the pod prefix of one node, which cannot change: apply takes that of the cluster',
      ),
      externalIPs: z.array(f.prefix).optional().describe('Addresses for ExternalIP services (autoAssignCIDRs)'),
    })
    .optional()
    .describe('Changes of its own network'),
  images: imagePolicySchema.optional().describe('Which registries it may pull from'),
  caConfigMaps: z
    .array(
      z.strictObject({
        name: f.objectName.describe('Of the ConfigMap'),
        namespace: f.objectName.describe('Of the ConfigMap'),
      }),
    )
    .default([])
    .describe('ConfigMaps into which the cluster injects its trusted CAs'),
  machineConfigs: z.array(f.file).default([]).describe('Files with MachineConfigs for the management cluster'),
  chrony: z
    .boolean()
    .default(false)
    .describe('Whether its nodes get a chrony.conf with the servers of ntp; they reboot'),
  ipFailover: z
    .array(ipFailoverSchema)
    .default([])
    .describe('Addresses that keepalived holds on nodes, where there is no MetalLB'),
});

/** A site file (design §2): the single source of its types, of its JSON Schema and of the table in docs/site.md. */
export const siteSchema = z.strictObject({
  apiVersion: z.literal('airlock/v1alpha1'),
  kind: z.literal('Site'),
  metadata: z.strictObject({ name: f.objectName.describe('Name of the site') }),
  spec: z.strictObject({
    baseDomain: f.domainName.describe('Below it lie all names of the site'),
    imageSet: f.file.optional().describe('Path of the ImageSetConfiguration'),
    paths: pathsSchema.describe('Folders on the bastion'),
    bastion: bastionSchema.describe('The host inside the gap'),
    registry: registrySchema.describe('The registry that the clusters pull from'),
    web: webSchema.describe('The web server with RHCOS files'),
    dns: dnsSchema.describe('Name service'),
    certificates: certificatesSchema.describe('CA and certificates'),
    pullSecretFile: f.file.optional().describe('A pull secret to keep beside the credentials of the registry'),
    ntp: z.array(f.hostOrAddress).default([]).describe('Time servers: names or addresses'),
    proxy: proxySchema.optional().describe('The proxy of the site, where it has one'),
    managementCluster: managementClusterSchema.optional().describe('The cluster that hosts the control planes'),
    hostedClusters: z.array(hostedClusterSchema).default([]).describe('The bare-metal hosted clusters'),
  }),
});

/** A site file as decoded: static defaults filled in, everything else as written. */
export type SiteFile = z.output<typeof siteSchema>;

/** The keys that a mapping at `path` of a site file may have; empty where any are allowed. */
export function knownKeys(path: readonly (string | number)[]): string[] {
  let schema: unknown = siteSchema;
  for (const step of path) {
    const inner = unwrap(schema);
    if (inner instanceof z.ZodArray) schema = inner.element;
    else if (inner instanceof z.ZodObject) schema = inner.shape[step];
    else return [];
  }
  const found = unwrap(schema);
  return found instanceof z.ZodObject ? Object.keys(found.shape) : [];
}

/** The schema below `.default()`, `.prefault()` and `.optional()`. */
function unwrap(schema: unknown): unknown {
  let at = schema;
  while (at instanceof z.ZodDefault || at instanceof z.ZodPrefault || at instanceof z.ZodOptional) at = at.unwrap();
  return at;
}
