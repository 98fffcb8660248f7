import type { Site } from '../config/index.ts';
import { AirlockError } from '../core/errors.ts';

/** The content of the files that a site names, by absolute path. */
export type SiteTexts = Readonly<Record<string, string>>;

/** The absolute paths of the files whose content `emitSite` needs, sorted, each once. */
export function siteTextFiles(site: Site): string[] {
  const management = site.managementCluster;
  const failovers = [...(management?.ipFailover ?? []), ...site.hostedClusters.flatMap((one) => one.ipFailover)];
  const files = [
    site.pullSecretFile,
    ...site.certificates.trustFiles,
    ...(management?.machineConfigs ?? []),
    ...failovers.flatMap((one) => [one.checkScript, one.notifyScript]),
    ...site.hostedClusters.flatMap((cluster) => [
      cluster.sshKeyFile,
      ...cluster.nodePools.flatMap((pool) => [
        ...pool.machineConfigs,
        ...pool.tuned,
        ...pool.hosts.flatMap((host) => [host.nmstate, host.bmc.credentialsFile]),
      ]),
    ]),
  ];
  return [...new Set(files.filter((file) => file !== undefined))].sort();
}

/** @throws AirlockError SITE_TEXT_MISSING */
export function getText(texts: SiteTexts, file: string): string {
  const text = texts[file];
  if (text !== undefined) return text;
  throw new AirlockError('SITE_TEXT_MISSING', `the content of ${file} is needed, but was not read`);
}

/**
 * User and password of a BMC: two lines `username: …` and `password: …`; what stands behind the colon is taken as it is.
 * @throws AirlockError BMC_CREDENTIALS_INVALID (the message never holds the content)
 */
export function parseBmcCredentials(
  text: string,
  file: string,
): { readonly username: string; readonly password: string } {
  const field = (name: string): string | undefined =>
    new RegExp(`^${name}:[ \\t]*(.+?)[ \\t]*\\r?$`, 'm').exec(text)?.[1]?.replace(/^(["'])(.*)\1$/, '$2');
  const username = field('username');
  const password = field('password');
  if (username === undefined || password === undefined)
    throw new AirlockError('BMC_CREDENTIALS_INVALID', `${file} does not hold a username and a password`, {
      hint: 'write two lines: "username: …" and "password: …"',
    });
  return { username, password };
}
