import path from 'node:path';
import { acquireLock } from '../bundle/index.ts';
import { loadSite, type Site } from '../config/index.ts';
import type { Run } from '../core/run.ts';
import { type EngineSearch, findEngine, findUnitScope, removeUnit } from '../registry/index.ts';
import { backgroundPaths, findRunningServices, stopBackground } from './services/background.ts';
import { closeFirewall } from './services/firewall.ts';
import { findUnitOwner, servicesUnit } from './services/unit.ts';
import { removeRegistry } from './site/registry-container.ts';

/** What `down` stopped. */
export interface DownResult {
  readonly services: boolean;
  readonly container: boolean;
  /** Ports that were closed in the firewall, `5000/tcp`. */
  readonly closedPorts: readonly string[];
}

/**
 * Stops what `up` started for this site, and nothing else; data, certificates and settings stay.
 * @throws AirlockError WORKSPACE_LOCKED while an `up` is under way
 */
export async function down(siteFile: string, search: EngineSearch, run: Run): Promise<DownResult> {
  const { site } = await loadSite(siteFile, run);
  const folder = path.dirname(backgroundPaths(site.paths.state).record);
  // What was never up needs no folder for a lock.
  const lock = (await run.disk.stat(folder)) ? await acquireLock(folder, 'airlock down', run) : undefined;
  try {
    return await bringDown(site, search, run);
  } finally {
    await lock?.release();
  }
}

async function bringDown(site: Site, search: EngineSearch, run: Run): Promise<DownResult> {
  const scope = await findUnitScope(search, run);
  const logFile = backgroundPaths(site.paths.state).log;
  const ran = (await findRunningServices(site.paths.state, run)) !== undefined;
  if (scope && (await findUnitOwner(site.name, logFile, scope, run)) === 'this-site')
    await removeUnit(servicesUnit({ siteName: site.name, command: [], logFile, ...scope }), run);
  const services = (await stopBackground(site.paths.state, run)) || ran;
  const closedPorts = await closeFirewall(site.paths.state, run);
  // Whatever the mode is now: it may have been another one when the container was made.
  const container = await removeRegistry(await findEngine(search, run), site, scope, run);
  return { services, container, closedPorts };
}
