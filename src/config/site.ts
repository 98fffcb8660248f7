import type { Finding } from '../core/findings.ts';
import type { IpFamily } from '../core/ip.ts';
import type { Digest } from '../oci/index.ts';
import type { SiteFile } from './site-schema.ts';

type Spec = SiteFile['spec'];
type HostedClusterFile = Spec['hostedClusters'][number];
type NodePoolFile = HostedClusterFile['nodePools'][number];
type HostFile = NodePoolFile['hosts'][number];
type ManagementClusterFile = NonNullable<Spec['managementCluster']>;

/** Puts `Filled` in the place of the optional fields of the same name. */
type Complete<File, Filled> = Readonly<Omit<File, keyof Filled> & Filled>;

/**
 * A whole site: every default filled in, hosts with their domain, files as absolute paths, addresses canonical (RFC 5952). Optional fields that
 * are still absent have no default. The field names are those of the file (`docs/site.md`), without `metadata` and `spec`.
 */
export interface Site {
  /** `metadata.name`. */
  readonly name: string;
  /** Absolute path of the file; relative paths in it start at its folder. */
  readonly file: string;
  readonly baseDomain: string;
  /** Absolute path of the ImageSetConfiguration. */
  readonly imageSet: string | undefined;
  readonly paths: Spec['paths'];
  readonly bastion: Spec['bastion'];
  readonly registry: SiteRegistry;
  readonly web: SiteWeb;
  readonly dns: SiteDns;
  readonly certificates: Spec['certificates'];
  readonly pullSecretFile: string | undefined;
  readonly ntp: readonly string[];
  readonly proxy: SiteProxy | undefined;
  readonly managementCluster: ManagementCluster | undefined;
  readonly hostedClusters: readonly HostedCluster[];
  /** Families of the bastion's addresses, the primary one first. */
  readonly families: readonly IpFamily[];
}

/** The registry of the site. `host` is a whole name; `addresses` are there. */
export type SiteRegistry = Complete<
  Spec['registry'],
  { readonly addresses: readonly string[]; readonly reference: string }
>;

/** The web server of the site. */
export type SiteWeb = Complete<Spec['web'], { readonly addresses: readonly string[] }>;

/** Name service; `reverse` holds the prefixes that get PTR records, canonical. */
export type SiteDns = Complete<Spec['dns'], { readonly reverse: readonly string[] }>;

/** A proxy of the site or of a hosted cluster. */
export type SiteProxy = Readonly<NonNullable<Spec['proxy']>>;

/** Allow and block lists of registries. */
export type ImagePolicy = Readonly<NonNullable<ManagementClusterFile['images']>>;

/** VIPs that keepalived holds on nodes. */
export type IpFailover = Readonly<ManagementClusterFile['ipFailover'][number]>;

/** The cluster that hosts the control planes; its domain is `<name>.<baseDomain>`. */
export type ManagementCluster = Complete<ManagementClusterFile, { readonly domain: string }>;

/** A bare-metal hosted cluster; its domain is `<name>.<baseDomain>`. */
export type HostedCluster = Complete<
  HostedClusterFile,
  {
    readonly domain: string;
    readonly hostNamespace: string;
    /** `<namespace>-<name>` with dots turned into dashes, as the HyperShift operator names it. */
    readonly controlPlaneNamespace: string;
    readonly apiAddresses: readonly string[];
    /** Where `*.apps` points: `ingressVIPs`, else the addresses of the hosts. */
    readonly ingressAddresses: readonly string[];
    readonly network: HostedNetwork;
    readonly infrastructureAvailability: 'HighlyAvailable' | 'SingleReplica';
    readonly nodePools: readonly NodePool[];
    /** Of the machine networks, the primary one first. */
    readonly families: readonly IpFamily[];
  }
>;

/** Networks of a hosted cluster, canonical; one prefix per family, the primary one first. */
export type HostedNetwork = Complete<
  HostedClusterFile['network'],
  { readonly cluster: readonly string[]; readonly service: readonly string[]; readonly machine: readonly string[] }
>;

/** A node pool; `replicas` is undefined only where `autoScaling` is there. */
export type NodePool = Complete<
  NodePoolFile,
  {
    readonly replicas: number | undefined;
    readonly architecture: NonNullable<NodePoolFile['architecture']>;
    readonly hosts: readonly Host[];
  }
>;

/** A bare-metal host; `fqdn` is `<name>.<cluster>.<baseDomain>`, `macAddress` in lower case. */
export type Host = Complete<HostFile, { readonly fqdn: string }>;

/** A site file as it was read. */
export interface LoadedSite {
  readonly site: Site;
  /** Of the file, unchanged. */
  readonly bytes: Uint8Array;
  /** `sha256:…` of `bytes`. */
  readonly siteDigest: Digest;
  /** Warnings and remarks; never errors. */
  readonly findings: readonly Finding[];
}
