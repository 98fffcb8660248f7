import type { Finding } from '../core/findings.ts';
import { findIpFamily, parseIp, parseIpPrefix, prefixContains } from '../core/ip.ts';
import { buildZones } from './build.ts';
import { clusterDomain, hostedApiAddresses, hostedIngressAddresses, planNames } from './forward.ts';
import type { DnsHost, ZoneInput } from './input.ts';
import { lintZones } from './lint-zones.ts';
import { findMustNotResolve } from './must-not-resolve.ts';
import { type DomainName, isWithin, nameLabels, parseDomainName } from './name.ts';
import { reverseZones } from './reverse.ts';
import type { Zone } from './zone.ts';
import { findIndexedZone, findNode, indexZones } from './zone-index.ts';

/**
 * What is wrong, or will be a trap, in a site's naming plan and in the zones that follow from it. Codes are in `docs/dns.md`.
 * @throws AirlockError DNS_NAME_INVALID, ADDRESS_INVALID for input of which no zones can be made
 * @see hosted-clusters-disconnected §4.4
 */
export function lintZoneInput(input: ZoneInput): Finding[] {
  const zones = buildZones(input);
  return [
    ...baseDomainFindings(input),
    ...clusterFindings(input),
    ...hostFindings(input),
    ...familyFindings(input),
    ...reverseFindings(input),
    ...sharedNameFindings(input),
    ...searchFindings(input, zones),
    ...lintZones(zones),
  ];
}

function baseDomainFindings(input: ZoneInput): Finding[] {
  const base = parseDomainName(input.baseDomain);
  const labels = nameLabels(base);
  const last = labels.at(-1) ?? '';
  if (isWithin(base, parseDomainName('cluster.local')) || isWithin(base, parseDomainName('svc')))
    return [
      {
        code: 'DNS_BASE_DOMAIN_RESERVED',
        severity: 'error',
        subject: base,
        message: 'lies in the search domains of every pod, which would ask the cluster and never the site',
        hint: 'choose another baseDomain',
      },
    ];
  if (last === 'local')
    return [
      {
        code: 'DNS_BASE_DOMAIN_LOCAL',
        severity: 'warning',
        subject: base,
        message: 'ends in .local, which many hosts ask by multicast and never from a server (RFC 6762)',
        hint: 'choose a domain of the organisation, or one below home.arpa or internal',
      },
    ];
  if (labels.length === 1)
    return [
      {
        code: 'DNS_BASE_DOMAIN_SINGLE_LABEL',
        severity: 'warning',
        subject: base,
        message: 'has one label; some resolvers send such names nowhere, and no public CA or search list accepts them',
      },
    ];
  return [];
}

function clusterFindings(input: ZoneInput): Finding[] {
  const findings: Finding[] = [];
  const base = input.baseDomain;
  const hub = input.managementCluster;
  const hubDomain = hub && clusterDomain(hub, base);
  const seen = new Map<DomainName, string>();
  for (const cluster of [...(hub ? [hub] : []), ...input.hostedClusters]) {
    const domain = clusterDomain(cluster, base);
    if (seen.has(domain))
      findings.push({
        code: 'DNS_CLUSTER_DOMAIN_TAKEN',
        severity: 'error',
        subject: domain,
        message: `is the domain of two clusters, ${seen.get(domain)} and ${cluster.name}`,
      });
    seen.set(domain, cluster.name);
  }
  for (const cluster of input.hostedClusters) {
    const domain = clusterDomain(cluster, base);
    if (hostedApiAddresses(cluster, hub).length === 0) findings.push(missingApi(domain, cluster.publishing));
    if (hostedIngressAddresses(cluster).length === 0)
      findings.push({
        code: 'DNS_INGRESS_MISSING',
        severity: 'error',
        subject: `*.apps.${domain}`,
        message: 'has no address: neither ingressVIPs nor hosts are given',
      });
    if (hubDomain !== undefined && isWithin(domain, parseDomainName(`apps.${hubDomain}`)))
      findings.push({
        code: 'DNS_CLUSTER_BELOW_APPS',
        severity: 'error',
        subject: domain,
        message: `lies below the wildcard *.apps.${hubDomain}, which stops answering for everything under it (RFC 4592)`,
        hint: 'give the hosted cluster a base domain beside the management cluster, not below its routes',
      });
    findings.push(...nodePortFindings(input, cluster.name));
  }
  return findings;
}

function missingApi(domain: DomainName, publishing: string): Finding {
  return {
    code: 'DNS_API_MISSING',
    severity: 'error',
    subject: `api.${domain}`,
    message: 'and its api-int have no address',
    hint:
      publishing === 'LoadBalancer'
        ? 'give apiAddresses: the addresses of the kube-apiserver Service on the management cluster'
        : 'give apiAddresses, or the nodes of the management cluster, where the NodePorts are opened',
  };
}

/** NodePorts are opened on hub nodes; pointing the API at hosted nodes is the common mistake (§4.1). */
function nodePortFindings(input: ZoneInput, name: string): Finding[] {
  const cluster = input.hostedClusters.find((one) => one.name === name);
  if (cluster?.publishing !== 'NodePort') return [];
  const workers = new Set(cluster.hosts.flatMap((host) => host.addresses).map((address) => parseIp(address).text));
  const wrong = cluster.apiAddresses.map((address) => parseIp(address).text).filter((address) => workers.has(address));
  return wrong.map((address) => ({
    code: 'DNS_API_ON_HOSTED_NODE',
    severity: 'error' as const,
    subject: `api.${clusterDomain(cluster, input.baseDomain)}`,
    message: `points at ${address}, a host of the hosted cluster; its NodePorts are opened on management cluster nodes`,
    hint: 'leave apiAddresses out, or list management cluster nodes or a load balancer before them',
  }));
}

function hostFindings(input: ZoneInput): Finding[] {
  const hosts: readonly DnsHost[] = [
    ...(input.managementCluster?.nodes ?? []),
    ...input.hostedClusters.flatMap((cluster) => cluster.hosts),
  ];
  const owners = new Map<string, string>();
  return hosts.flatMap((host) =>
    host.addresses.flatMap((text): Finding[] => {
      const address = parseIp(text).text;
      const owner = owners.get(address);
      owners.set(address, owner ?? host.name);
      if (owner === undefined) return [];
      return [
        {
          code: 'DNS_ADDRESS_TAKEN',
          severity: 'error',
          subject: address,
          message: `is the address of two hosts, ${owner} and ${host.name}`,
        },
      ];
    }),
  );
}

/** A name that lacks a family which its neighbours have: half of a dual-stack cluster cannot reach it (§4.4, first trap). */
function familyFindings(input: ZoneInput): Finding[] {
  const names = planNames(input);
  const base = input.baseDomain;
  const clusters = [...(input.managementCluster ? [input.managementCluster] : []), ...input.hostedClusters];
  const siteNames = [input.registry, input.web].map((host) => host.addresses);
  const wanted = new Set(
    [...clusters.flatMap((c) => ('nodes' in c ? c.nodes : c.hosts)).map((host) => host.addresses), ...siteNames]
      .flat()
      .map((address) => findIpFamily(address)),
  );
  return clusters.flatMap((cluster) => {
    const domain = clusterDomain(cluster, base);
    return [`api.${domain}`, `api-int.${domain}`, `*.apps.${domain}`].flatMap((name): Finding[] => {
      const families = new Set(
        names.filter((one) => one.name === name).flatMap((one) => one.addresses.map(findIpFamily)),
      );
      const missing = ([4, 6] as const).filter((family) => wanted.has(family) && !families.has(family));
      if (families.size === 0 || missing.length === 0) return [];
      return [
        {
          code: 'DNS_FAMILY_MISSING',
          severity: 'warning',
          subject: name,
          message: `has no IPv${missing[0]} address, although hosts of the site have`,
          hint: 'give both families for api, api-int and *.apps of a dual-stack cluster',
        },
      ];
    });
  });
}

function reverseFindings(input: ZoneInput): Finding[] {
  const prefixes = input.reverse.map(parseIpPrefix);
  const tooMany = prefixes.filter((prefix) => reverseZones(prefix.text).length > 64);
  const bare = planNames(input)
    .filter((one) => one.reverse)
    .flatMap((one) => one.addresses.map((address) => ({ name: one.name, address })))
    .filter(({ address }) => !prefixes.some((prefix) => prefixContains(prefix, parseIp(address))));
  const first = new Map(bare.map(({ name, address }) => [address, name]));
  return [
    ...tooMany.map(
      (prefix): Finding => ({
        code: 'DNS_REVERSE_MANY_ZONES',
        severity: 'info',
        subject: prefix.text,
        message: `becomes ${reverseZones(prefix.text).length} zones; prefixes that end at an octet or nibble become one`,
      }),
    ),
    ...[...first].map(
      ([address, name]): Finding => ({
        code: 'DNS_REVERSE_UNCOVERED',
        severity: 'warning',
        subject: address,
        message: `(${name}) lies in no reverse prefix, so it gets no PTR; a node without a host name would come up as localhost`,
        hint: 'add its network to dns.reverse',
      }),
    ),
  ];
}

/** One name for two things with other addresses: who asks for one of them gets the other half of the time. */
function sharedNameFindings(input: ZoneInput): Finding[] {
  const first = new Map<DomainName, string>();
  return planNames(input).flatMap((one): Finding[] => {
    const addresses = [...one.addresses].sort().join(', ');
    const other = first.get(one.name) ?? addresses;
    first.set(one.name, other);
    if (other === addresses) return [];
    return [
      {
        code: 'DNS_NAME_SHARED',
        severity: 'warning',
        subject: one.name,
        message: `is planned twice, with ${other} and with ${addresses}; it gets them all`,
        hint: 'give the two different names, or the same addresses',
      },
    ];
  });
}

/** Names that the plan itself would answer although nobody means them. */
function searchFindings(input: ZoneInput, zones: readonly Zone[]): Finding[] {
  const table = indexZones(zones);
  return findMustNotResolve(input).flatMap(({ name, why }): Finding[] => {
    const zone = findIndexedZone(table, nameLabels(name));
    const node = zone && findNode(zone, name);
    if (!node?.has('A') && !node?.has('AAAA')) return [];
    return [
      { code: 'DNS_MUST_NOT_RESOLVE', severity: 'error', subject: name, message: `would have an address: ${why}` },
    ];
  });
}
