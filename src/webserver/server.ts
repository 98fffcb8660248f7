import type { RequestListener } from 'node:http';
import { type AccessEntry, logWhenDone } from '../core/access-log.ts';
import { AirlockError, errorText } from '../core/errors.ts';
import { cancellation, type Run } from '../core/run.ts';
import { findZeroCopy, type ZeroCopy } from '../core/zero-copy.ts';
import { BufferPool } from './buffer-pool.ts';
import { type Listener, listen, type WebListen } from './listeners.ts';
import { sendProblem } from './respond.ts';
import { route, type Serving } from './route.ts';
import { layOutSite, type WebFile, type WebSite, type WebText } from './site.ts';
import type { StatusModel } from './status-model.ts';
import type { WebTls } from './tls.ts';
import { type FileVerdict, VerifiedFiles } from './verified-files.ts';

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
  /** False: every byte goes through a buffer of this process, as it does where koffi is not installed. */
  readonly zeroCopy?: boolean;
  /** How often files are looked at again (size, times, inode; read only when these changed); default one minute, 0 for never. */
  readonly recheckIntervalMs?: number;
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
  const signal = AbortSignal.any([run.signal, stopping.signal]);
  const files = new VerifiedFiles({ root: options.root, cacheFile: options.verifiedCacheFile }, { ...run, signal });
  await files.readCache();
  const { title, statusPage } = options;
  const zeroCopy = options.zeroCopy === false ? undefined : findZeroCopy();
  const serving = { files, pool: new BufferPool(), zeroCopy, title, statusPage };
  const answer = answerWith(() => ({ ...serving, site }), options.accessLog, run);
  const listeners = await listenAll(options, zeroCopy, answer, run);
  const verified = files.verifyAll([...site.files.values()]);
  // The caller may not look at it; a file that is not right shows in its answer.
  verified.catch(() => {});
  const stopRechecks = recheckRegularly(options.recheckIntervalMs ?? 60_000, verified, () =>
    files.verifyAll([...site.files.values()]),
  );
  const close = async (graceMs = 0): Promise<void> => {
    run.signal.removeEventListener('abort', onAbort);
    stopRechecks();
    await Promise.all(listeners.map((listener) => listener.close(graceMs)));
    stopping.abort(new AirlockError('CANCELLED', 'the web server was stopped'));
    await verified.catch(() => {});
    await files.close();
  };
  const onAbort = (): void => void close();
  run.signal.addEventListener('abort', onAbort, { once: true });
  if (run.signal.aborted) {
    await close();
    throw cancellation(run.signal);
  }
  return {
    addresses: listeners.map((listener) => listener.at),
    verified,
    verdict: (path) => verdictOf(site, files, path),
    replaceTls: (tls) => {
      for (const listener of listeners) listener.replaceTls(tls);
    },
    replaceFiles: async (next, texts = options.texts ?? []) => {
      site = layOutSite(next, texts);
      await files.verifyAll(next);
    },
    close,
  };
}

function answerWith(serving: () => Serving, accessLog: WebServerOptions['accessLog'], run: Run): RequestListener {
  return (request, response) => {
    const exchange = { request, response, now: run.now(), uncopiedBytes: 0 };
    // A connection that breaks is no error of ours; the access log says that it did.
    response.on('error', () => {});
    if (accessLog) logWhenDone(exchange, accessLog, run.now, () => exchange);
    route(exchange, serving()).catch((error: unknown) => {
      report(`${request.method} ${request.url}: ${errorText(error)}`, run);
      if (response.headersSent) response.destroy();
      else sendProblem(exchange, 500, 'Failed', 'the server could not answer; its log says why');
    });
  };
}

async function listenAll(
  options: WebServerOptions,
  zeroCopy: ZeroCopy | undefined,
  answer: RequestListener,
  run: Run,
): Promise<Listener[]> {
  const limits = {
    stallTimeoutMs: options.stallTimeoutMs ?? 600_000,
    headersTimeoutMs: options.headersTimeoutMs ?? 15_000,
  };
  const listeners: Listener[] = [];
  try {
    for (const wanted of options.listen) {
      const hasTwin = options.listen.some(
        (other) => other.address === '0.0.0.0' && other.port === wanted.port && other.port !== 0,
      );
      const ipv6Only = wanted.address === '::' && hasTwin;
      const onError = (error: Error): void => report(errorText(error), run);
      listeners.push(await listen(wanted, { tls: options.tls, ipv6Only, limits, zeroCopy, onError }, answer));
    }
    return listeners;
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.close(0)));
    throw error;
  }
}

// One look after the other: a slow disk must not pile them up.
function recheckRegularly(intervalMs: number, first: Promise<void>, recheck: () => Promise<void>): () => void {
  if (intervalMs === 0) return () => {};
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const next = (): void => {
    if (!stopped) timer = setTimeout(() => void recheck().then(next, next), intervalMs).unref();
  };
  first.then(next, next);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

function verdictOf(site: WebSite, files: VerifiedFiles, path: string): FileVerdict {
  const entry = site.files.get(path);
  return entry ? files.verdict(entry) : { kind: 'unknown' };
}

function report(message: string, run: Run): void {
  run.report({ stage: 'serve', state: 'log', level: 'error', message: `web server: ${message}` });
}
