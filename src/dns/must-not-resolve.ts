import { clusterDomain } from './forward.ts';
import type { ZoneInput } from './input.ts';
import { type DomainName, parseDomainName } from './name.ts';

/** A name that has to have no address at this site, and the trap that it would reveal. */
export interface AbsentName {
  readonly name: DomainName;
  readonly why: string;
}

/** A label that nobody gives to anything. */
export const absentLabel = 'airlock-absent';

/**
 * Names that must not have an address: what a host asks for when it puts its search domain behind a name that it cannot find, what a file
 * without a final dot makes of ours. A wildcard that is too wide answers some of them. `sources` are registry hosts outside of the site,
 * such as `quay.io`.
 * @throws AirlockError DNS_NAME_INVALID
 * @see hosted-clusters-disconnected §4.4
 */
export function findMustNotResolve(input: ZoneInput, sources: readonly string[] = ['quay.io']): AbsentName[] {
  const base = parseDomainName(input.baseDomain);
  const clusters = [...(input.managementCluster ? [input.managementCluster] : []), ...input.hostedClusters];
  const clusterDomains = clusters.map((cluster) => clusterDomain(cluster, base));
  const searchDomains = [...new Set([base, ...clusterDomains, ...(input.searchDomains ?? []).map(parseDomainName)])];
  const absent = (name: string, why: string): AbsentName => ({ name: parseDomainName(name), why });
  return [
    ...searchDomains.flatMap((domain) => [
      absent(`${absentLabel}.${domain}`, `a wildcard covers all of ${domain}, so that any mistyped name is answered`),
      ...sources.map((host) =>
        absent(`${host}.${domain}`, `hosts that search ${domain} are sent to the wrong address for ${host}`),
      ),
    ]),
    absent(`${base}.${base}`, 'a name was written without its final dot, or a wildcard covers the base domain'),
    absent(`wpad.${base}`, 'hosts that look for a proxy by name would use whatever answers'),
  ];
}
