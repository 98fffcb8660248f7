import path from 'node:path';
import { certificatePaths } from '../../certs/index.ts';
import type { Site } from '../../config/index.ts';
import type { Run } from '../../core/run.ts';
import { type CredentialSource, staticCredentials } from '../../oci/index.ts';
import { openTargetClients, type RemoteClients } from '../clients.ts';
import type { SourceSettings, TargetSettings } from '../requests.ts';
import { findUser, prepareCertificates, prepareUser, registryTrustPem } from './prepare.ts';

/** How the registry of a load is reached: by flags, and as a site's own. */
export interface RegistryAccess {
  readonly source: SourceSettings;
  readonly targetSettings: TargetSettings;
  /** The site whose registry it is: its user and CA. */
  readonly site: Site | undefined;
}

/** Clients for a target registry. `changes` false: neither password nor certificates of the site are made. */
export async function openRegistryClients(
  { site, source, targetSettings }: RegistryAccess,
  changes: boolean,
  run: Run,
): Promise<RemoteClients> {
  const { credentials, caFile } = site
    ? await (changes ? prepareAccess : findAccess)(site, run)
    : { credentials: undefined, caFile: undefined };
  const settings = { ...targetSettings, caFile: targetSettings.caFile ?? caFile };
  return openTargetClients(source, settings, targetSettings.authFile ? undefined : credentials, run);
}

/** How a site's registry is reached. */
interface SiteAccess {
  readonly credentials: CredentialSource | undefined;
  readonly caFile: string | undefined;
}

/** The site's own user and CA from what is there already. */
async function findAccess(site: Site, run: Run): Promise<SiteAccess> {
  const user = await findUser(site, run);
  const trust = certificatePaths(path.join(site.paths.state, 'certs')).trust;
  const caFile = site.registry.caFile ?? ((await run.disk.stat(trust)) ? trust : undefined);
  return { credentials: user && staticCredentials(user.username, user.password, 'site file'), caFile };
}

/** The site's own user and CA for its external registry. */
async function prepareAccess(site: Site, run: Run): Promise<SiteAccess> {
  const user = await prepareUser(site, run);
  const certificates = await prepareCertificates(site, run);
  await registryTrustPem(site, certificates, run);
  return {
    credentials: staticCredentials(user.username, user.password, 'site file'),
    caFile: site.registry.caFile ?? certificates.paths.trust,
  };
}
