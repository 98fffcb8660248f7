import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { createSecureContext } from 'node:tls';
import { AirlockError, errorText, findErrno } from '../../core/errors.ts';
import { findIpFamily, hostPort } from '../../core/ip.ts';
import type { Run } from '../../core/run.ts';
import { type ContentStore, ReferrersIndex } from '../../oci/index.ts';
import { CredentialChecker, type Htpasswd } from '../htpasswd.ts';
import { type AccessRules, authorize } from './auth.ts';
import type { ServerContext } from './context.ts';
import { handle } from './handle.ts';
import { RepositoryLocks } from './repository-locks.ts';
import { type Exchange, Refusal, sendRefusal } from './respond.ts';
import { UploadSessions } from './upload-sessions.ts';

/** A certificate chain, leaf first, and its private key, both PEM. */
export interface TlsPair {
  readonly certificate: string;
  readonly key: string;
}

/** Port 0 takes a free one, the same for all addresses that ask for 0. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** One line of the access log. */
export interface AccessEntry {
  readonly at: Date;
  readonly remote: string;
  readonly user: string | undefined;
  readonly method: string;
  /** Path and query as sent, at most 2,000 characters. */
  readonly target: string;
  readonly status: number;
  /** Of the whole answer on its connection, head included. */
  readonly sentBytes: number;
  readonly durationMs: number;
}

export interface EmbeddedRegistryOptions {
  readonly store: ContentStore;
  /** Default 127.0.0.1:5000. */
  readonly listen?: readonly ListenAddress[];
  /** Left out: plain HTTP. */
  readonly tls?: TlsPair;
  /** Left out: everybody may do everything. */
  readonly htpasswd?: Htpasswd;
  /** With `htpasswd`: reading needs no credentials. */
  readonly anonymousPull?: boolean;
  readonly readOnly?: boolean;
  /** Indexes whose children are not all there are accepted. */
  readonly allowSparse?: boolean;
  readonly accessLog?: (entry: AccessEntry) => void;
  /** How long an upload may rest between two requests; default one hour. */
  readonly uploadIdleMs?: number;
}

/** A running embedded registry. */
export interface EmbeddedRegistry {
  /** Where it listens, ports filled in. */
  readonly addresses: readonly ListenAddress[];
  /** The first address as a URL, a wildcard as the loopback of its family. */
  readonly url: string;
  /** New connections get the new pair; open ones go on. @throws AirlockError TLS_INVALID, then the old pair stays */
  replaceTls(pair: TlsPair): void;
  setReadOnly(readOnly: boolean): void;
  /** Changes who may log in; only for a server that was started with `htpasswd`. */
  replaceUsers(htpasswd: Htpasswd): void;
  /** Stops listening, waits up to `graceMs` (default 5,000) for requests under way, then breaks them. */
  close(graceMs?: number): Promise<void>;
}

/**
 * Serves a store by the OCI distribution-spec v1.1. Aborting the run closes the server at once. Uploads that a crash left behind for more
 * than a day are removed at start.
 * @throws AirlockError LISTEN_FAILED, TLS_INVALID
 */
export async function startEmbeddedRegistry(options: EmbeddedRegistryOptions, run: Run): Promise<EmbeddedRegistry> {
  const context: ServerContext = {
    store: options.store,
    referrers: new ReferrersIndex(options.store),
    uploads: new UploadSessions(options.uploadIdleMs),
    locks: new RepositoryLocks(),
    allowSparse: options.allowSparse ?? false,
    readOnly: options.readOnly ?? false,
    run,
  };
  if (!context.readOnly) await options.store.writer?.collectStale(24 * 3_600_000, run);
  const rules: AccessRules | undefined = options.htpasswd && {
    checker: new CredentialChecker(options.htpasswd),
    anonymousPull: options.anonymousPull ?? false,
  };
  const listener = createListener(context, rules, options.accessLog);
  const servers: Server[] = [];
  const closeAll = (graceMs: number): Promise<void> => closeServers(servers, context, graceMs);
  try {
    const addresses = await listenAll(options.listen ?? [{ host: '127.0.0.1', port: 5000 }], () => {
      const server = createServer(options.tls, listener);
      servers.push(server);
      return server;
    });
    const abort = (): void => void closeAll(0).catch(() => {});
    run.signal.addEventListener('abort', abort, { once: true });
    return {
      addresses,
      url: `${options.tls ? 'https' : 'http'}://${reachable(addresses[0])}`,
      replaceTls: (pair) => replaceTls(servers, pair),
      setReadOnly: (readOnly) => {
        context.readOnly = readOnly;
      },
      replaceUsers: (htpasswd) => {
        if (rules) rules.checker = new CredentialChecker(htpasswd);
      },
      close: async (graceMs = 5000) => {
        run.signal.removeEventListener('abort', abort);
        await closeAll(graceMs);
      },
    };
  } catch (error) {
    await closeAll(0);
    throw error;
  }
}

type Server = http.Server | https.Server;
type Listener = (request: http.IncomingMessage, response: http.ServerResponse) => void;

function createListener(
  context: ServerContext,
  rules: AccessRules | undefined,
  accessLog: EmbeddedRegistryOptions['accessLog'],
): Listener {
  return (request, response) => {
    const started = performance.now();
    const before = request.socket.bytesWritten;
    let user: string | undefined;
    const answer = async (): Promise<void> => {
      const exchange = toExchange(request, response);
      try {
        if (rules) user = await authorize(rules, exchange);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        return sendRefusal(exchange, error);
      }
      await handle(context, exchange);
    };
    if (accessLog) {
      response.once('close', () =>
        accessLog({
          at: context.run.now(),
          remote: request.socket.remoteAddress ?? '',
          user,
          method: request.method ?? '',
          target: (request.url ?? '').slice(0, 2000),
          status: response.statusCode,
          sentBytes: request.socket.bytesWritten - before,
          durationMs: performance.now() - started,
        }),
      );
    }
    answer().catch(() => response.destroy());
  };
}

function toExchange(request: http.IncomingMessage, response: http.ServerResponse): Exchange {
  response.setHeader('docker-distribution-api-version', 'registry/2.0');
  response.setHeader('x-content-type-options', 'nosniff');
  const [rawPath = '', query = ''] = (request.url ?? '').split(/\?(.*)/s);
  let path = '';
  try {
    path = decodeURIComponent(rawPath);
  } catch {
    // Broken percent encoding names nothing; the empty path is answered with 404.
  }
  return { request, response, method: request.method ?? 'GET', path, query: new URLSearchParams(query) };
}

function createServer(tls: TlsPair | undefined, listener: Listener): Server {
  const common = {
    // A blob may take hours over a slow link; only the head has to come soon (slow-header clients).
    requestTimeout: 0,
    headersTimeout: 60_000,
    keepAliveTimeout: 65_000,
    highWaterMark: 1 << 18,
  };
  if (!tls) return http.createServer(common, listener);
  assertTls(tls);
  return https.createServer({ ...common, cert: tls.certificate, key: tls.key, minVersion: 'TLSv1.2' }, listener);
}

function assertTls(pair: TlsPair): void {
  try {
    createSecureContext({ cert: pair.certificate, key: pair.key });
  } catch (error) {
    throw new AirlockError('TLS_INVALID', `the registry cannot use this certificate and key: ${errorText(error)}`, {
      cause: error,
    });
  }
}

function replaceTls(servers: readonly Server[], pair: TlsPair): void {
  assertTls(pair);
  for (const server of servers)
    if (server instanceof https.Server)
      server.setSecureContext({ cert: pair.certificate, key: pair.key, minVersion: 'TLSv1.2' });
}

async function listenAll(wanted: readonly ListenAddress[], create: () => Server): Promise<ListenAddress[]> {
  const addresses: ListenAddress[] = [];
  let freePort = 0;
  for (const { host, port } of wanted) {
    // `::` alone serves both families; beside an IPv4 address on its port it must leave that family alone.
    const ipv6Only = wanted.some((other) => other.port === port && findIpFamily(other.host) === 4);
    const server = create();
    const taken = await listen(server, { host, port: port || freePort, ipv6Only: ipv6Only && host.includes(':') });
    if (port === 0) freePort = taken;
    addresses.push({ host, port: taken });
  }
  return addresses;
}

function listen(server: Server, address: ListenAddress & { readonly ipv6Only: boolean }): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const where = hostPort(address.host, address.port);
      const taken = findErrno(error) === 'EADDRINUSE';
      reject(
        new AirlockError('LISTEN_FAILED', `cannot listen on ${where}: ${errorText(error)}`, {
          cause: error,
          ...(taken ? { hint: 'stop the program that listens there, or choose another port' } : {}),
        }),
      );
    });
    server.listen(address, () => {
      // A late error of a listening socket must not end the process.
      server.on('error', () => {});
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function reachable(address: ListenAddress | undefined): string {
  const host = address?.host ?? '';
  const local = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return hostPort(local, address?.port ?? 0);
}

async function closeServers(servers: readonly Server[], context: ServerContext, graceMs: number): Promise<void> {
  await Promise.all(
    servers.map(async (server) => {
      if (!server.listening) return;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // A kept connection becomes idle when its last request ends, and nothing else would end it.
      server.closeIdleConnections();
      const idle = setInterval(() => server.closeIdleConnections(), 50);
      const timer = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearInterval(idle);
      clearTimeout(timer);
    }),
  );
  await context.uploads.close();
}
