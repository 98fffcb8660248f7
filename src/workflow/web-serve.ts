import { createHash } from 'node:crypto';
import path from 'node:path';
import { certificatePaths } from '../certs/index.ts';
import { loadSite } from '../config/index.ts';
import { AirlockError } from '../core/errors.ts';
import { findFile, readFileLimited } from '../core/files.ts';
import { hostPort } from '../core/ip.ts';
import { mapLimited } from '../core/limit.ts';
import type { Run } from '../core/run.ts';
import { startWebServer, type WebFile, type WebListen, type WebServerOptions } from '../webserver/index.ts';
import { readLoadedContent } from './loaded.ts';
import { openAccessLog } from './services/access-log-file.ts';
import type { Listen } from './services/settings.ts';
import { servicesSettings } from './site/services-settings.ts';

export interface WebServeRequest {
  /** Every file below it; left out: what was loaded at the site. */
  readonly root?: string | undefined;
  readonly siteFile?: string | undefined;
  readonly listen?: readonly Listen[] | undefined;
  readonly certificateFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** Where requests are logged; left out: nowhere. */
  readonly accessLogFile?: string | undefined;
  /** Called with each URL once it listens. */
  readonly onReady: (url: string) => void;
}

/**
 * Serves a folder, or the loaded content of a site, until the run is aborted.
 * @throws AirlockError USAGE, WEB_LISTEN_FAILED, WEB_TLS_INVALID, WEB_PATH_INVALID, FILE_NOT_FOUND
 */
export async function serveWeb(request: WebServeRequest, run: Run): Promise<void> {
  const options =
    request.root === undefined ? await siteOptions(request, run) : await folderOptions(request.root, request, run);
  const log = request.accessLogFile === undefined ? undefined : openAccessLog(request.accessLogFile, run);
  const server = await startWebServer({ ...options, ...(log ? { accessLog: log.add } : {}) }, run);
  for (const { address, port, tls } of server.addresses)
    request.onReady(`${tls ? 'https' : 'http'}://${hostPort(address, port)}`);
  await new Promise<void>((resolve) => {
    if (run.signal.aborted) resolve();
    run.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await server.close();
  await log?.close();
}

async function siteOptions(request: WebServeRequest, run: Run): Promise<WebServerOptions> {
  const { siteFile, certificateFile, keyFile } = request;
  if (siteFile === undefined)
    throw new AirlockError('USAGE', 'nothing to serve', { hint: 'name a folder with --root, or a site file with -f' });
  if (certificateFile ?? keyFile)
    throw new AirlockError('USAGE', 'the certificates are those of the site', { hint: 'use --tls-cert with --root' });
  const { site } = await loadSite(siteFile, run);
  const paths = certificatePaths(path.join(site.paths.state, 'certs'));
  const { web } = servicesSettings(site, paths, false);
  const ca = await findFile(paths.trust, run);
  const loaded = await readLoadedContent(site.paths.state, run);
  const listen: WebListen[] = request.listen?.map((one) => ({ ...one, tls: one.port === site.web.httpsPort })) ?? [
    ...web.http.map((one) => ({ ...one, tls: false })),
    ...web.https.map((one) => ({ ...one, tls: true })),
  ];
  return {
    listen,
    ...(listen.some((one) => one.tls) ? { tls: await readPair(paths.certificate, paths.key, run) } : {}),
    root: site.paths.web,
    title: site.name,
    files: loaded.webFiles.map((file) => ({
      path: file.webPath,
      file: path.join(site.paths.web, file.webPath),
      sizeBytes: file.sizeBytes,
      sha256: file.sha256,
    })),
    texts: ca ? [{ path: '/ca.crt', content: ca.toString() }] : [],
  };
}

async function folderOptions(root: string, request: WebServeRequest, run: Run): Promise<WebServerOptions> {
  const { certificateFile, keyFile } = request;
  if ((certificateFile === undefined) !== (keyFile === undefined))
    throw new AirlockError('USAGE', '--tls-cert and --tls-key go together');
  if ((await run.disk.stat(root))?.kind !== 'directory')
    throw new AirlockError('FILE_NOT_FOUND', `${root} is not a folder`);
  const tls = certificateFile && keyFile ? await readPair(certificateFile, keyFile, run) : undefined;
  const listen = request.listen ?? [{ address: '127.0.0.1', port: 8080 }];
  return {
    listen: listen.map((one) => ({ ...one, tls: tls !== undefined })),
    ...(tls ? { tls } : {}),
    root,
    title: path.basename(root),
    files: await mapLimited(await listFiles(root, run), 2, (name) => describeFile(root, name, run)),
  };
}

async function readPair(certificateFile: string, keyFile: string, run: Run) {
  const text = async (file: string): Promise<string> => (await readFileLimited(file, run)).toString();
  return { cert: await text(certificateFile), key: await text(keyFile) };
}

/** Plain files only, as paths below the root; what begins with a dot is nobody else's business. */
async function listFiles(root: string, run: Run, below = ''): Promise<string[]> {
  const entries = (await run.disk.list(path.join(root, below))).filter(({ name }) => !name.startsWith('.'));
  const lists = await Promise.all(
    entries.map(({ name, kind }) => {
      const at = path.posix.join(below, name);
      if (kind === 'directory') return listFiles(root, run, at);
      return kind === 'file' ? [at] : [];
    }),
  );
  return lists.flat();
}

async function describeFile(root: string, name: string, run: Run): Promise<WebFile> {
  const file = path.join(root, name);
  const hash = createHash('sha256');
  const handle = await run.disk.open(file, 'read');
  const buffer = Buffer.allocUnsafe(1 << 20);
  let sizeBytes = 0;
  try {
    for (;;) {
      run.signal.throwIfAborted();
      const count = await handle.read(buffer, sizeBytes);
      if (count === 0) break;
      hash.update(buffer.subarray(0, count));
      sizeBytes += count;
    }
  } finally {
    await handle.close();
  }
  return { path: `/${name}`, file, sizeBytes, sha256: hash.digest('hex') };
}
