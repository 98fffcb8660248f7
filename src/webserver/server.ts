import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createSecureContext } from 'node:tls';
import { AirlockError, errorText, findErrno } from '../core/errors.ts';
import { hostPort } from '../core/ip.ts';
import { cancellation, type Run } from '../core/run.ts';
import type { AccessEntry } from './access-log.ts';
import { renderFolderPage } from './folder-page.ts';
import { encodePath, parseRequestPath } from './request-path.ts';
import { type Exchange, sendFile, sendPage, sendProblem, sendText } from './respond.ts';
import { layOutSite, type WebFile, type WebSite, type WebText } from './site.ts';
import { renderStatusPage, type StatusModel } from './status-page.ts';
import { BufferPool } from './transfer.ts';
import { type FileVerdict, VerifiedFiles } from './verified-files.ts';

/** PEM texts of a server certificate (with intermediates) and its key. */
export interface WebTls {
  readonly cert: string;
  readonly key: string;
}

/** An address to listen on; port 0 lets the system choose. `::` takes IPv4 too unless `0.0.0.0` is listed with the same port. */
export interface WebListen {
  readonly address: string;
  readonly port: number;
  readonly tls?: boolean;
}

export interface WebServerOptions {
  readonly listen: readonly WebListen[];
  /** Needed when a listener has `tls`. */
  readonly tls?: WebTls;
  readonly files: readonly WebFile[];
  /** For example the CA at `/ca.crt`. */
  readonly texts?: readonly WebText[];
  /** Files have to lie below this folder. */
  readonly root?: string;
  /** Where checked digests are kept over a restart. */
  readonly verifiedCacheFile?: string;
  /** Shown on pages: the site's name. */
  readonly title: string;
  /** The model of the page at `/`; left out: the folder listing. */
  readonly statusPage?: () => Promise<StatusModel>;
  readonly accessLog?: (entry: AccessEntry) => void;
  /** A client that takes no byte for so long is cut off; default 10 minutes. A slow one that takes some is not. */
  readonly stallTimeoutMs?: number;
  /** A client has to have sent its request headers by then; default 15 seconds. */
  readonly headersTimeoutMs?: number;
}

/** A running web server. */
export interface WebServer {
  /** What it listens on, with real ports, in the order of `listen`. */
  readonly addresses: readonly WebListen[];
  /** Resolves when every file has been checked once; rejects when the run is aborted. */
  readonly verified: Promise<void>;
  verdict(path: string): FileVerdict;
  /** New connections get the new certificate; those that are open go on. @throws AirlockError WEB_TLS_INVALID */
  replaceTls(tls: WebTls): void;
  /** Serves another set of files and texts from now on; downloads under way go on. @throws AirlockError WEB_PATH_INVALID */
  replaceFiles(files: readonly WebFile[], texts?: readonly WebText[]): Promise<void>;
  /** Stops listening, lets downloads go on for `graceMs` (default 0), then cuts them off. */
  close(graceMs?: number): Promise<void>;
}

/**
 * Serves files over HTTP and HTTPS. It answers as soon as it listens; a file that has not been checked yet is checked first.
 * @throws AirlockError WEB_LISTEN_FAILED, WEB_TLS_INVALID, WEB_PATH_INVALID
 */
export async function startWebServer(options: WebServerOptions, run: Run): Promise<WebServer> {
  let site = layOutSite(options.files, options.texts ?? []);
  const stopping = new AbortController();
  const ownRun: Run = { ...run, signal: AbortSignal.any([run.signal, stopping.signal]) };
  const files = new VerifiedFiles(
    { ...pick('root', options.root), ...pick('cacheFile', options.verifiedCacheFile) },
    ownRun,
  );
  await files.readCache();
  const pool = new BufferPool();
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const exchange = { request, response, now: run.now() };
    if (options.accessLog) logWhenDone(exchange, options.accessLog, run);
    respond(exchange, site, { files, pool, title: options.title, statusPage: options.statusPage }).catch(
      (error: unknown) => {
        run.report({
          stage: 'serve',
          state: 'log',
          level: 'error',
          message: `web server: ${request.method} ${request.url}: ${errorText(error)}`,
        });
        if (response.headersSent) response.destroy();
        else sendProblem(exchange, 500, 'Failed', 'the server could not answer; its log says why');
      },
    );
  };
  const servers = options.listen.map((listen) => createServer(listen, options, answer));
  const addresses: WebListen[] = [];
  try {
    for (const [index, server] of servers.entries()) {
      const wanted = options.listen[index];
      if (wanted) addresses.push({ ...wanted, ...(await listenOn(server, wanted, options.listen)) });
    }
  } catch (error) {
    for (const server of servers) server.close();
    throw error;
  }
  const verifyAll = (): Promise<void> => files.verifyAll([...site.files.values()]);
  const verified = verifyAll();
  // The caller may not look at it; a failed check of a file shows in its answer.
  verified.catch(() => {});
  const close = async (graceMs = 0): Promise<void> => {
    stopping.abort(new AirlockError('CANCELLED', 'the web server was stopped'));
    await Promise.all(servers.map((server) => closeServer(server, graceMs)));
    await verified.catch(() => {});
  };
  const onAbort = (): void => void close();
  run.signal.addEventListener('abort', onAbort, { once: true });
  if (run.signal.aborted) {
    await close();
    throw cancellation(run.signal);
  }
  return {
    addresses,
    verified,
    verdict: (path) => {
      const entry = site.files.get(path);
      return entry ? files.verdict(entry) : { kind: 'unknown' };
    },
    replaceTls: (tls) => {
      assertTls(tls);
      for (const server of servers) if (isHttps(server)) server.setSecureContext(tlsSettings(tls));
    },
    replaceFiles: async (next, texts = options.texts ?? []) => {
      site = layOutSite(next, texts);
      await verifyAll();
    },
    close: async (graceMs) => {
      run.signal.removeEventListener('abort', onAbort);
      await close(graceMs);
    },
  };
}

interface Serving {
  readonly files: VerifiedFiles;
  readonly pool: BufferPool;
  readonly title: string;
  readonly statusPage: (() => Promise<StatusModel>) | undefined;
}

async function respond(exchange: Exchange, site: WebSite, serving: Serving): Promise<void> {
  const { request, response } = exchange;
  response.setHeader('X-Content-Type-Options', 'nosniff');
  // A body with a GET has no meaning here; it is read away so that the connection can be used again.
  request.resume();
  if (request.method === 'OPTIONS') return void response.writeHead(204, { Allow: 'GET, HEAD, OPTIONS' }).end();
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return sendProblem(exchange, 405, 'Method not allowed', 'only GET and HEAD are served', {
      Allow: 'GET, HEAD, OPTIONS',
    });
  const path = parseRequestPath(request.url ?? '/');
  if (path === undefined) return sendProblem(exchange, 400, 'Bad request', 'the path is not valid');
  const file = site.files.get(path);
  if (file) return sendFile(exchange, file, serving.files, serving.pool);
  const text = site.texts.get(path);
  if (text) return sendText(exchange, 200, text.contentType, text.content, { 'Cache-Control': 'no-cache' });
  if (path === '/' && serving.statusPage) return sendPage(exchange, 200, renderStatusPage(await serving.statusPage()));
  const entries = site.folders.get(path);
  if (entries) {
    const verdictOf = (entry: { file: WebFile | undefined }): FileVerdict =>
      entry.file ? serving.files.verdict(entry.file) : { kind: 'unknown' };
    return sendPage(exchange, 200, renderFolderPage(serving.title, path, entries, verdictOf));
  }
  if (site.folders.has(`${path}/`))
    return sendProblem(exchange, 301, 'Moved', 'this is a folder', { Location: encodePath(`${path}/`) });
  sendProblem(exchange, 404, 'Not found', `there is no ${path} here`);
}

function createServer(
  listen: WebListen,
  options: WebServerOptions,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const common = {
    // Node's own limit on the time of a whole request: ours have no body to wait for. Answers have none.
    headersTimeout: options.headersTimeoutMs ?? 15_000,
    requestTimeout: (options.headersTimeoutMs ?? 15_000) * 2,
    connectionsCheckingInterval: Math.min(5000, options.headersTimeoutMs ?? 15_000),
    keepAliveTimeout: 65_000,
    keepAlive: true,
    noDelay: true,
  };
  const server = listen.tls
    ? createHttpsServer(
        { ...common, ...tlsSettings(requireTls(options.tls)), handshakeTimeout: common.headersTimeout },
        answer,
      )
    : createHttpServer(common, answer);
  // Counts while a socket takes nothing at all: Node starts it anew when part of a pending write has gone out.
  server.setTimeout(options.stallTimeoutMs ?? 600_000, (socket) => socket.destroy());
  server.maxConnections = 4096;
  return server;
}

async function listenOn(
  server: Server,
  listen: WebListen,
  all: readonly WebListen[],
): Promise<{ address: string; port: number }> {
  const twin = all.some((other) => other.address === '0.0.0.0' && other.port === listen.port && other.port !== 0);
  try {
    await bind(server, listen.address, listen.port, listen.address === '::' && twin);
  } catch (error) {
    // A host with IPv6 switched off in the kernel still has to serve IPv4.
    if (listen.address === '::' && findErrno(error) === 'EAFNOSUPPORT')
      await bind(server, '0.0.0.0', listen.port, false);
    else throw listenError(error, listen);
  }
  const { address, port } = server.address() as AddressInfo;
  return { address, port };
}

function bind(server: Server, host: string, port: number, ipv6Only: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, ipv6Only }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function listenError(error: unknown, listen: WebListen): unknown {
  const errno = findErrno(error);
  if (errno === undefined) return error;
  const hints: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another program has the port: stop it, or choose another port under spec.web',
    EACCES: 'ports below 1024 need root; choose a higher one under spec.web',
    EADDRNOTAVAIL: 'the address is not one of this host',
  };
  const hint = hints[errno];
  return new AirlockError('WEB_LISTEN_FAILED', `cannot listen on ${hostPort(listen.address, listen.port)}: ${errno}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

function closeServer(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function logWhenDone(exchange: Exchange, log: (entry: AccessEntry) => void, run: Run): void {
  const { request, response } = exchange;
  const { socket } = request;
  const [started, sentBefore] = [performance.now(), socket.bytesWritten];
  const client = socket.remoteAddress ?? '-';
  response.once('close', () => {
    log({
      at: run.now(),
      client,
      method: request.method ?? '-',
      target: request.url ?? '-',
      status: response.statusCode,
      sentBytes: socket.bytesWritten - sentBefore,
      durationMs: performance.now() - started,
      complete: response.writableFinished,
      userAgent: request.headers['user-agent'] ?? '-',
    });
  });
}

function tlsSettings(tls: WebTls): { cert: string; key: string; minVersion: 'TLSv1.2' } {
  return { cert: tls.cert, key: tls.key, minVersion: 'TLSv1.2' };
}

function requireTls(tls: WebTls | undefined): WebTls {
  if (!tls) throw new AirlockError('WEB_TLS_INVALID', 'HTTPS is asked for, but there is no certificate');
  assertTls(tls);
  return tls;
}

function assertTls(tls: WebTls): void {
  try {
    createSecureContext(tlsSettings(tls));
  } catch (error) {
    throw new AirlockError('WEB_TLS_INVALID', `certificate and key cannot be used: ${errorText(error)}`, {
      cause: error,
    });
  }
}

function isHttps(server: Server): server is HttpsServer {
  return 'setSecureContext' in server;
}

function pick<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
