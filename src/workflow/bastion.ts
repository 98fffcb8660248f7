import path from 'node:path';
import { loadSite, type Site } from '../config/index.ts';
import { AirlockError } from '../core/errors.ts';
import type { Run } from '../core/run.ts';
import { sitePaths } from './site/paths.ts';

/** Which bastion is meant: its site file, or its folders by name, which win over the site's. */
export interface BastionRequest {
  readonly siteFile?: string | undefined;
  /** The folder that holds `docker/registry/v2`. */
  readonly storageFolder?: string | undefined;
  /** Where load records lie; default: the site's state folder, or `.airlock` in the storage. */
  readonly stateFolder?: string | undefined;
}

/** Folders of a bastion. */
export interface Bastion {
  readonly storage: string;
  readonly state: string;
  readonly site: Site | undefined;
}

/**
 * Finds storage and state of a bastion.
 * @throws AirlockError USAGE without a storage on this host, CONFIG_INVALID, CONFIG_NOT_FOUND
 */
export async function findBastion(request: BastionRequest, run: Run): Promise<Bastion> {
  const { siteFile, storageFolder } = request;
  const site = siteFile === undefined ? undefined : (await loadSite(siteFile, run)).site;
  if (site?.registry.mode === 'external' && storageFolder === undefined) {
    throw new AirlockError('USAGE', 'the registry of the site is external: its storage is not on this host', {
      hint: 'this looks at registry storage; name a folder with --storage DIR',
    });
  }
  const storage = storageFolder ?? (site && sitePaths(site).storage);
  if (storage === undefined) {
    throw new AirlockError('USAGE', 'neither a site file nor a storage folder', {
      hint: 'name the site file with -f FILE, or the folder that load filled with --storage DIR',
    });
  }
  const own = storageFolder === undefined && site ? site.paths.state : path.join(storage, '.airlock');
  return { storage, state: request.stateFolder ?? own, site };
}
