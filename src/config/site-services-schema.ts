import * as z from 'zod';
import * as f from './site-fields.ts';

// The bastion and what runs on it.

export const pathsSchema = z
  .strictObject({
    registry: f.file
      .default('/opt/registry')
      .describe('Folder of the registry: certs, auth, conf, and data with its storage'),
    web: f.file.default('/opt/srv').describe('Root of the web server: RHCOS files'),
    state: f.file
      .default('/var/lib/airlock')
      .describe('Where Airlock keeps keys, inventory and generation records of this site'),
  })
  .prefault({});

export const bastionSchema = z.strictObject({
  host: f.hostName.default('bastion').describe('Its name; without a dot the base domain is added'),
  addresses: f.addresses.describe("Its addresses; the first one's family is the primary one"),
});

export const registrySchema = z
  .strictObject({
    mode: z
      .enum(['auto', 'podman', 'embedded', 'external'])
      .default('auto')
      .describe(
        'Who serves: Podman, Airlock itself, or a registry that is there already; auto: Podman where its socket answers',
      ),
    host: f.hostName.default('registry').describe('Its name; nodes pull by it, so it is never an address'),
    addresses: f.addresses.optional().describe("Default: the bastion's"),
    port: f.port.default(5000).describe('Its port, over TLS'),
    namespace: z
      .string()
      .regex(
        /^(?:[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*)?$/,
        'has to be lower-case path components, joined by /',
      )
      .default('')
      .describe('Path below which everything is mirrored; empty: none'),
    username: z.string().min(1).default('airlock').describe('User that pulls and pushes'),
    passwordFile: f.file.optional().describe('File that holds the password; left out: one is made below paths.state'),
    image: z
      .string()
      .min(1)
      .default('docker.io/library/registry:3')
      .describe('Image for mode podman; carried in the bundle, never pulled inside the gap'),
    caFile: f.file.optional().describe("PEM of an external registry's CA, where it is not the site's"),
  })
  .prefault({});

export const webSchema = z
  .strictObject({
    host: f.hostName.default('web').describe('Its name'),
    addresses: f.addresses.optional().describe("Default: the bastion's"),
    httpPort: f.port.default(8080).describe('Plain HTTP: what image services and BMCs can always read'),
    httpsPort: f.port.default(8443).describe('HTTPS with the same files'),
  })
  .prefault({});

export const dnsSchema = z
  .strictObject({
    serve: z
      .boolean()
      .default(true)
      .describe('Whether the bastion answers for the zones; false: only files are rendered'),
    port: f.port.default(53).describe('UDP and TCP'),
    ttl: z.int().min(0).max(2_147_483_647).default(300).describe('Seconds'),
    servers: z
      .array(f.address)
      .default([])
      .describe(
        'DNS servers that the hosts of the site ask, on port 53; default: the bastion where it serves, otherwise the resolvers of this host',
      ),
    reverse: z
      .array(f.prefix)
      .optional()
      .describe('Prefixes with PTR records; default: the machine networks, and /24 or /64 around every other address'),
    forwarders: z
      .array(f.address)
      .default([])
      .describe('Resolvers for every other name; empty: other names are refused'),
    records: z
      .array(
        z.strictObject({
          name: f.domainName.describe('The name'),
          addresses: f.addresses.describe('Its addresses: A and AAAA records'),
        }),
      )
      .default([])
      .describe('Further names; without a dot the base domain is added'),
  })
  .prefault({});

export const certificatesSchema = z
  .strictObject({
    caFile: f.file.optional().describe('PEM of a CA of your own; left out together with caKeyFile: a site CA is made'),
    caKeyFile: f.file.optional().describe('Its key'),
    certificateFile: f.file
      .optional()
      .describe('PEM of a ready certificate for registry and web server, with its chain'),
    keyFile: f.file.optional().describe('Its key'),
    names: z
      .array(f.certificateName)
      .default([])
      .describe('Further names of the server certificate, as written: aliases, *.DOMAIN, addresses'),
    days: z.int().min(1).max(7300).default(825).describe('Validity of the certificates that Airlock makes'),
    trustFiles: z.array(f.file).default([]).describe('PEM files of further CAs that clusters and hosts shall trust'),
  })
  .prefault({});

export const proxySchema = z.strictObject({
  httpProxy: f.url.optional().describe('http:// only'),
  httpsProxy: f.url.optional().describe('http:// or https://'),
  noProxy: z
    .array(
      z
        .string()
        .regex(/^[^\s,]+$/, 'has to be one entry, without blanks and commas')
        .meta({ title: 'proxy exception' }),
    )
    .default([])
    .describe('Names, .domains, addresses and prefixes beside those that Airlock adds: registry, web server, clusters'),
  readinessEndpoints: z.array(f.url).default([]).describe('URLs that have to answer before the proxy is used'),
});

export const imagePolicySchema = z.strictObject({
  allowedRegistries: z
    .array(f.registryScope)
    .optional()
    .describe('Only these; the mirror, payload sources and the internal registry are added'),
  blockedRegistries: z.array(f.registryScope).optional().describe('Not these'),
  allowedForImport: z.array(f.registryScope).optional().describe('Where users may import images from'),
});

export const ipFailoverSchema = z.strictObject({
  name: f.objectName.describe('Of the Deployment'),
  namespace: f.objectName.default('ipfailover').describe('Of its objects'),
  virtualAddresses: z
    .array(
      z
        .string()
        .regex(/^[0-9a-fA-F.:]+(?:-[0-9a-fA-F.:]+)?$/, 'has to be an address, or a range such as 192.0.2.60-62'),
    )
    .min(1)
    .describe('Addresses and ranges that move between the nodes'),
  groups: z.int().min(1).max(254).optional().describe('VIPs move in so many groups; needed above 254 addresses'),
  interface: z.string().min(1).default('br-ex').describe('Interface of the nodes that carries them'),
  monitorPort: z.int().min(0).max(65_535).default(80).describe('0: always healthy'),
  vrrpIdOffset: z.int().min(0).max(255).default(0).describe('VRRP ids are this plus 1, 2, …; they must not overlap'),
  replicas: z.int().min(2).default(2).describe('Number of selected nodes'),
  nodeSelector: f.textMap
    .default({ 'node-role.kubernetes.io/worker': '' })
    .describe('Labels of the nodes that hold them'),
  image: z.string().min(1).optional().describe('Default: the keepalived image of the cluster version'),
  checkScript: f.file.optional().describe('Script that says whether a node is healthy'),
  checkIntervalSeconds: z.int().min(1).default(2).describe('How often it runs'),
  notifyScript: f.file.optional().describe('Script that is told of changes'),
  preemption: z
    .string()
    .regex(/^(?:nopreempt|preempt_delay [0-9]+)$/)
    .default('preempt_delay 300')
    .describe('Whether a better node takes the addresses back: nopreempt, or preempt_delay and seconds'),
  unicastPeers: z.array(f.address).default([]).describe('Given: VRRP by unicast between these'),
  iptablesChain: z.string().default('INPUT').describe('Empty: no rule is made'),
});
