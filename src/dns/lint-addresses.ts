import type { Finding } from '../core/findings.ts';
import { findIpFamily, parseIp, parseIpPrefix, prefixContains } from '../core/ip.ts';
import { clusterDomain, planNames } from './forward.ts';
import type { DnsHost, ZoneInput } from './input.ts';
import { reverseZones } from './reverse.ts';

/** What is wrong with the addresses behind the names: doubles, a missing family, no way back. */
export function addressFindings(input: ZoneInput): Finding[] {
  return [...hostFindings(input), ...familyFindings(input), ...reverseFindings(input)];
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
