import { openBundle } from '../../bundle/index.ts';
import { loadSite, type Site } from '../../config/index.ts';
import type { Finding } from '../../core/findings.ts';
import type { Run } from '../../core/run.ts';
import { type EngineSearch, findEngine } from '../../registry/index.ts';
import { readLoadedContent } from '../loaded.ts';
import { findRunningServices } from '../services/background.ts';
import { sitePaths } from '../site/paths.ts';
import { findRegistryContainer } from '../site/registry-container.ts';
import { checkFiles } from './files.ts';
import { checkListeners, siteListeners } from './listeners.ts';
import { checkFolders, checkRoom } from './places.ts';

export interface DoctorRequest {
  readonly siteFile: string;
  /** What is about to be loaded; left out: room is not looked at. */
  readonly bundle?: string | undefined;
  readonly engine: EngineSearch;
}

/** What was looked at, and what stands in the way. */
export interface DoctorResult {
  readonly findings: readonly Finding[];
  readonly counts: {
    readonly files: number;
    /** Addresses and ports that were tried; those that services of the site have already are not. */
    readonly listeners: number;
    readonly folders: number;
    readonly bundles: number;
  };
}

/**
 * Whether this host can be the bastion of a site, before anything is loaded or started: files that the site names, folders and room, addresses and
 * ports, Podman, the clock. Changes nothing; listens for a moment on ports that are free.
 * @throws AirlockError CONFIG_INVALID, CONFIG_NOT_FOUND, BUNDLE_NOT_FOUND, BUNDLE_INVALID
 */
export async function doctor(request: DoctorRequest, run: Run): Promise<DoctorResult> {
  const { site } = await loadSite(request.siteFile, run);
  const paths = sitePaths(site);
  const bundles = request.bundle === undefined ? [] : await openBundle(request.bundle, run);
  const files = await checkFiles(site, run);
  const folders = [site.paths.registry, site.paths.web, site.paths.state];
  const taken = await servedAlready(site, request.engine, run);
  const listeners = siteListeners(site).filter(({ service }) => !taken.has(service));
  const loaded = await readLoadedContent(site.paths.state, run);
  const made = [...bundles.map(({ index }) => index.createdAt), ...loaded.generations.map((one) => one.createdAt)];
  const findings = [
    ...files.findings,
    ...(await checkFolders(folders, run)),
    ...(await checkRoom(bundles, paths, run)),
    ...(await checkListeners(listeners)),
    ...(await checkPodman(site, request.engine, run)),
    ...checkClock(made, run),
  ];
  const counts = {
    files: files.count,
    listeners: listeners.length,
    folders: folders.length,
    bundles: bundles.length,
  };
  return { findings, counts };
}

/** Services of this site that run here: they have their ports. */
async function servedAlready(site: Site, engine: EngineSearch, run: Run): Promise<ReadonlySet<string>> {
  const services = await findRunningServices(site.paths.state, run);
  const taken = new Set<string>(services?.endpoints.map((one) => one.service));
  if (site.registry.mode === 'embedded' || site.registry.mode === 'external') return taken;
  const podman = await findEngine(engine, run);
  if (podman && (await findRegistryContainer(podman, site))) taken.add('registry');
  return taken;
}

async function checkPodman(site: Site, search: EngineSearch, run: Run): Promise<Finding[]> {
  const { mode } = site.registry;
  if (mode === 'embedded' || mode === 'external' || (await findEngine(search, run))) return [];
  return [
    {
      code: 'DOCTOR_PODMAN_SILENT',
      severity: mode === 'podman' ? 'warning' : 'info',
      subject: 'Podman',
      message: 'no socket answers; airlock serves the registry itself then',
      hint: 'systemctl enable --now podman.socket (for root), systemctl --user enable --now podman.socket (for others), or registry.mode: embedded',
    },
  ];
}

/** A bundle that was made in the future: certificates would not be valid yet, and no signature of a release either. */
function checkClock(made: readonly string[], run: Run): Finding[] {
  const newest = [...made].sort().at(-1);
  const now = run.now();
  if (newest === undefined || Date.parse(newest) <= now.getTime()) return [];
  return [
    {
      code: 'DOCTOR_CLOCK_BEHIND',
      severity: 'error',
      subject: 'clock of this host',
      message: `says ${now.toISOString()}, but a bundle was made at ${newest}`,
      hint: 'set the clock; certificates that are made now would be valid at the wrong time',
    },
  ];
}
