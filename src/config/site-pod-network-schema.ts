import * as z from 'zod';
import * as f from './site-fields.ts';

// Further networks of pods on a hosted cluster (hosted-clusters-disconnected.md §31.3, §31.4).

export const sriovSchema = z.strictObject({
  channel: z.string().min(1).default('stable').describe('Of the operator'),
  policies: z
    .array(
      z.strictObject({
        name: f.objectName.describe('Of the policy'),
        resourceName: z
          .string()
          .regex(/^[a-zA-Z0-9_]+$/, 'has to be letters, digits and _')
          .describe('Under which pods ask for it'),
        virtualFunctions: z.int().min(1).describe('Number of virtual functions'),
        nodeSelector: f.textMap.default({ 'node-role.kubernetes.io/worker': '' }).describe('Labels of the nodes'),
        nicSelector: z
          .strictObject({
            vendor: z.string().optional().describe('PCI vendor'),
            deviceID: z.string().optional().describe('PCI device'),
            pfNames: z.array(z.string()).optional().describe('Interface names'),
            rootDevices: z.array(z.string()).optional().describe('PCI addresses'),
          })
          .describe('Which network cards'),
        deviceType: z.enum(['netdevice', 'vfio-pci']).default('netdevice').describe('Driver type'),
        mtu: z.int().min(576).optional().describe('Of the virtual functions'),
        priority: z.int().min(0).max(99).default(99).describe('0 is the highest'),
      }),
    )
    .default([])
    .describe('Node policies; each change drains nodes one by one'),
  networks: z
    .array(
      z.strictObject({
        name: f.objectName.describe('Of the network'),
        namespace: f.objectName.describe('Where the pods are'),
        resourceName: z.string().min(1).describe('Of a policy'),
        vlan: z.int().min(0).max(4094).default(0).describe('0: none'),
        ipam: z.record(z.string(), z.unknown()).default({}).describe('IPAM configuration of the CNI'),
      }),
    )
    .default([])
    .describe('Networks for pods'),
});

export const networkAttachmentSchema = z.strictObject({
  name: f.objectName.describe('Under which pods ask for it'),
  namespace: f.objectName.describe('Where the pods are'),
  plugin: z.record(z.string(), z.unknown()).describe('The main CNI plugin, for example {type: bridge, bridge: br1}'),
  sysctls: z
    .record(
      z.string().regex(/^net\.[a-z0-9_]+\.[a-z0-9_]+\.IFNAME\.[a-z0-9_.]+$/, 'has to be net.….IFNAME.…'),
      z.string(),
    )
    .default({})
    .describe('Sysctls of the interface, for example net.ipv4.conf.IFNAME.accept_redirects: "1"'),
  allMulticast: z.boolean().optional().describe('Whether it takes all multicast packets'),
});
