import { loadSite } from '../config/index.ts';
import type { Run } from '../core/run.ts';
import { type EngineSearch, findEngine } from '../registry/index.ts';
import { stopBackground } from './services/background.ts';
import { registryContainerName } from './up.ts';

/** What `down` stopped. */
export interface DownResult {
  readonly services: boolean;
  readonly container: boolean;
}

/** Stops what `up` started for this site, and nothing else; data, certificates and settings stay. */
export async function down(siteFile: string, search: EngineSearch, run: Run): Promise<DownResult> {
  const { site } = await loadSite(siteFile, run);
  const services = await stopBackground(site.paths.state, run);
  if (site.registry.mode === 'embedded' || site.registry.mode === 'external') return { services, container: false };
  const engine = await findEngine(search, run);
  const container = await engine?.findContainer(registryContainerName);
  // A container of this name that somebody else made has no label of ours.
  const ours = container !== undefined && container.labels['airlock.service'] === 'registry';
  if (engine && ours) {
    await engine.stopContainer(registryContainerName, 10);
    await engine.removeContainer(registryContainerName);
  }
  return { services, container: ours };
}
