import path from 'node:path';
import { watchServerFiles } from '../../certs/index.ts';
import { loadSite } from '../../config/index.ts';
import { findFile, readFileLimited } from '../../core/files.ts';
import { hostPort } from '../../core/ip.ts';
import type { Run } from '../../core/run.ts';
import { type DnsServer, startDnsServer } from '../../dns/index.ts';
import { openStorage } from '../../oci/index.ts';
import { type EmbeddedRegistry, parseHtpasswd, startEmbeddedRegistry } from '../../registry/index.ts';
import {
  type FileVerdict,
  type StatusModel,
  startWebServer,
  type WebFile,
  type WebServer,
  type WebText,
} from '../../webserver/index.ts';
import { readLoadedContent } from '../loaded.ts';
import { siteZones } from '../site/zones.ts';
import { siteStatusPage } from '../status-page.ts';
import { type AccessLogFile, openAccessLog } from './access-log-file.ts';
import { backgroundPaths, type ServiceEndpoint } from './background.ts';
import { rotateLog } from './rotate-log.ts';
import type { ServicesSettings } from './settings.ts';
import { watchFiles } from './watch-files.ts';

/** Services that run in this process. */
export interface RunningServices {
  readonly endpoints: readonly ServiceEndpoint[];
  close(): Promise<void>;
}

/** How often certificates, zones and loaded content are looked at for changes. */
const watchMs = 2000;

/** How often the size of the log is looked at: here, and not in the supervisor, which may be systemd. */
const rotateMs = 10_000;

/** How long one look at the services is shown. */
const pageMs = 2000;

/**
 * Starts the services that the settings name, and follows changes of certificates, zones and loaded content without a restart.
 * @throws AirlockError of the services: an address in use, a bad certificate
 */
export async function startServices(settings: ServicesSettings, run: Run): Promise<RunningServices> {
  const started: { close(): Promise<unknown> }[] = [];
  try {
    const tls = await readTls(settings, run);
    const requests = backgroundPaths(settings.stateFolder).requests;
    const logs = { registry: openAccessLog(requests.registry, run), web: openAccessLog(requests.web, run) };
    started.push(logs.registry, logs.web);
    const registry = await startRegistry(settings, tls, logs.registry.add, run);
    if (registry) started.push(registry);
    const web = await startWeb(settings, tls, logs.web.add, run);
    started.push(web);
    const dns = await startDns(settings, run);
    if (dns) started.push(dns);
    const stopWatching = watch(settings, { registry, web, dns, tls }, run);
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

async function startRegistry(
  settings: ServicesSettings,
  tls: Tls,
  accessLog: AccessLogFile['add'],
  run: Run,
): Promise<EmbeddedRegistry | undefined> {
  if (!settings.registry) return undefined;
  const { storage, htpasswdFile, readOnlyMark, listen } = settings.registry;
  const htpasswd = parseHtpasswd((await readFileLimited(htpasswdFile, run)).toString());
  return startEmbeddedRegistry(
    {
      store: openStorage(storage),
      listen: listen.map(({ address, port }) => ({ host: address, port })),
      tls,
      htpasswd,
      sparse: 'indexes',
      readOnly: (await run.disk.stat(readOnlyMark)) !== undefined,
      accessLog,
    },
    run,
  );
}

async function startWeb(
  settings: ServicesSettings,
  tls: Tls,
  accessLog: AccessLogFile['add'],
  run: Run,
): Promise<WebServer> {
  const { web } = settings;
  const content = await webContent(settings, run);
  let server: WebServer | undefined;
  const page = statusPage(settings, (path) => server?.verdict(path) ?? { kind: 'unknown' }, run);
  server = await startWebServer(
    {
      listen: [...web.http.map((one) => ({ ...one, tls: false })), ...web.https.map((one) => ({ ...one, tls: true }))],
      tls: { cert: tls.certificate, key: tls.key },
      ...content,
      root: web.root,
      title: settings.title,
      verifiedCacheFile: path.join(settings.stateFolder, 'run', 'verified-files.json'),
      statusPage: page,
      accessLog,
    },
    run,
  );
  return server;
}

/** The page asks every service: many readers at once share one look. */
function statusPage(
  settings: ServicesSettings,
  verdict: (path: string) => FileVerdict,
  run: Run,
): () => Promise<StatusModel> {
  let last: { readonly atMs: number; readonly model: Promise<StatusModel> } | undefined;
  return () => {
    if (!last || performance.now() - last.atMs > pageMs)
      last = { atMs: performance.now(), model: siteStatusPage(settings.siteFile, verdict, run) };
    return last.model;
  };
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
    { zones: await currentZones(settings.siteFile, settings.stateFolder, run), listen: settings.dns.listen },
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
  readonly tls: Tls;
}

/** Follows certificate, users, zones and content. Polling works on every file system, and nothing here is in a hurry. */
function watch(settings: ServicesSettings, services: Watched, run: Run): () => void {
  const { registry, web, dns, tls } = services;
  const { certificateFile, keyFile, siteFile, stateFolder } = settings;
  const generations = path.join(stateFolder, 'generations');
  const stopTls = watchServerFiles(
    { certificateFile, keyFile, intervalMs: watchMs },
    { certificatePem: tls.certificate, keyPem: tls.key },
    (certificate, key) => {
      registry?.replaceTls({ certificate, key });
      web.replaceTls({ cert: certificate, key });
      logTaken('certificate', run);
    },
    run,
  );
  const stops = [
    stopTls,
    ...(registry && settings.registry
      ? [
          watchFiles([settings.registry.htpasswdFile], () => takeUsers(settings, registry, run), run),
          watchFiles([settings.registry.readOnlyMark], () => takeReadOnly(settings, registry, run), run),
        ]
      : []),
    watchFiles(
      [generations, settings.caFile],
      async () => {
        const { files, texts } = await webContent(settings, run);
        await web.replaceFiles(files, texts);
        logTaken('content', run);
      },
      run,
    ),
    ...(dns
      ? [
          watchFiles(
            [siteFile, generations],
            async () => {
              dns.replaceZones(await currentZones(siteFile, stateFolder, run));
              logTaken('zones', run);
            },
            run,
          ),
        ]
      : []),
  ];
  const log = backgroundPaths(stateFolder).log;
  const rotation = setInterval(() => void rotateLog(log, {}, run).catch(() => {}), rotateMs).unref();
  return () => {
    clearInterval(rotation);
    for (const stop of stops) stop();
  };
}

async function takeUsers(settings: ServicesSettings, registry: EmbeddedRegistry, run: Run): Promise<void> {
  if (!settings.registry) return;
  registry.replaceUsers(parseHtpasswd((await readFileLimited(settings.registry.htpasswdFile, run)).toString()));
  logTaken('registry users', run);
}

async function takeReadOnly(settings: ServicesSettings, registry: EmbeddedRegistry, run: Run): Promise<void> {
  if (!settings.registry) return;
  registry.setReadOnly((await run.disk.stat(settings.registry.readOnlyMark)) !== undefined);
  logTaken('read-only switch of the registry', run);
}

function logTaken(what: string, run: Run): void {
  run.report({ stage: 'serve', state: 'log', level: 'info', message: `new ${what} taken over` });
}

async function closeAll(services: readonly { close(): Promise<unknown> }[]): Promise<void> {
  await Promise.allSettled([...services].reverse().map((service) => service.close()));
}
