import { parseIp } from '../core/ip.ts';
import type { DnsHost, DnsHostedCluster, DnsManagementCluster, ZoneInput } from './input.ts';
import { type DomainName, parseDomainName, qualifyName } from './name.ts';

/** A name of the plan, and whether its addresses point back at it. */
export interface PlannedName {
  readonly name: DomainName;
  /** Canonical text. */
  readonly addresses: readonly string[];
  /** Whether a PTR may point here: never for wildcards, `api-int`, and an `api` that lies on hub nodes. */
  readonly reverse: boolean;
}

/** The domain of a cluster: `<name>.<base>`. @throws AirlockError DNS_NAME_INVALID */
export function clusterDomain(cluster: { name: string; baseDomain?: string }, siteBase: string): DomainName {
  return parseDomainName(`${cluster.name}.${cluster.baseDomain ?? siteBase}`);
}

/**
 * Every name of the site with its addresses, those first whose claim on a PTR is the strongest: nodes before services before VIPs, since a
 * node without a host name takes it from reverse DNS (hosted-clusters-disconnected §4.2).
 * @throws AirlockError DNS_NAME_INVALID, ADDRESS_INVALID
 */
export function planNames(input: ZoneInput): PlannedName[] {
  const base = input.baseDomain;
  const hub = input.managementCluster;
  const services = [
    input.registry,
    input.bastion,
    input.web,
    ...(input.extraHosts ?? []),
    ...(input.nameServers ?? []),
  ];
  const planned = [
    ...(hub ? hostNames(hub.nodes, clusterDomain(hub, base)) : []),
    ...input.hostedClusters.flatMap((cluster) => hostNames(cluster.hosts, clusterDomain(cluster, base))),
    ...hostNames(services, parseDomainName(base)),
    ...(hub ? managementNames(hub, clusterDomain(hub, base)) : []),
    ...input.hostedClusters.flatMap((cluster) => hostedNames(cluster, clusterDomain(cluster, base), hub)),
  ];
  return planned.filter((one) => one.addresses.length > 0);
}

/** Where the API of a hosted cluster answers. */
export function hostedApiAddresses(
  cluster: DnsHostedCluster,
  hub: DnsManagementCluster | undefined,
): readonly string[] {
  if (cluster.apiAddresses.length > 0 || cluster.publishing === 'LoadBalancer') return cluster.apiAddresses;
  // NodePorts are opened on hub nodes, not on the hosted ones, whatever the publishing guide says (§4.1).
  return (hub?.nodes ?? []).flatMap((node) => node.addresses);
}

/** Where the routes of a hosted cluster answer. */
export function hostedIngressAddresses(cluster: DnsHostedCluster): readonly string[] {
  return cluster.ingressVIPs.length > 0 ? cluster.ingressVIPs : cluster.hosts.flatMap((host) => host.addresses);
}

function hostNames(hosts: readonly DnsHost[], domain: DomainName): PlannedName[] {
  return hosts.map((host) => plan(qualifyName(host.name, domain), host.addresses, true));
}

function managementNames(hub: DnsManagementCluster, domain: DomainName): PlannedName[] {
  return [
    plan(`api.${domain}`, hub.apiVIPs, true),
    plan(`api-int.${domain}`, hub.apiIntVIPs ?? hub.apiVIPs, false),
    plan(`*.apps.${domain}`, hub.ingressVIPs, false),
  ];
}

function hostedNames(
  cluster: DnsHostedCluster,
  domain: DomainName,
  hub: DnsManagementCluster | undefined,
): PlannedName[] {
  const api = hostedApiAddresses(cluster, hub);
  return [
    plan(`api.${domain}`, api, cluster.publishing === 'LoadBalancer'),
    plan(`api-int.${domain}`, api, false),
    plan(`*.apps.${domain}`, hostedIngressAddresses(cluster), false),
  ];
}

function plan(name: string, addresses: readonly string[], reverse: boolean): PlannedName {
  return { name: parseDomainName(name), addresses: addresses.map((address) => parseIp(address).text), reverse };
}
