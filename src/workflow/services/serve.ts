import path from 'node:path';
import { loadSite } from '../../config/index.ts';
import { errorText } from '../../core/errors.ts';
import { findFile, readFileLimited } from '../../core/files.ts';
import { hostPort } from '../../core/ip.ts';
import type { Run } from '../../core/run.ts';
import { type DnsServer, startDnsServer } from '../../dns/index.ts';
import { openStorage } from '../../oci/index.ts';
import { type EmbeddedRegistry, parseHtpasswd, startEmbeddedRegistry } from '../../registry/index.ts';
import { startWebServer, type WebFile, type WebServer, type WebText } from '../../webserver/index.ts';
import { readLoadedContent } from '../loaded.ts';
import { siteZones } from '../site/zones.ts';
import { siteStatusPage } from '../status-page.ts';
import type { ServiceEndpoint } from './background.ts';
import type { ServicesSettings } from './settings.ts';

/** Services that run in this process. */
export interface RunningServices {
  readonly endpoints: readonly ServiceEndpoint[];
  close(): Promise<void>;
}

/** How often certificates, zones and loaded content are looked at for changes. */
const watchMs = 2000;

/**
 * Starts the services that the settings name, and follows changes of certificates, zones and loaded content without a restart.
 * @throws AirlockError of the services: an address in use, a bad certificate
 */
export async function startServices(settings: ServicesSettings, run: Run): Promise<RunningServices> {
  const started: { close(): Promise<unknown> }[] = [];
  try {
    const tls = await readTls(settings, run);
    const registry = await startRegistry(settings, tls, run);
    if (registry) started.push(registry);
    const web = await startWeb(settings, tls, run);
    started.push(web);
    const dns = await startDns(settings, run);
    if (dns) started.push(dns);
    const stopWatching = watch(settings, { registry, web, dns }, run);
    return {
      endpoints: [
        ...(registry?.addresses ?? []).map(({ host, port }) => ({
          service: 'registry' as const,
          url: `https://${hostPort(host, port)}`,
        })),
        ...web.addresses.map(({ address, port, tls }) => ({
          service: 'web' as const,
          url: `${tls ? 'https' : 'http'}://${hostPort(address, port)}`,
        })),
        ...(dns?.addresses ?? []).map(({ address, port }) => ({
          service: 'dns' as const,
          url: `dns://${hostPort(address, port)}`,
        })),
      ],
      async close() {
        stopWatching();
        await closeAll(started);
      },
    };
  } catch (error) {
    await closeAll(started);
    throw error;
  }
}

interface Tls {
  readonly certificate: string;
  readonly key: string;
}

async function readTls(settings: ServicesSettings, run: Run): Promise<Tls> {
  const certificate = (await readFileLimited(settings.certificateFile, run)).toString();
  return { certificate, key: (await readFileLimited(settings.keyFile, run)).toString() };
}

async function startRegistry(settings: ServicesSettings, tls: Tls, run: Run): Promise<EmbeddedRegistry | undefined> {
  if (!settings.registry) return undefined;
  const { storage, htpasswdFile, listen } = settings.registry;
  const htpasswd = parseHtpasswd((await readFileLimited(htpasswdFile, run)).toString());
  return startEmbeddedRegistry(
    {
      store: openStorage(storage),
      listen: listen.map(({ address, port }) => ({ host: address, port })),
      tls,
      htpasswd,
      allowSparse: true,
    },
    run,
  );
}

async function startWeb(settings: ServicesSettings, tls: Tls, run: Run): Promise<WebServer> {
  const { web } = settings;
  const content = await webContent(settings, run);
  return startWebServer(
    {
      listen: [...web.http.map((one) => ({ ...one, tls: false })), ...web.https.map((one) => ({ ...one, tls: true }))],
      tls: { cert: tls.certificate, key: tls.key },
      ...content,
      root: web.root,
      title: settings.title,
      verifiedCacheFile: path.join(settings.stateFolder, 'run', 'verified-files.json'),
      statusPage: () => siteStatusPage(settings, run),
    },
    run,
  );
}

async function webContent(settings: ServicesSettings, run: Run): Promise<{ files: WebFile[]; texts: WebText[] }> {
  const loaded = await readLoadedContent(settings.stateFolder, run);
  const ca = await findFile(settings.caFile, run);
  return {
    files: loaded.webFiles.map((file) => ({
      path: file.webPath,
      file: path.join(settings.web.root, file.webPath),
      sizeBytes: file.sizeBytes,
      sha256: file.sha256,
    })),
    texts: ca ? [{ path: '/ca.crt', content: ca.toString() }] : [],
  };
}

async function startDns(settings: ServicesSettings, run: Run): Promise<DnsServer | undefined> {
  if (!settings.dns) return undefined;
  return startDnsServer(
    { zones: await currentZones(settings.dns.siteFile, settings.stateFolder, run), listen: settings.dns.listen },
    run,
  );
}

async function currentZones(siteFile: string, stateFolder: string, run: Run) {
  const { site } = await loadSite(siteFile, run);
  const loaded = await readLoadedContent(stateFolder, run);
  return siteZones(site, loaded.contentDate, run);
}

interface Watched {
  readonly registry: EmbeddedRegistry | undefined;
  readonly web: WebServer;
  readonly dns: DnsServer | undefined;
}

/** Looks at the files by time and size; polling works on every file system, and nothing here is in a hurry. */
function watch(settings: ServicesSettings, services: Watched, run: Run): () => void {
  const follow = (files: readonly string[], apply: () => Promise<void>) => ({ files, apply, seen: '' });
  const generations = path.join(settings.stateFolder, 'generations');
  const followed = [
    follow([settings.certificateFile, settings.keyFile], async () => {
      const tls = await readTls(settings, run);
      services.registry?.replaceTls(tls);
      services.web.replaceTls({ cert: tls.certificate, key: tls.key });
    }),
    follow([generations, settings.caFile], async () => {
      const { files, texts } = await webContent(settings, run);
      await services.web.replaceFiles(files, texts);
    }),
    follow(settings.dns ? [settings.dns.siteFile, generations] : [], async () => {
      if (settings.dns)
        services.dns?.replaceZones(await currentZones(settings.dns.siteFile, settings.stateFolder, run));
    }),
  ];
  const look = async (first: boolean): Promise<void> => {
    for (const one of followed) {
      const marks = await Promise.all(one.files.map((file) => run.disk.stat(file)));
      const now = marks.map((mark) => `${mark?.modifiedAt.getTime()}:${mark?.sizeBytes}`).join(' ');
      const changed = one.seen !== now && !first;
      one.seen = now;
      if (changed) await one.apply();
    }
  };
  const report = (error: unknown): void =>
    run.report({
      stage: 'serve',
      state: 'log',
      level: 'warning',
      message: `a change was not taken over: ${errorText(error)}`,
    });
  void look(true).catch(report);
  const timer = setInterval(() => void look(false).catch(report), watchMs);
  return () => clearInterval(timer);
}

async function closeAll(services: readonly { close(): Promise<unknown> }[]): Promise<void> {
  await Promise.allSettled([...services].reverse().map((service) => service.close()));
}
