import path from 'node:path';
import { hostPort, type IpFamily, ipBytes, parseIp, parseIpPrefix } from '../core/ip.ts';
import { rangeContains, toRange } from './ip-range.ts';
import type { Host, HostedCluster, ManagementCluster, NodePool, Site } from './site.ts';
import type { SiteFile } from './site-schema.ts';

type Spec = SiteFile['spec'];
type HostedFile = Spec['hostedClusters'][number];
type PoolFile = HostedFile['nodePools'][number];

const clusterDefaults: Readonly<Record<IpFamily, string>> = { 4: '10.132.0.0/14', 6: 'fd01::/48' };
const serviceDefaults: Readonly<Record<IpFamily, string>> = { 4: '172.31.0.0/16', 6: 'fd02::/112' };

/** Fills in what depends on other values (design §2). `siteFile` is the absolute path of the file. */
export function completeSite(decoded: SiteFile, siteFile: string): Site {
  const { metadata, spec } = decoded;
  const files = (name: string): string => path.resolve(path.dirname(siteFile), name);
  const qualify = (host: string): string => (host.includes('.') ? host : `${host}.${spec.baseDomain}`);
  const bastion = { host: qualify(spec.bastion.host), addresses: canonical(spec.bastion.addresses) };
  const registryHost = qualify(spec.registry.host);
  const management = spec.managementCluster && completeManagement(spec.managementCluster, spec, files);
  const site: Site = {
    name: metadata.name,
    file: siteFile,
    baseDomain: spec.baseDomain,
    imageSet: spec.imageSet === undefined ? undefined : files(spec.imageSet),
    paths: { registry: files(spec.paths.registry), web: files(spec.paths.web), state: files(spec.paths.state) },
    bastion,
    registry: {
      ...spec.registry,
      ...resolveOptional(spec.registry, ['passwordFile', 'caFile'], files),
      host: registryHost,
      addresses: canonical(spec.registry.addresses ?? bastion.addresses),
      reference: spec.registry.port === 443 ? registryHost : hostPort(registryHost, spec.registry.port),
    },
    web: { ...spec.web, host: qualify(spec.web.host), addresses: canonical(spec.web.addresses ?? bastion.addresses) },
    dns: {
      ...spec.dns,
      servers: canonical(spec.dns.servers),
      forwarders: canonical(spec.dns.forwarders),
      reverse: [],
      records: spec.dns.records.map((record) => ({
        name: qualify(record.name),
        addresses: canonical(record.addresses),
      })),
    },
    certificates: {
      ...spec.certificates,
      ...resolveOptional(spec.certificates, ['caFile', 'caKeyFile', 'certificateFile', 'keyFile'], files),
      trustFiles: spec.certificates.trustFiles.map(files),
    },
    pullSecretFile: spec.pullSecretFile === undefined ? undefined : files(spec.pullSecretFile),
    ntp: spec.ntp,
    proxy: spec.proxy,
    managementCluster: management,
    hostedClusters: spec.hostedClusters.map((cluster) => completeHosted(cluster, spec, management, files)),
    families: familiesOf(bastion.addresses),
  };
  return { ...site, dns: { ...site.dns, reverse: spec.dns.reverse?.map(canonicalPrefix) ?? reverseDefault(site) } };
}

/** Families of addresses or prefixes in the order of first use. */
export function familiesOf(texts: readonly string[]): IpFamily[] {
  return [...new Set(texts.map((text): IpFamily => (text.includes(':') ? 6 : 4)))];
}

function completeManagement(
  cluster: NonNullable<Spec['managementCluster']>,
  spec: Spec,
  files: (name: string) => string,
): ManagementCluster {
  return {
    ...cluster,
    domain: `${cluster.name}.${spec.baseDomain}`,
    kubeconfig: files(cluster.kubeconfig),
    apiVIPs: canonical(cluster.apiVIPs),
    ingressVIPs: canonical(cluster.ingressVIPs),
    nodes: cluster.nodes.map((node) => ({ name: node.name, addresses: canonical(node.addresses) })),
    machineConfigs: cluster.machineConfigs.map(files),
    ipFailover: cluster.ipFailover.map((one) => ({
      ...one,
      ...resolveOptional(one, ['checkScript', 'notifyScript'], files),
    })),
  };
}

function completeHosted(
  cluster: HostedFile,
  spec: Spec,
  management: ManagementCluster | undefined,
  files: (name: string) => string,
): HostedCluster {
  const domain = `${cluster.name}.${spec.baseDomain}`;
  const machine = cluster.network.machine.map(canonicalPrefix);
  const families = familiesOf(machine);
  const nodePools = cluster.nodePools.map((pool) => completePool(pool, cluster, domain, files));
  const hosts = nodePools.flatMap((pool) => pool.hosts);
  // With NodePort the API answers on the nodes of the management cluster (hosted-clusters-disconnected.md §4.1).
  const nodeAddresses = management?.nodes.flatMap((node) => node.addresses) ?? [];
  const ingress = cluster.ingressVIPs ? canonical(cluster.ingressVIPs) : undefined;
  return {
    ...cluster,
    ...resolveOptional(cluster, ['sshKeyFile'], files),
    ...(ingress ? { ingressVIPs: ingress } : {}),
    domain,
    hostNamespace: cluster.hostNamespace ?? `${cluster.name}-hosts`,
    controlPlaneNamespace: `${cluster.namespace}-${cluster.name.replaceAll('.', '-')}`,
    apiAddresses: cluster.apiAddresses ? canonical(cluster.apiAddresses) : nodeAddresses,
    ingressAddresses: ingress ?? hosts.flatMap((host) => host.addresses),
    network: {
      ...cluster.network,
      machine,
      cluster: cluster.network.cluster?.map(canonicalPrefix) ?? families.map((family) => clusterDefaults[family]),
      service: cluster.network.service?.map(canonicalPrefix) ?? families.map((family) => serviceDefaults[family]),
    },
    infrastructureAvailability:
      cluster.infrastructureAvailability ?? (hosts.length >= 2 ? 'HighlyAvailable' : 'SingleReplica'),
    ipFailover: cluster.ipFailover.map((one) => ({
      ...one,
      ...resolveOptional(one, ['checkScript', 'notifyScript'], files),
    })),
    nodePools,
    families,
  };
}

function completePool(pool: PoolFile, cluster: HostedFile, domain: string, files: (name: string) => string): NodePool {
  return {
    ...pool,
    architecture: pool.architecture ?? cluster.architecture,
    replicas: pool.autoScaling ? undefined : (pool.replicas ?? pool.hosts.length),
    machineConfigs: pool.machineConfigs.map(files),
    tuned: pool.tuned.map(files),
    hosts: pool.hosts.map(
      (host): Host => ({
        ...host,
        ...resolveOptional(host, ['nmstate'], files),
        fqdn: `${host.name}.${domain}`,
        addresses: canonical(host.addresses),
        macAddress: host.macAddress.toLowerCase(),
        bmc: { ...host.bmc, credentialsFile: files(host.bmc.credentialsFile) },
        ...(host.interfaces
          ? { interfaces: host.interfaces.map((one) => ({ ...one, macAddress: one.macAddress.toLowerCase() })) }
          : {}),
      }),
    ),
  };
}

/** The machine networks, then /24 or /64 around every address that none of them holds. */
function reverseDefault(site: Site): string[] {
  const prefixes = [...new Set(site.hostedClusters.flatMap((cluster) => cluster.network.machine))].map(toRange);
  const { managementCluster: hub } = site;
  const addresses = [
    ...[site.bastion, site.registry, site.web, ...(hub?.nodes ?? [])].flatMap((one) => one.addresses),
    ...(hub ? [...hub.apiVIPs, ...hub.ingressVIPs] : []),
    ...site.hostedClusters.flatMap((cluster) => [...cluster.apiAddresses, ...cluster.ingressAddresses]),
    ...site.hostedClusters.flatMap((cluster) =>
      cluster.nodePools.flatMap((pool) => pool.hosts.flatMap((host) => host.addresses)),
    ),
  ];
  for (const address of addresses) {
    const bytes = ipBytes(address);
    if (!prefixes.some((prefix) => rangeContains(prefix, bytes)))
      prefixes.push(toRange(`${address}/${bytes.length === 4 ? 24 : 64}`));
  }
  return prefixes.map((prefix) => prefix.text);
}

function canonical(addresses: readonly string[]): string[] {
  return addresses.map((text) => parseIp(text).text);
}

function canonicalPrefix(text: string): string {
  return parseIpPrefix(text).text;
}

/** The named fields as absolute paths, those that are there. */
function resolveOptional<K extends string>(
  from: { readonly [key in K]?: string | undefined },
  names: readonly K[],
  files: (name: string) => string,
): { [key in K]?: string } {
  const found: { [key in K]?: string } = {};
  for (const name of names) {
    const value = from[name];
    if (value !== undefined) found[name] = files(value);
  }
  return found;
}
