import path from 'node:path';
import { certificatePaths, daysLeft, describeCertificate } from '../certs/index.ts';
import { loadSite, type Site } from '../config/index.ts';
import { findFile } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import type { FileVerdict, StatusLevel, StatusModel } from '../webserver/index.ts';
import type { SiteCheck } from './check.ts';
import { type LoadedContent, readLoadedContent } from './loaded.ts';
import { readDiskUse } from './site/disk-use.ts';
import { dnsListeners, webUrls } from './site/endpoints.ts';
import { type SitePaths, sitePaths } from './site/paths.ts';
import { siteServices } from './status.ts';

/** The model of the web server's first page, from the site as it is now. `verdict` tells what the server knows of a file. */
export async function siteStatusPage(
  siteFile: string,
  verdict: (webPath: string) => FileVerdict,
  run: Run,
): Promise<StatusModel> {
  const { site } = await loadSite(siteFile, run);
  const paths = sitePaths(site);
  const loaded = await readLoadedContent(paths.state, run);
  const newest = loaded.generations.at(-1);
  return {
    title: `Airlock at ${site.baseDomain}`,
    at: run.now(),
    services: await services(site, run),
    ...(newest
      ? {
          bundle: {
            generation: newest.generation,
            createdAt: new Date(newest.createdAt),
            loadedAt: new Date(newest.loadedAt),
          },
        }
      : {}),
    releases: releases(site, loaded),
    operators: loaded.catalogs.flatMap((catalog) =>
      catalog.packages.map((one) => ({
        name: one.name,
        catalog: `${catalog.repository}:${catalog.tag}`,
        channels: one.channels.map((channel) => channel.name),
      })),
    ),
    files: loaded.webFiles.map((file) => ({
      path: file.webPath,
      sizeBytes: file.sizeBytes,
      sha256: file.sha256,
      ...fileState(verdict(file.webPath)),
    })),
    ...(await certificates(paths, run)),
    disks: await disks(paths),
    ...(await lastCheck(paths, run)),
    caPath: '/ca.crt',
    snippets: snippets(site),
  };
}

async function services(site: Site, run: Run): Promise<NonNullable<StatusModel['services']>> {
  const titles = { registry: 'registry', web: 'web server', dns: 'DNS' } as const;
  return (await siteServices(site, run)).services.map((one) => ({
    name: one.service === 'web' ? `${titles.web}, ${one.scheme.toUpperCase()}` : titles[one.service],
    address: one.address,
    level: one.healthy ? ('good' as const) : ('bad' as const),
    state: one.healthy ? 'healthy' : (one.problem ?? 'does not answer'),
    ...(one.since ? { since: new Date(one.since) } : {}),
  }));
}

function releases(site: Site, loaded: LoadedContent): NonNullable<StatusModel['releases']> {
  const prefix = [site.registry.reference, site.registry.namespace].filter(Boolean).join('/');
  return loaded.releases.map((release) => ({
    version: release.version,
    architectures: [release.architecture],
    image: `${prefix}/${release.repository}@${release.digest}`,
  }));
}

function fileState(verdict: FileVerdict): { readonly level: StatusLevel; readonly state: string } {
  if (verdict.kind === 'good') return { level: 'good', state: 'digest checked' };
  if (verdict.kind === 'bad') return { level: 'bad', state: `not served: ${verdict.reason}` };
  return { level: 'unknown', state: 'is checked before it is served' };
}

async function certificates(
  paths: SitePaths,
  run: Run,
): Promise<Pick<StatusModel, 'certificates' | 'caFingerprintSha256'>> {
  const files = certificatePaths(path.join(paths.state, 'certs'));
  const [leaf, ca] = await Promise.all([files.certificate, files.trust].map((file) => findFile(file, run)));
  const row = (name: string, pem: Buffer) => {
    const { notAfter } = describeCertificate(pem.toString());
    const days = daysLeft(notAfter, run.now());
    const level: StatusLevel = days < 0 ? 'bad' : days < 30 ? 'warning' : 'good';
    return { name, notAfter, level };
  };
  return {
    certificates: [...(leaf ? [row('registry and web server', leaf)] : []), ...(ca ? [row('CA', ca)] : [])],
    ...(ca ? { caFingerprintSha256: describeCertificate(ca.toString()).fingerprintSha256 } : {}),
  };
}

async function disks(paths: SitePaths): Promise<NonNullable<StatusModel['disks']>> {
  const named = { [paths.storage]: 'registry', [paths.web]: 'web server', [paths.state]: 'state' };
  return (await readDiskUse(Object.keys(named))).map(({ folder, usedBytes, freeBytes, totalBytes }) => ({
    name: named[folder] ?? '',
    path: folder,
    usedBytes,
    totalBytes,
    level: freeBytes < totalBytes / 50 ? 'bad' : freeBytes < totalBytes / 10 ? 'warning' : 'good',
  }));
}

async function lastCheck(paths: SitePaths, run: Run): Promise<Pick<StatusModel, 'check'>> {
  const bytes = await findFile(paths.lastCheck, run);
  if (!bytes) return {};
  const last = JSON.parse(bytes.toString()) as SiteCheck;
  const level = { error: 'bad', warning: 'warning', info: 'good' } as const;
  return {
    check: {
      at: new Date(last.checkedAt),
      findings: last.findings.map(({ code, severity, subject, message, hint }) => ({
        code,
        subject,
        message,
        level: level[severity],
        ...(hint ? { hint } : {}),
      })),
    },
  };
}

/** What to run elsewhere; over plain HTTP, since whoever needs it does not trust the CA yet. */
function snippets(site: Site): NonNullable<StatusModel['snippets']> {
  const { http } = webUrls(site);
  const { reference } = site.registry;
  const folder = `/etc/containers/certs.d/${reference}`;
  const servers = site.dns.serve ? dnsListeners(site) : [];
  return [
    {
      title: 'Trust the CA on a host (RHEL; compare the fingerprint)',
      text: `curl -fo /etc/pki/ca-trust/source/anchors/airlock.crt ${http}/ca.crt\nupdate-ca-trust`,
    },
    {
      title: 'Trust the CA on a host (Debian, Ubuntu)',
      text: `curl -fo /usr/local/share/ca-certificates/airlock.crt ${http}/ca.crt\nupdate-ca-certificates`,
    },
    {
      title: 'Pull images with container tools',
      text: `mkdir -p ${folder}\ncurl -fo ${folder}/ca.crt ${http}/ca.crt\npodman login -u ${site.registry.username} ${reference}`,
    },
    ...servers.slice(0, 1).map(({ address, port }) => ({
      title: 'Ask the DNS',
      text: `dig ${port === 53 ? '' : `-p ${port} `}@${address} ${site.registry.host}`,
    })),
    ...(servers.length > 0 && site.dns.port === 53
      ? [{ title: 'Resolve the names of this site (resolv.conf)', text: resolvConf(servers.map((one) => one.address)) }]
      : []),
    { title: 'Check downloads', text: `curl -fO ${http}/sha256sum.txt && sha256sum -c sha256sum.txt` },
    {
      title: 'Point a cluster at this bastion (here, on the bastion)',
      text: `airlock emit -f ${site.file} manifests\nairlock apply -f ${site.file}`,
    },
  ];
}

function resolvConf(addresses: readonly string[]): string {
  return addresses.map((address) => `nameserver ${address}`).join('\n');
}
