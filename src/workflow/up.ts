import path from 'node:path';
import { acquireLock } from '../bundle/index.ts';
import { loadSite, type Site } from '../config/index.ts';
import { writeFileAtomic } from '../core/files.ts';
import { hostPort } from '../core/ip.ts';
import type { Run } from '../core/run.ts';
import { renderNamedConf } from '../dns/index.ts';
import { findEngine, findUnitScope } from '../registry/index.ts';
import { readLoadedContent } from './loaded.ts';
import { backgroundPaths, type ServiceEndpoint } from './services/background.ts';
import { type FirewallPort, type FirewallResult, openFirewall } from './services/firewall.ts';
import { chooseScope, ensureBackground, type KeepRequest } from './services/keep.ts';
import { sitePaths } from './site/paths.ts';
import { prepareCertificates, prepareRegistryFiles, prepareUser } from './site/prepare.ts';
import { awaitRegistry, chooseRegistry } from './site/registry-choice.ts';
import { ensureRegistry, removeRegistry, siteContainer } from './site/registry-container.ts';
import { servicesSettings } from './site/services-settings.ts';
import { siteZones } from './site/zones.ts';

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

/**
 * Certificates, registry, web server and DNS as running services. What runs with the same settings is left alone. Interrupted, it ends what it
 * started.
 * @throws AirlockError SERVICES_FAILED, REGISTRY_UNHEALTHY, PODMAN_*, WORKSPACE_LOCKED while another `up` is under way, those of certificates
 */
export async function up(request: KeepRequest, run: Run): Promise<UpResult> {
  const { site } = await loadSite(request.siteFile, run);
  // Two at once would each start a supervisor, of which one is left out of the record.
  const lock = await acquireLock(path.dirname(backgroundPaths(site.paths.state).record), 'airlock up', run);
  try {
    return await bringUp(site, request, run);
  } finally {
    await lock.release();
  }
}

async function bringUp(site: Site, request: KeepRequest, run: Run): Promise<UpResult> {
  const certificates = await prepareCertificates(site, run);
  const user = await prepareUser(site, run);
  const registryConfig = await prepareRegistryFiles(site, user, certificates, run);
  await writeDnsFiles(site, run);
  const engine = await chooseRegistry(site, request.engine, run);
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
