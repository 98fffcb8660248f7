import { createReadStream } from 'node:fs';
import path from 'node:path';
import { loadSite, type Site } from '../config/index.ts';
import { AirlockError } from '../core/errors.ts';
import { writeFileAtomic } from '../core/files.ts';
import { hostPort } from '../core/ip.ts';
import { prettyJson } from '../core/json.ts';
import type { Run } from '../core/run.ts';
import { renderNamedConf } from '../dns/index.ts';
import {
  awaitHealthy,
  type ContainerEngine,
  type EngineSearch,
  ensureContainer,
  findEngine,
  registryContainer,
  registryFolders,
} from '../registry/index.ts';
import { readLoadedContent } from './loaded.ts';
import {
  backgroundPaths,
  findRunningServices,
  type ServiceEndpoint,
  startBackground,
  stopBackground,
  writeServicesRecord,
} from './services/background.ts';
import { startServices } from './services/serve.ts';
import { type ServicesSettings, settingsDigest } from './services/settings.ts';
import { sitePaths } from './site/paths.ts';
import { prepareCertificates, prepareRegistryFiles, prepareUser, type RegistryUser } from './site/prepare.ts';
import { servicesSettings } from './site/services-settings.ts';
import { siteZones } from './site/zones.ts';

export interface UpRequest {
  readonly siteFile: string;
  /** How this tool is started again for the background: program and script. */
  readonly selfCommand: readonly string[];
  readonly engine: EngineSearch;
}

/** What runs after `up`. */
export interface UpResult {
  readonly registry: {
    readonly mode: 'podman' | 'embedded' | 'external';
    readonly url: string;
    readonly state: string;
  };
  readonly web: readonly string[];
  readonly dns: readonly string[];
  readonly endpoints: readonly ServiceEndpoint[];
  readonly certificates: {
    readonly changed: boolean;
    readonly reason: string | undefined;
    readonly caFile: string;
    readonly notAfter: string;
  };
  readonly services: 'started' | 'restarted' | 'unchanged';
  readonly logFile: string;
}

const startTimeoutMs = 30_000;
export const registryContainerName = 'airlock-registry';

/**
 * Certificates, registry, web server and DNS as running services. What runs with the same settings is left alone.
 * @throws AirlockError SERVICES_FAILED, REGISTRY_UNHEALTHY, PODMAN_*, those of certificates
 */
export async function up(request: UpRequest, run: Run): Promise<UpResult> {
  const { site } = await loadSite(request.siteFile, run);
  const certificates = await prepareCertificates(site, run);
  const user = await prepareUser(site, run);
  const registryConfig = await prepareRegistryFiles(site, user, certificates, run);
  await writeDnsFiles(site, run);
  const engine = await chooseEngine(site, request.engine, run);
  const settings = servicesSettings(site, certificates.paths, engine === 'embedded');
  const services = await ensureBackground(settings, request, run);
  const state =
    typeof engine === 'string' ? services.state : await ensureRegistryContainer(site, engine, registryConfig, run);
  const record = services.record;
  if (engine !== 'external') await awaitRegistry(site, user, certificates.caPem, run);
  return {
    registry: {
      mode: typeof engine === 'string' ? engine : 'podman',
      url: `https://${hostPort(site.registry.host, site.registry.port)}`,
      state,
    },
    web: settings.web.urls,
    dns: settings.dns?.listen.map(({ address, port }) => hostPort(address, port)) ?? [],
    endpoints: record.endpoints,
    certificates: {
      changed: certificates.changed,
      reason: certificates.reason,
      caFile: certificates.paths.trust,
      notAfter: certificates.leaf.notAfter.toISOString(),
    },
    services: services.state,
    logFile: record.logFile,
  };
}

/** Runs the services of a site in this process until the run is aborted. `onReady` is called once everything listens. */
export async function upForeground(
  siteFile: string,
  embedded: boolean,
  onReady: (endpoints: readonly ServiceEndpoint[]) => void,
  run: Run,
): Promise<void> {
  const { site } = await loadSite(siteFile, run);
  const certificates = await prepareCertificates(site, run);
  const settings = servicesSettings(site, certificates.paths, embedded);
  const services = await startServices(settings, run);
  await writeServicesRecord(
    settings.stateFolder,
    { startedAt: run.now().toISOString(), settingsDigest: settingsDigest(settings), endpoints: services.endpoints },
    run,
  );
  onReady(services.endpoints);
  await new Promise<void>((resolve) => {
    if (run.signal.aborted) resolve();
    run.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await services.close();
}

async function ensureBackground(settings: ServicesSettings, request: UpRequest, run: Run) {
  const { stateFolder } = settings;
  const running = await findRunningServices(stateFolder, run);
  if (running?.settingsDigest === settingsDigest(settings)) return { record: running, state: 'unchanged' as const };
  if (running) await stopBackground(stateFolder, run);
  await writeFileAtomic(backgroundPaths(stateFolder).settings, prettyJson(settings), run);
  const command = [
    ...request.selfCommand,
    'up',
    '--foreground',
    ...(settings.registry ? ['--embedded-registry'] : []),
    '-f',
    request.siteFile,
    '--no-progress',
  ];
  const record = await startBackground(command, stateFolder, startTimeoutMs, run);
  return { record, state: running ? ('restarted' as const) : ('started' as const) };
}

/** Which registry serves: the engine to run it in, or a word for the others. `auto`: Podman where its socket answers and its image is here. */
async function chooseEngine(
  site: Site,
  search: EngineSearch,
  run: Run,
): Promise<ContainerEngine | 'embedded' | 'external'> {
  const { mode, image } = site.registry;
  if (mode === 'embedded' || mode === 'external') return mode;
  const engine = await findEngine(search, run);
  if (engine && ((await engine.findImage(image)) !== undefined || (await loadRegistryImage(site, engine, run))))
    return engine;
  const why = engine ? `its image ${image} is neither in Podman nor in a loaded bundle` : 'no Podman socket answers';
  const message = `the registry is served by airlock itself: ${why}`;
  run.report({ stage: 'serve', state: 'log', level: mode === 'podman' ? 'warning' : 'info', message });
  return 'embedded';
}

/** Loads the image that came with the bundle; false when there is none. */
async function loadRegistryImage(site: Site, engine: ContainerEngine, run: Run): Promise<boolean> {
  const file = path.join(sitePaths(site).files, 'images/registry.tar');
  if ((await run.disk.stat(file)) === undefined) return false;
  await engine.loadImage(createReadStream(file, { highWaterMark: 1 << 20 }), run);
  if ((await engine.findImage(site.registry.image)) !== undefined) return true;
  throw new AirlockError('IMAGE_ARCHIVE_INVALID', `${file} does not hold ${site.registry.image}`, {
    hint: 'build the bundle with the same site file, or name the image that it holds',
  });
}

async function ensureRegistryContainer(site: Site, engine: ContainerEngine, config: string, run: Run): Promise<string> {
  const spec = registryContainer({
    name: registryContainerName,
    image: site.registry.image,
    folders: registryFolders(site.paths.registry),
    config,
  });
  return ensureContainer(engine, spec, run);
}

async function awaitRegistry(site: Site, user: RegistryUser, caPem: string, run: Run): Promise<void> {
  for (const family of site.families) {
    const host = family === 4 ? '127.0.0.1' : '::1';
    await awaitHealthy(
      { host, port: site.registry.port, tls: { ca: caPem, serverName: site.registry.host }, ...user },
      startTimeoutMs,
      run,
    );
  }
}

/** BIND's files beside the zones, for sites that serve them themselves. */
async function writeDnsFiles(site: Site, run: Run): Promise<void> {
  const loaded = await readLoadedContent(site.paths.state, run);
  const zones = await siteZones(site, loaded.contentDate, run);
  const directory = sitePaths(site).zones;
  await writeFileAtomic(
    path.join(directory, 'named.conf'),
    renderNamedConf(zones, { directory, forwarders: site.dns.forwarders }),
    run,
  );
}
