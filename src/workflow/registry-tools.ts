import path from 'node:path';
import type { Readable } from 'node:stream';
import { loadSite, type Site } from '../config/index.ts';
import { AirlockError } from '../core/errors.ts';
import { writeFileAtomic } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { openStorage } from '../oci/index.ts';
import {
  type CollectionPlan,
  collectGarbage,
  copyRegistry,
  type EngineSearch,
  findEngine,
  generatePassword,
  planCollection,
  registryFolders,
  type StorageCopy,
  setPassword,
  storeLogin,
} from '../registry/index.ts';
import { findRunningServices } from './services/background.ts';
import { sitePaths } from './site/paths.ts';
import { prepareUser } from './site/prepare.ts';
import { findRegistryContainer, registryContainerLogs } from './site/registry-container.ts';

/** Puts the site's registry user into an auth file. */
export async function registryLogin(
  siteFile: string,
  authFile: string,
  run: Run,
): Promise<{ readonly file: string; readonly registry: string; readonly username: string }> {
  const { site } = await loadSite(siteFile, run);
  const user = await prepareUser(site, run);
  await storeLogin(authFile, { registry: site.registry.reference, ...user }, run);
  return { file: authFile, registry: site.registry.reference, username: user.username };
}

/** Gives the registry user a new random password; the registry reads it without a restart. `emit` and `apply` spread it. */
export async function registryPassword(
  siteFile: string,
  run: Run,
): Promise<{ readonly username: string; readonly passwordFile: string }> {
  const { site } = await loadSite(siteFile, run);
  const paths = sitePaths(site);
  const user = { username: site.registry.username, password: generatePassword() };
  await setPassword(paths.htpasswd, user, run);
  await writeFileAtomic(paths.password, `${user.password}\n`, run, 0o600);
  await writeFileAtomic(path.join(paths.state, 'registry-user'), `${user.username}:${user.password}\n`, run, 0o600);
  return { username: user.username, passwordFile: paths.password };
}

/**
 * Makes the registry refuse writes of clients, or take them again; `load` writes into its storage either way. A registry that Airlock serves
 * follows within seconds, one in Podman with the next `up`.
 */
export async function registryReadOnly(
  siteFile: string,
  on: boolean,
  run: Run,
): Promise<{ readonly readOnly: boolean; readonly changed: boolean; readonly needsUp: boolean }> {
  const { site } = await loadSite(siteFile, run);
  if (site.registry.mode === 'external')
    throw new AirlockError('USAGE', 'the registry of this site is another program', {
      hint: 'make it read-only with its own means',
    });
  const { readOnlyMark } = sitePaths(site);
  const changed = ((await run.disk.stat(readOnlyMark)) !== undefined) !== on;
  if (on && changed) await writeFileAtomic(readOnlyMark, 'written by airlock registry read-only on\n', run);
  if (!on) await run.disk.remove(readOnlyMark);
  const running = await findRunningServices(site.paths.state, run);
  const needsUp = running !== undefined && !running.endpoints.some((one) => one.service === 'registry');
  return { readOnly: on, changed, needsUp };
}

/** What a garbage collection would free. The registry must not take writes until it is carried out. */
export async function registryGcPlan(siteFile: string, untagged: boolean, run: Run): Promise<CollectionPlan> {
  const { site } = await loadSite(siteFile, run);
  return planCollection(openStorage(sitePaths(site).storage), { untagged }, run);
}

/** @throws AirlockError USAGE while the registry or other services of the site run: a push under way could lose its blobs */
export async function registryGc(
  siteFile: string,
  agreed: CollectionPlan,
  untagged: boolean,
  search: EngineSearch,
  run: Run,
): Promise<CollectionPlan> {
  const { site } = await loadSite(siteFile, run);
  const engine = usesPodman(site) ? await findEngine(search, run) : undefined;
  const container = engine && (await findRegistryContainer(engine, site));
  if (container?.running || (await findRunningServices(site.paths.state, run))) {
    throw new AirlockError('USAGE', 'the registry is running', { hint: 'stop it first: airlock down' });
  }
  return collectGarbage(openStorage(sitePaths(site).storage), agreed, { untagged }, run);
}

/** The registry container's log, or the log of the background services. */
export async function registryLogs(
  siteFile: string,
  options: { readonly tail: number; readonly follow: boolean },
  search: EngineSearch,
  run: Run,
): Promise<Readable | { readonly file: string }> {
  const { site } = await loadSite(siteFile, run);
  const engine = usesPodman(site) ? await findEngine(search, run) : undefined;
  if (engine && (await findRegistryContainer(engine, site))) return registryContainerLogs(engine, options, run);
  return { file: path.join(site.paths.state, 'log', 'services.log') };
}

/** Copies the registry with its storage, certificates and users; blobs are checked on the way. */
export async function registryBackup(siteFile: string, folder: string, run: Run): Promise<StorageCopy> {
  const { site } = await loadSite(siteFile, run);
  return copyRegistry(registryFolders(site.paths.registry), registryFolders(folder), run);
}

export async function registryRestore(siteFile: string, folder: string, run: Run): Promise<StorageCopy> {
  const { site } = await loadSite(siteFile, run);
  if (!(await run.disk.stat(path.join(folder, 'data'))))
    throw new AirlockError('FILE_NOT_FOUND', `${folder} holds no backup of a registry`, {
      hint: 'name the folder that registry backup wrote',
    });
  return copyRegistry(registryFolders(folder), registryFolders(site.paths.registry), run);
}

function usesPodman(site: Site): boolean {
  return site.registry.mode !== 'embedded' && site.registry.mode !== 'external';
}
