import path from 'node:path';
import { certificatePaths, daysLeft, describeCertificate } from '../certs/index.ts';
import { loadSite, type Site } from '../config/index.ts';
import { findFile } from '../core/files.ts';
import { hostPort } from '../core/ip.ts';
import type { Run } from '../core/run.ts';
import type { SiteCheck } from './check.ts';
import { type LoadedContent, readLoadedContent } from './loaded.ts';
import { probeTcp } from './probe.ts';
import { findRunningServices } from './services/background.ts';
import { sitePaths } from './site/paths.ts';

/** One address of one service. */
export interface ServiceStatus {
  readonly service: 'registry' | 'web' | 'dns';
  readonly address: string;
  readonly answers: boolean;
}

/** What `status` says of a site. */
export interface SiteStatus {
  readonly site: string;
  readonly services: readonly ServiceStatus[];
  /** Of the background process; undefined when it does not run. */
  readonly background: { readonly pid: number; readonly since: string; readonly logFile: string } | undefined;
  readonly certificate:
    | { readonly notAfter: string; readonly daysLeft: number; readonly fingerprintSha256: string }
    | undefined;
  readonly generations: LoadedContent['generations'];
  readonly releases: readonly string[];
  readonly webFiles: number;
  readonly disks: readonly { readonly folder: string; readonly freeBytes: number }[];
  readonly lastCheck: { readonly checkedAt: string; readonly errors: number; readonly warnings: number } | undefined;
  /** Everything that the site says should answer does. */
  readonly healthy: boolean;
}

const probeMs = 2000;

/** Looks at the site as it stands; changes nothing. */
export async function status(siteFile: string, run: Run): Promise<SiteStatus> {
  const { site } = await loadSite(siteFile, run);
  const paths = sitePaths(site);
  const [background, loaded] = await Promise.all([
    findRunningServices(paths.state, run),
    readLoadedContent(paths.state, run),
  ]);
  const services = await probeServices(site, run);
  return {
    site: site.name,
    services,
    background: background && { pid: background.pid, since: background.startedAt, logFile: background.logFile },
    certificate: await certificateStatus(path.join(paths.state, 'certs'), run),
    generations: loaded.generations,
    releases: loaded.releases.map((release) => `${release.version} ${release.architecture}`),
    webFiles: loaded.webFiles.length,
    disks: await diskStatus([paths.storage, paths.web, paths.state], run),
    lastCheck: await readLastCheck(paths.lastCheck, run),
    healthy: services.every((service) => service.answers),
  };
}

async function probeServices(site: Site, run: Run): Promise<ServiceStatus[]> {
  const { registry, web, dns } = site;
  const at = (service: ServiceStatus['service'], addresses: readonly string[], port: number) =>
    addresses.map((address) => ({ service, address, port }));
  const wanted = [
    ...at('registry', registry.addresses, registry.port),
    ...at('web', web.addresses, web.httpPort),
    ...at('web', web.addresses, web.httpsPort),
    ...(dns.serve ? at('dns', site.bastion.addresses, dns.port) : []),
  ];
  return Promise.all(
    wanted.map(async ({ service, address, port }) => ({
      service,
      address: hostPort(address, port),
      answers: await probeTcp(address, port, probeMs, run),
    })),
  );
}

async function certificateStatus(folder: string, run: Run): Promise<SiteStatus['certificate']> {
  const bytes = await findFile(certificatePaths(folder).certificate, run);
  if (!bytes) return undefined;
  const leaf = describeCertificate(bytes.toString());
  return {
    notAfter: leaf.notAfter.toISOString(),
    daysLeft: daysLeft(leaf.notAfter, run.now()),
    fingerprintSha256: leaf.fingerprintSha256,
  };
}

async function diskStatus(folders: readonly string[], run: Run): Promise<SiteStatus['disks']> {
  return Promise.all(folders.map(async (folder) => ({ folder, freeBytes: (await run.disk.space(folder)).freeBytes })));
}

async function readLastCheck(file: string, run: Run): Promise<SiteStatus['lastCheck']> {
  const bytes = await findFile(file, run);
  if (!bytes) return undefined;
  const last = JSON.parse(bytes.toString()) as SiteCheck;
  const count = (severity: string): number => last.findings.filter((finding) => finding.severity === severity).length;
  return { checkedAt: last.checkedAt, errors: count('error'), warnings: count('warning') };
}
