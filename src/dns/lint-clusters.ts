import type { Finding } from '../core/findings.ts';
import { parseIp } from '../core/ip.ts';
import { clusterDomain, hostedApiAddresses, hostedIngressAddresses } from './forward.ts';
import type { DnsHostedCluster, ZoneInput } from './input.ts';
import { type DomainName, isWithin, parseDomainName } from './name.ts';

/** What is wrong with where the clusters' names lie and lead. */
export function clusterFindings(input: ZoneInput): Finding[] {
  return [
    ...domainFindings(input),
    ...managementFindings(input),
    ...input.hostedClusters.flatMap((cluster) => [
      ...hostedFindings(input, cluster),
      ...belowAppsFindings(input, cluster),
      ...nodePortFindings(input, cluster),
    ]),
  ];
}

function domainFindings(input: ZoneInput): Finding[] {
  const clusters = [...(input.managementCluster ? [input.managementCluster] : []), ...input.hostedClusters];
  const domains = clusters.map((cluster) => clusterDomain(cluster, input.baseDomain));
  const doubled = new Set(domains.filter((domain, index) => domains.indexOf(domain) !== index));
  return [...doubled].map((domain) => ({
    code: 'DNS_CLUSTER_DOMAIN_TAKEN',
    severity: 'error',
    subject: domain,
    message: 'is the domain of two clusters',
    hint: 'give one of them another name or base domain',
  }));
}

function managementFindings(input: ZoneInput): Finding[] {
  const hub = input.managementCluster;
  if (!hub) return [];
  const domain = clusterDomain(hub, input.baseDomain);
  return [
    ...(hub.apiVIPs.length === 0 ? [missing('DNS_API_MISSING', `api.${domain}`, 'give apiVIPs')] : []),
    ...(hub.ingressVIPs.length === 0 ? [missing('DNS_INGRESS_MISSING', `*.apps.${domain}`, 'give ingressVIPs')] : []),
  ];
}

function hostedFindings(input: ZoneInput, cluster: DnsHostedCluster): Finding[] {
  const domain = clusterDomain(cluster, input.baseDomain);
  const apiHint =
    cluster.publishing === 'LoadBalancer'
      ? 'give apiAddresses: the addresses of the kube-apiserver Service on the management cluster'
      : 'give apiAddresses, or the nodes of the management cluster, where the NodePorts are opened';
  const api = hostedApiAddresses(cluster, input.managementCluster);
  const ingress = hostedIngressAddresses(cluster);
  return [
    ...(api.length === 0 ? [missing('DNS_API_MISSING', `api.${domain}`, apiHint)] : []),
    ...(ingress.length === 0 ? [missing('DNS_INGRESS_MISSING', `*.apps.${domain}`, 'give ingressVIPs, or hosts')] : []),
  ];
}

function missing(code: string, subject: string, hint: string): Finding {
  const message = code === 'DNS_API_MISSING' ? 'has no address, nor has its api-int' : 'has no address';
  return { code, severity: 'error', subject, message, hint };
}

function belowAppsFindings(input: ZoneInput, cluster: DnsHostedCluster): Finding[] {
  const hub = input.managementCluster;
  const domain = clusterDomain(cluster, input.baseDomain);
  const apps: DomainName | undefined = hub && parseDomainName(`apps.${clusterDomain(hub, input.baseDomain)}`);
  if (apps === undefined || !isWithin(domain, apps)) return [];
  return [
    {
      code: 'DNS_CLUSTER_BELOW_APPS',
      severity: 'error',
      subject: domain,
      message: `lies below the wildcard *.${apps}, which stops answering for everything under it (RFC 4592)`,
      hint: 'give the hosted cluster a base domain beside the management cluster, not below its routes',
    },
  ];
}

/** NodePorts are opened on hub nodes; pointing the API at hosted nodes is the common mistake (§4.1). */
function nodePortFindings(input: ZoneInput, cluster: DnsHostedCluster): Finding[] {
  if (cluster.publishing !== 'NodePort') return [];
  const workers = new Set(cluster.hosts.flatMap((host) => host.addresses).map((address) => parseIp(address).text));
  const wrong = cluster.apiAddresses.map((address) => parseIp(address).text).filter((address) => workers.has(address));
  return wrong.map((address) => ({
    code: 'DNS_API_ON_HOSTED_NODE',
    severity: 'error',
    subject: `api.${clusterDomain(cluster, input.baseDomain)}`,
    message: `points at ${address}, a host of the hosted cluster; its NodePorts are opened on management cluster nodes`,
    hint: 'leave apiAddresses out, or list management cluster nodes or a load balancer before them',
  }));
}
