import path from 'node:path';
import { certificatePaths } from '../../certs/index.ts';
import type { Site } from '../../config/index.ts';
import { findFile } from '../../core/files.ts';
import type { Run } from '../../core/run.ts';
import { probeServices, type ServiceHealth } from '../services/health.ts';

/** Every service of a site, asked at every address of the site with the CA that clients trust. */
export async function siteHealth(site: Site, run: Run): Promise<ServiceHealth[]> {
  const text = async (file: string): Promise<string> => (await findFile(file, run))?.toString() ?? '';
  const caPem = await text(certificatePaths(path.join(site.paths.state, 'certs')).trust);
  const { web, dns } = site;
  return probeServices(
    {
      registry: { ...site.registry, caPem: site.registry.caFile ? await text(site.registry.caFile) : caPem },
      web: { ...web, caPem },
      ...(dns.serve ? { dns: { zone: site.baseDomain, addresses: site.bastion.addresses, port: dns.port } } : {}),
    },
    run,
  );
}
