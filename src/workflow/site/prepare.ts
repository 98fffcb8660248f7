import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { type EnsureOptions, ensureCertificates, type SiteCertificates } from '../../certs/index.ts';
import type { Site } from '../../config/index.ts';
import { AirlockError } from '../../core/errors.ts';
import { findFile, readFileLimited, writeFileAtomic } from '../../core/files.ts';
import { findIpFamily } from '../../core/ip.ts';
import type { Run } from '../../core/run.ts';
import {
  generatePassword,
  generateSecret,
  registryFolders,
  renderHtpasswd,
  renderRegistryConfig,
  writeRegistryFiles,
} from '../../registry/index.ts';
import { sitePaths } from './paths.ts';

/** Certificates of a site: made, renewed or left alone; `renew` issues a new server certificate in any case. */
export async function prepareCertificates(site: Site, run: Run, renew = false): Promise<SiteCertificates> {
  return ensureCertificates({ ...certificateOptions(site), ...(renew ? { renew } : {}) }, run);
}

/** What a site asks of its certificates: every name and address under which a service answers. */
export function certificateOptions(site: Site): EnsureOptions {
  const { certificates } = site;
  const further = certificates.names;
  const isAddress = (text: string): boolean => findIpFamily(text) !== undefined;
  const names = [
    ...new Set([
      ...[site.registry.host, site.web.host, site.bastion.host, ...shortNames(site)],
      ...further.filter((text) => !isAddress(text)),
    ]),
  ];
  const addresses = [
    ...[...site.bastion.addresses, ...site.registry.addresses, ...site.web.addresses, ...loopback(site)],
    ...further.filter(isAddress),
  ];
  return {
    folder: path.join(site.paths.state, 'certs'),
    names,
    addresses: [...new Set(addresses)],
    authorityName: `Airlock site CA ${site.name}`,
    validityDays: certificates.days,
    ...(certificates.caFile
      ? {
          authority: {
            certificateFile: certificates.caFile,
            ...(certificates.caKeyFile ? { keyFile: certificates.caKeyFile } : {}),
          },
        }
      : {}),
    ...(certificates.certificateFile && certificates.keyFile
      ? { leaf: { certificateFile: certificates.certificateFile, keyFile: certificates.keyFile } }
      : {}),
  };
}

/** Writes the server certificate to where the registry container reads it, if the registry's folder is there. */
export async function handOverCertificates(site: Site, certificates: SiteCertificates, run: Run): Promise<void> {
  if (site.registry.mode === 'external' || !(await run.disk.stat(sitePaths(site).certificates))) return;
  const tls = { certificate: certificates.certificatePem, key: certificates.keyPem };
  await writeRegistryFiles(registryFolders(site.paths.registry), { tls }, run);
}

/** Who may use the registry. */
export interface RegistryUser {
  readonly username: string;
  readonly password: string;
}

/** The registry user; a password is made where the site names no file. @throws AirlockError FILE_NOT_FOUND for a file that it names */
export async function prepareUser(site: Site, run: Run): Promise<RegistryUser> {
  const found = await findUser(site, run);
  if (found) return found;
  const password = generatePassword();
  await writeFileAtomic(sitePaths(site).password, `${password}\n`, run, 0o600);
  return { username: site.registry.username, password };
}

/** The registry user, undefined where a password has to be made first. @throws AirlockError FILE_NOT_FOUND for a file that the site names */
export async function findUser(site: Site, run: Run): Promise<RegistryUser | undefined> {
  const { username, passwordFile } = site.registry;
  const bytes = await findFile(sitePaths(site).password, run);
  if (bytes) return { username, password: bytes.toString().replace(/\r?\n$/, '') };
  if (passwordFile === undefined) return undefined;
  throw new AirlockError(
    'FILE_NOT_FOUND',
    `${passwordFile}, which the site names as the registry's password file, does not exist`,
    {
      hint: 'write the password into it, or leave registry.passwordFile out: one is made then',
    },
  );
}

/** Folders and files of the registry: storage, certificate, htpasswd (left alone while it fits) and distribution's configuration. */
export async function prepareRegistryFiles(
  site: Site,
  user: RegistryUser,
  certificates: SiteCertificates,
  run: Run,
): Promise<string> {
  const folders = registryFolders(site.paths.registry);
  const secretFile = path.join(site.paths.state, 'registry-secret');
  const kept = (await findFile(secretFile, run))?.toString().trim();
  const secret = kept ?? generateSecret();
  if (kept === undefined) await writeFileAtomic(secretFile, `${secret}\n`, run, 0o600);
  const readOnly = (await run.disk.stat(sitePaths(site).readOnlyMark)) !== undefined;
  const config = renderRegistryConfig({ port: site.registry.port, tls: true, htpasswd: true, secret, readOnly });
  const htpasswd = (await hasUser(sitePaths(site).htpasswd, user, site, run))
    ? undefined
    : await renderHtpasswd(user.username, user.password);
  await writeRegistryFiles(
    folders,
    {
      config,
      tls: { certificate: certificates.certificatePem, key: certificates.keyPem },
      ...(htpasswd ? { htpasswd } : {}),
    },
    run,
  );
  if (htpasswd) await writeFileAtomic(userMark(site), userText(user), run, 0o600);
  return config;
}

// bcrypt salts anew each time; a mark beside the password tells whether the file is still that of this user and password.
async function hasUser(htpasswdFile: string, user: RegistryUser, site: Site, run: Run): Promise<boolean> {
  const mark = await findFile(userMark(site), run);
  return mark?.toString() === userText(user) && (await run.disk.stat(htpasswdFile)) !== undefined;
}

function userMark(site: Site): string {
  return path.join(site.paths.state, 'registry-user');
}

function userText(user: RegistryUser): string {
  return `${user.username}:${user.password}\n`;
}

function shortNames(site: Site): string[] {
  return [site.registry.host, site.web.host, site.bastion.host].map((name) => name.split('.')[0] ?? name);
}

function loopback(site: Site): string[] {
  return site.families.map((family) => (family === 4 ? '127.0.0.1' : '::1'));
}

/** The PEM of what clients of the registry trust. */
export async function registryTrustPem(site: Site, certificates: SiteCertificates, run: Run): Promise<string> {
  const { caFile } = site.registry;
  return caFile === undefined ? certificates.caPem : (await readFileLimited(caFile, run)).toString();
}

/**
 * The key that encrypts each hosted cluster's etcd: 32 random bytes, base64, made once and kept, since a cluster cannot be restored without
 * its own.
 */
export async function prepareEtcdKeys(site: Site, run: Run): Promise<Record<string, string>> {
  const keys: Record<string, string> = {};
  for (const { name } of site.hostedClusters) {
    const file = path.join(site.paths.state, 'etcd-keys', `${name}.key`);
    const kept = (await findFile(file, run))?.toString().trim();
    keys[name] = kept ?? randomBytes(32).toString('base64');
    if (kept === undefined) await writeFileAtomic(file, `${keys[name]}\n`, run, 0o600);
  }
  return keys;
}
