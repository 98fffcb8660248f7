import path from 'node:path';
import { daysLeft, describeCertificate } from '../certs/index.ts';
import { findFile } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import type { StatusLevel, StatusModel } from '../webserver/index.ts';
import type { SiteCheck } from './check.ts';
import { type LoadedContent, readLoadedContent } from './loaded.ts';
import { probeTcp } from './probe.ts';
import type { ServicesSettings } from './services/settings.ts';

/** The model of the web server's first page, from the state folder as it is now. */
export async function siteStatusPage(settings: ServicesSettings, run: Run): Promise<StatusModel> {
  const loaded = await readLoadedContent(settings.stateFolder, run);
  const newest = loaded.generations.at(-1);
  return {
    title: `Airlock at ${settings.title}`,
    at: run.now(),
    services: await services(settings, run),
    ...(newest
      ? {
          bundle: {
            generation: newest.generation,
            createdAt: new Date(newest.createdAt),
            loadedAt: new Date(newest.loadedAt),
          },
        }
      : {}),
    releases: releases(loaded),
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
      level: 'unknown',
      state: 'checked before it is served',
    })),
    certificates: await certificates(settings, run),
    ...(await lastCheck(settings, run)),
    caPath: '/ca.crt',
    snippets: snippets(settings),
  };
}

async function services(settings: ServicesSettings, run: Run): Promise<NonNullable<StatusModel['services']>> {
  const wanted = [
    ...(settings.registry?.listen ?? []).map((one) => ({ name: 'registry', ...one })),
    ...settings.web.http.map((one) => ({ name: 'web server', ...one })),
    ...(settings.dns?.listen ?? []).map((one) => ({ name: 'DNS', ...one })),
  ];
  return Promise.all(
    wanted.map(async ({ name, address, port }) => {
      const answers = await probeTcp(address, port, 1000, run);
      return {
        name,
        address: `${address} port ${port}`,
        level: answers ? ('good' as const) : ('bad' as const),
        state: answers ? 'answers' : 'does not answer',
      };
    }),
  );
}

function releases(loaded: LoadedContent): NonNullable<StatusModel['releases']> {
  return loaded.releases.map((release) => ({
    version: release.version,
    architectures: [release.architecture],
    image: `${release.repository}@${release.digest}`,
  }));
}

async function certificates(settings: ServicesSettings, run: Run): Promise<NonNullable<StatusModel['certificates']>> {
  const bytes = await findFile(settings.certificateFile, run);
  if (!bytes) return [];
  const leaf = describeCertificate(bytes.toString());
  const days = daysLeft(leaf.notAfter, run.now());
  const level: StatusLevel = days < 0 ? 'bad' : days < 30 ? 'warning' : 'good';
  return [{ name: 'registry and web server', notAfter: leaf.notAfter, level }];
}

async function lastCheck(settings: ServicesSettings, run: Run): Promise<Pick<StatusModel, 'check'>> {
  const bytes = await findFile(path.join(settings.stateFolder, 'check.json'), run);
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

function snippets(settings: ServicesSettings): NonNullable<StatusModel['snippets']> {
  const [web] = settings.web.urls;
  const dns = settings.dns?.listen[0];
  return [
    {
      title: 'Trust the CA (RHEL)',
      text: `curl -o /etc/pki/ca-trust/source/anchors/airlock.crt ${web}/ca.crt\nupdate-ca-trust`,
    },
    ...(settings.registry
      ? [{ title: 'Log in', text: `podman login ${settings.registry.url.replace('https://', '')}` }]
      : []),
    ...(dns ? [{ title: 'Ask the DNS', text: `dig -p ${dns.port} @${dns.address} ${settings.title} SOA` }] : []),
    { title: 'Check downloads', text: `curl -O ${web}/sha256sum.txt && sha256sum -c sha256sum.txt` },
  ];
}
