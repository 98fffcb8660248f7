import { createReadStream } from 'node:fs';
import path from 'node:path';
import { acquireLock } from '../bundle/index.ts';
import { loadSite, type Site } from '../config/index.ts';
import { AirlockError } from '../core/errors.ts';
import { findFile, writeFileAtomic } from '../core/files.ts';
import { hostPort } from '../core/ip.ts';
import { prettyJson } from '../core/json.ts';
import { findParent } from '../core/process-mark.ts';
import type { Run } from '../core/run.ts';
import { renderNamedConf } from '../dns/index.ts';
import {
  awaitHealthy,
  type ContainerEngine,
  type EngineSearch,
  findEngine,
  findUnitScope,
  installUnit,
  outlivesSession,
  readUnitJournal,
  readUnitState,
  removeUnit,
  restartUnit,
  type ServiceUnit,
  type UnitScope,
} from '../registry/index.ts';
import { readLoadedContent } from './loaded.ts';
import {
  awaitServices,
  backgroundPaths,
  findRunningServices,
  findSupervisor,
  type ServiceEndpoint,
  type StartedServices,
  startDetached,
  stopBackground,
  writeFailure,
  writeServicesRecord,
} from './services/background.ts';
import { type FirewallPort, type FirewallResult, openFirewall } from './services/firewall.ts';
import { assertPortFree } from './services/port-free.ts';
import { startServices } from './services/serve.ts';
import { type ServicesSettings, settingsDigest } from './services/settings.ts';
import { supervise } from './services/supervise.ts';
import { findUnitOwner, servicesUnit } from './services/unit.ts';
import { sitePaths } from './site/paths.ts';
import { prepareCertificates, prepareRegistryFiles, prepareUser, type RegistryUser } from './site/prepare.ts';
import { ensureRegistry, removeRegistry, siteContainer } from './site/registry-container.ts';
import { servicesSettings } from './site/services-settings.ts';
import { siteZones } from './site/zones.ts';

export interface UpRequest {
  readonly siteFile: string;
  /** How this tool is started again for the background: program and script. */
  readonly selfCommand: readonly string[];
  readonly engine: EngineSearch;
  /**
   * What starts the services anew when they end, and keeps them over a logout; default `process`. `auto`: systemd where it runs, for root or for
   * a user whose systemd stays after a logout.
   */
  readonly supervisor?: 'auto' | 'systemd' | 'process';
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
  readonly supervisor: 'systemd' | 'process';
  readonly firewall: FirewallResult;
  readonly logFile: string;
}

/** Slow hosts take their time; services that end are noticed long before. */
const startTimeoutMs = 120_000;

/** How often systemd is asked for a unit that was started. */
const unitLookMs = 1000;

/**
 * Certificates, registry, web server and DNS as running services. What runs with the same settings is left alone. Interrupted, it ends what it
 * started.
 * @throws AirlockError SERVICES_FAILED, REGISTRY_UNHEALTHY, PODMAN_*, WORKSPACE_LOCKED while another `up` is under way, those of certificates
 */
export async function up(request: UpRequest, run: Run): Promise<UpResult> {
  const { site } = await loadSite(request.siteFile, run);
  // Two at once would each start a supervisor, of which one is left out of the record.
  const lock = await acquireLock(path.dirname(backgroundPaths(site.paths.state).record), 'airlock up', run);
  try {
    return await bringUp(site, request, run);
  } finally {
    await lock.release();
  }
}

async function bringUp(site: Site, request: UpRequest, run: Run): Promise<UpResult> {
  const certificates = await prepareCertificates(site, run);
  const user = await prepareUser(site, run);
  const registryConfig = await prepareRegistryFiles(site, user, certificates, run);
  await writeDnsFiles(site, run);
  const engine = await chooseEngine(site, request.engine, run);
  // The mode was changed since: the container holds the port of what takes its place.
  if (site.registry.mode === 'embedded' || site.registry.mode === 'external')
    await removeRegistry(await findEngine(request.engine, run), site, await findUnitScope(request.engine, run), run);
  const settings = servicesSettings(site, certificates.paths, engine === 'embedded');
  const scope = await chooseScope(request, run);
  const services = await ensureBackground(settings, scope, request, run);
  const startRegistry = async (): Promise<string> => {
    const state =
      typeof engine === 'string'
        ? services.state
        : await ensureRegistry(
            engine,
            site,
            siteContainer(site, registryConfig, certificates.leaf.fingerprintSha256),
            { scope, left: await findUnitScope(request.engine, run) },
            run,
          );
    if (engine !== 'external') await awaitRegistry(site, user, certificates.caPem, run);
    return state;
  };
  const state = await startRegistry().catch(async (error: unknown) => {
    if (run.signal.aborted) await services.stop();
    throw error;
  });
  const record = services.record;
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
    supervisor: scope ? 'systemd' : 'process',
    firewall: await openFirewall(sitePorts(site), siteAddresses(site), site.paths.state, run),
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
  if (embedded) await prepareRegistryFiles(site, await prepareUser(site, run), certificates, run);
  const settings = servicesSettings(site, certificates.paths, embedded);
  const services = await startServices(settings, run).catch(async (error: unknown) => {
    await writeFailure(settings.stateFolder, error, run).catch(() => {});
    throw error;
  });
  const supervisor = await findParent((words) => words.includes('--supervised'));
  await writeServicesRecord(
    settings.stateFolder,
    {
      ...{
        startedAt: run.now().toISOString(),
        settingsDigest: settingsDigest(settings),
        endpoints: services.endpoints,
      },
      ...(supervisor ? { supervisor } : {}),
    },
    run,
  );
  onReady(services.endpoints);
  await new Promise<void>((resolve) => {
    if (run.signal.aborted) resolve();
    run.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await services.close();
}

/** Keeps the services of a site running in processes of their own until the run is aborted. @throws AirlockError SERVICES_FAILED */
export async function upSupervised(
  siteFile: string,
  embedded: boolean,
  selfCommand: readonly string[],
  run: Run,
): Promise<void> {
  const { site } = await loadSite(siteFile, run);
  await supervise({ command: workerCommand(selfCommand, siteFile, embedded), stateFolder: site.paths.state }, run);
}

function workerCommand(selfCommand: readonly string[], siteFile: string, embedded: boolean): string[] {
  const registry = embedded ? ['--embedded-registry'] : [];
  return [...selfCommand, 'up', '--foreground', ...registry, '-f', siteFile, '--no-progress'];
}

/** Whose systemd keeps the services; undefined: a process of ours. */
async function chooseScope(request: UpRequest, run: Run): Promise<UnitScope | undefined> {
  const wanted = request.supervisor ?? 'process';
  if (wanted === 'process') return undefined;
  const scope = await findUnitScope(request.engine, run);
  if (scope && (await outlivesSession(scope, request.engine.userId, run))) return scope;
  const linger = 'run "loginctl enable-linger", then airlock up again';
  if (wanted === 'systemd')
    throw new AirlockError('USAGE', 'systemd cannot keep the services here', {
      hint: scope
        ? linger
        : 'that needs a host that systemd runs, and root or a session of its own; leave --supervisor out otherwise',
    });
  if (scope) {
    const message = `the services do not come back after a reboot, and may end with this session: ${linger}`;
    run.report({ stage: 'serve', state: 'log', level: 'info', message });
  }
  return undefined;
}

async function ensureBackground(
  settings: ServicesSettings,
  scope: UnitScope | undefined,
  request: UpRequest,
  run: Run,
) {
  const { stateFolder } = settings;
  const command = workerCommand(request.selfCommand, request.siteFile, settings.registry !== undefined);
  const { log } = backgroundPaths(stateFolder);
  // Also where systemd is not to keep them: an earlier run may have left it to systemd.
  const possible = scope ?? (await findUnitScope(request.engine, run));
  const unit = possible && servicesUnit({ siteName: settings.title, command, logFile: log, ...possible });
  const owner = possible && (await findUnitOwner(settings.title, log, possible, run));
  const running = await findRunningServices(stateFolder, run);
  const kept =
    scope && unit
      ? (await findFile(unit.file, run))?.toString() === unit.text
      : owner !== 'this-site' && (await findSupervisor(stateFolder, run)) !== undefined;
  if (running?.settingsDigest === settingsDigest(settings) && kept)
    return { record: running, state: 'unchanged' as const, stop: async () => {} };
  if (scope && unit && owner === 'another')
    throw new AirlockError('SERVICES_FOREIGN', `${unit.file} belongs to another site of the same name`, {
      hint: 'give this site another metadata.name, or end the other one with "airlock down"',
    });
  // A container that runs on while its Podman does not answer has the port: what serves beside it is not stopped for a start that fails.
  if (running && settings.registry && !running.endpoints.some((one) => one.service === 'registry'))
    await assertPortFree(settings.registry.listen[0]?.port ?? 0);
  if (!scope && unit && owner === 'this-site') await removeUnit(unit, run);
  // Also a worker that lost its supervisor, or one that is only about to start.
  const stopped = await stopBackground(stateFolder, run);
  await writeFileAtomic(backgroundPaths(stateFolder).settings, prettyJson(settings), run);
  const start = (): Promise<StartedServices> =>
    scope && unit
      ? startUnit(unit, owner === undefined, run)
      : startDetached([...command, '--supervised'], stateFolder, run);
  const started = await awaitServices(stateFolder, start, startTimeoutMs, run);
  return { ...started, state: stopped || running ? ('restarted' as const) : ('started' as const) };
}

/** A unit that is new and does not come up is taken away again; one that was there before stays, and systemd goes on trying. */
async function startUnit(unit: ServiceUnit, isNew: boolean, run: Run): Promise<StartedServices> {
  const giveUp = async (): Promise<void> => {
    if (isNew) await removeUnit(unit, run);
  };
  await installUnit(unit, run);
  try {
    await restartUnit(unit, run);
  } catch (error) {
    const said = await readUnitJournal(unit, 5, run);
    await giveUp();
    if (said === '') throw error;
    throw new AirlockError('SERVICES_FAILED', `systemd cannot start the services:\n${said}`, {
      cause: error,
      hint: 'where SELinux refuses a program in a home folder, move it to /opt/airlock/bin',
    });
  }
  const { invocation } = await readUnitState(unit, run);
  let askedMs = performance.now();
  return {
    async ended() {
      if (performance.now() - askedMs < unitLookMs) return false;
      const state = await readUnitState(unit, run);
      askedMs = performance.now();
      return !state.up || state.invocation !== invocation;
    },
    gone: giveUp,
    // The run may have been interrupted.
    stop: async () => {
      if (isNew) await removeUnit(unit, { ...run, signal: new AbortController().signal });
    },
  };
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

/** Under which addresses other hosts reach the services. */
function siteAddresses({ bastion, registry, web }: Site): string[] {
  return [...bastion.addresses, ...registry.addresses, ...web.addresses];
}

/** What clients have to reach from other hosts. An external registry is another host's. */
function sitePorts(site: Site): FirewallPort[] {
  const { registry, web, dns } = site;
  return [
    ...(registry.mode === 'external' ? [] : [`${registry.port}/tcp` as const]),
    `${web.httpPort}/tcp`,
    `${web.httpsPort}/tcp`,
    ...(dns.serve ? ([`${dns.port}/tcp`, `${dns.port}/udp`] as const) : []),
  ];
}
