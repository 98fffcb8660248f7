import { loadSite } from '../config/index.ts';
import type { Run } from '../core/run.ts';
import { type EngineSearch, findEngine, hasSystemd, removeUnit } from '../registry/index.ts';
import { stopBackground } from './services/background.ts';
import { closeFirewall } from './services/firewall.ts';
import { servicesUnit } from './services/unit.ts';
import { removeRegistry } from './site/registry-container.ts';

/** What `down` stopped. */
export interface DownResult {
  readonly services: boolean;
  readonly container: boolean;
  /** Ports that were closed in the firewall, `5000/tcp`. */
  readonly closedPorts: readonly string[];
}

/** Stops what `up` started for this site, and nothing else; data, certificates and settings stay. */
export async function down(siteFile: string, search: EngineSearch, run: Run): Promise<DownResult> {
  const { site } = await loadSite(siteFile, run);
  const systemd = await hasSystemd(run);
  // Its file is there only where `up` wrote it.
  if (systemd) await removeUnit(servicesUnit({ siteName: site.name, command: [], logFile: '' }), run);
  const services = await stopBackground(site.paths.state, run);
  const closedPorts = await closeFirewall(site.paths.state, run);
  if (site.registry.mode === 'embedded' || site.registry.mode === 'external')
    return { services, container: false, closedPorts };
  const engine = await findEngine(search, run);
  const container = engine !== undefined && (await removeRegistry(engine, site, systemd, run));
  return { services, container, closedPorts };
}
