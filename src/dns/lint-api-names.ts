import type { Finding } from '../core/findings.ts';
import { type DomainName, joinLabels, nameLabels } from './name.ts';
import { findRRset, type Zone } from './zone.ts';

/** A zone with `*.apps.X` describes a cluster X: it needs `api.X` and `api-int.X` too, in the same families (§4.1, §4.4). */
export function apiNameFindings(zone: Zone): Finding[] {
  return clusterDomains(zone).flatMap((domain) => {
    const wanted = (['A', 'AAAA'] as const).filter((type) => findRRset(zone, joinLabels(['*.apps', domain]), type));
    return ['api', 'api-int'].flatMap((label): Finding[] => {
      const name = joinLabels([label, domain]);
      const held = (['A', 'AAAA'] as const).filter((type) => findRRset(zone, name, type));
      if (findRRset(zone, name, 'CNAME') || wanted.every((type) => held.includes(type))) return [];
      const missing = wanted.filter((type) => !held.includes(type)).join(' and no ');
      return [
        {
          code: held.length === 0 ? 'DNS_API_MISSING' : 'DNS_FAMILY_MISSING',
          severity: held.length === 0 ? 'error' : 'warning',
          subject: name,
          message: `has no ${missing}, while *.apps.${domain} has`,
          hint: 'nodes reach the API by api-int, everybody else by api; both need every family of the cluster',
        },
      ];
    });
  });
}

function clusterDomains(zone: Zone): DomainName[] {
  const domains = zone.rrsets.flatMap((rrset) => {
    const [star, apps, ...domain] = nameLabels(rrset.name);
    return star === '*' && apps === 'apps' && domain.length > 0 ? [joinLabels(domain)] : [];
  });
  return [...new Set(domains)];
}
