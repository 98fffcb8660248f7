import path from 'node:path';
import { certificatePaths, daysLeft, describeCertificate } from '../certs/index.ts';
import { loadSite, type Site } from '../config/index.ts';
import { findFile } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { type EngineSearch, findEngine } from '../registry/index.ts';
import type { SiteCheck } from './check.ts';
import { type LoadedContent, readLoadedContent } from './loaded.ts';
import { backgroundPaths, findFailure, findRunningServices, findSupervisor } from './services/background.ts';
import type { ServiceHealth } from './services/health.ts';
import { findUnitOwner } from './services/unit.ts';
import { type DiskUse, readDiskUse } from './site/disk-use.ts';
import { siteHealth } from './site/health.ts';
import { sitePaths } from './site/paths.ts';
import { findRegistryContainer } from './site/registry-container.ts';

/** One address of one service. */
export interface ServiceStatus extends ServiceHealth {
  /** When what serves it was started; undefined when nothing of ours does. */
  readonly since: string | undefined;
}

/** What `status` says of a site. */
export interface SiteStatus {
  readonly site: string;
  readonly services: readonly ServiceStatus[];
  /** Of the background process; undefined when it does not run. */
  readonly background:
    | {
        readonly pid: number;
        readonly since: string;
        readonly logFile: string;
        /** What starts it anew when it ends: a process of ours, or systemd; nothing when it is gone and there is no unit. */
        readonly supervisor: { readonly pid: number; readonly restarts: number } | undefined;
        readonly systemd: boolean;
      }
    | undefined;
  /** Set while the services are down and their supervisor is about to start them again. */
  readonly restarting:
    | {
        readonly supervisorPid: number;
        readonly restarts: number;
        /** Why the last start failed; undefined when it had been ready and ended later: the log says more. */
        readonly problem: string | undefined;
        readonly logFile: string;
      }
    | undefined;
  readonly certificate:
    | {
        readonly notAfter: string;
        readonly daysLeft: number;
        readonly fingerprintSha256: string;
        readonly caNotAfter: string | undefined;
      }
    | undefined;
  readonly generations: LoadedContent['generations'];
  readonly releases: readonly string[];
  readonly webFiles: number;
  readonly disks: readonly DiskUse[];
  readonly lastCheck: { readonly checkedAt: string; readonly errors: number; readonly warnings: number } | undefined;
  /** Everything that the site says should answer does. */
  readonly healthy: boolean;
}

/** Looks at the site as it stands; changes nothing. Without `engine` Podman is not asked. */
export async function status(siteFile: string, run: Run, engine?: EngineSearch): Promise<SiteStatus> {
  const { site } = await loadSite(siteFile, run);
  const paths = sitePaths(site);
  const [loaded, { services, background, restarting }, certificate, disks] = await Promise.all([
    readLoadedContent(paths.state, run),
    siteServices(site, run, engine),
    certificateStatus(path.join(paths.state, 'certs'), run),
    readDiskUse([paths.storage, paths.web, paths.state]),
  ]);
  return {
    site: site.name,
    services,
    background,
    restarting,
    certificate,
    generations: loaded.generations,
    releases: loaded.releases.map((release) => `${release.version} ${release.architecture}`),
    webFiles: loaded.webFiles.length,
    disks,
    lastCheck: await readLastCheck(paths.lastCheck, run),
    healthy: services.every((service) => service.healthy),
  };
}

/** The services with their health, and the process behind them. */
export async function siteServices(
  site: Site,
  run: Run,
  engine?: EngineSearch,
): Promise<Pick<SiteStatus, 'background' | 'restarting'> & { readonly services: readonly ServiceStatus[] }> {
  const { state } = site.paths;
  const [record, supervisor, container, health] = await Promise.all([
    findRunningServices(state, run),
    findSupervisor(state, run),
    engine && site.registry.mode !== 'embedded' ? findContainerStart(site, engine, run) : undefined,
    siteHealth(site, run),
  ]);
  // By the folder alone: systemd need not be asked, and the page that the services render has no engine to ask.
  const scope = engine?.home !== undefined && engine.userId !== 0 ? { home: engine.home } : {};
  const servesRegistry = record?.endpoints.some((one) => one.service === 'registry') === true;
  const since = (service: string): string | undefined =>
    service === 'registry' && !servesRegistry ? container : record?.startedAt;
  return {
    services: health.map((one) => ({ ...one, since: since(one.service) })),
    background: record && {
      pid: record.pid,
      since: record.startedAt,
      logFile: record.logFile,
      supervisor: supervisor && { pid: supervisor.pid, restarts: supervisor.restarts },
      systemd: (await findUnitOwner(site.name, record.logFile, scope, run)) === 'this-site',
    },
    restarting:
      record || !supervisor
        ? undefined
        : {
            supervisorPid: supervisor.pid,
            restarts: supervisor.restarts,
            problem: (await findFailure(state, run))?.message,
            logFile: backgroundPaths(state).log,
          },
  };
}

async function findContainerStart(site: Site, search: EngineSearch, run: Run): Promise<string | undefined> {
  if (site.registry.mode === 'external') return undefined;
  const engine = await findEngine(search, run);
  const container = engine && (await findRegistryContainer(engine, site));
  return container?.running ? container.startedAt?.toISOString() : undefined;
}

async function certificateStatus(folder: string, run: Run): Promise<SiteStatus['certificate']> {
  const paths = certificatePaths(folder);
  const bytes = await findFile(paths.certificate, run);
  if (!bytes) return undefined;
  const leaf = describeCertificate(bytes.toString());
  const ca = await findFile(paths.trust, run);
  return {
    notAfter: leaf.notAfter.toISOString(),
    daysLeft: daysLeft(leaf.notAfter, run.now()),
    fingerprintSha256: leaf.fingerprintSha256,
    caNotAfter: ca && describeCertificate(ca.toString()).notAfter.toISOString(),
  };
}

async function readLastCheck(file: string, run: Run): Promise<SiteStatus['lastCheck']> {
  const bytes = await findFile(file, run);
  if (!bytes) return undefined;
  const last = JSON.parse(bytes.toString()) as SiteCheck;
  const count = (severity: string): number => last.findings.filter((finding) => finding.severity === severity).length;
  return { checkedAt: last.checkedAt, errors: count('error'), warnings: count('warning') };
}
