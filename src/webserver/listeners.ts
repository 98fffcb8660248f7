import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { AirlockError, findErrno } from '../core/errors.ts';
import { hostPort } from '../core/ip.ts';
import { portHolderNote } from '../core/port-holder.ts';
import { sparePacing } from '../core/same-host.ts';
import type { ZeroCopy } from '../core/zero-copy.ts';
import { tlsSettings, type WebTls } from './tls.ts';

/** An address to listen on; port 0 lets the system choose. `::` takes IPv4 too unless `0.0.0.0` is listed with the same port. */
export interface WebListen {
  readonly address: string;
  readonly port: number;
  readonly tls?: boolean;
}

/** Limits against clients that hold connections without using them. */
export interface ConnectionLimits {
  /** A client that takes no byte for so long is cut off. */
  readonly stallTimeoutMs: number;
  /** A client has to have sent its request headers, and finished its TLS handshake, by then. */
  readonly headersTimeoutMs: number;
}

/** One listening socket. */
export interface Listener {
  /** With the real port. */
  readonly at: WebListen;
  replaceTls(tls: WebTls): void;
  close(graceMs: number): Promise<void>;
}

/**
 * Listens on one address.
 * @throws AirlockError WEB_LISTEN_FAILED, WEB_TLS_INVALID
 */
export async function listen(
  wanted: WebListen,
  options: {
    readonly tls: WebTls | undefined;
    readonly ipv6Only: boolean;
    readonly limits: ConnectionLimits;
    readonly zeroCopy: ZeroCopy | undefined;
    readonly onError: (error: Error) => void;
  },
  answer: RequestListener,
): Promise<Listener> {
  const { limits } = options;
  const common = {
    headersTimeout: limits.headersTimeoutMs,
    // Time for a whole request, which has no body here. Answers may take as long as they like.
    requestTimeout: limits.headersTimeoutMs * 2,
    connectionsCheckingInterval: Math.min(5000, limits.headersTimeoutMs),
    keepAliveTimeout: 65_000,
    keepAlive: true,
    noDelay: true,
  };
  const secure = wanted.tls
    ? createHttpsServer(
        { ...common, ...tlsSettings(requireTls(options.tls)), handshakeTimeout: limits.headersTimeoutMs },
        answer,
      )
    : undefined;
  const server: Server = secure ?? createHttpServer(common, answer);
  // Counts only while nothing at all moves: Node starts it anew when part of a pending write has gone out.
  server.setTimeout(limits.stallTimeoutMs, (socket) => socket.destroy());
  server.maxConnections = 4096;
  // Connections in the middle of a TLS handshake are not known to the HTTP server, but hold up its close.
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const at = await bindOrFallBack(server, wanted, options.ipv6Only);
  if (options.zeroCopy) sparePacing(server, options.zeroCopy);
  // A failed accept (too many open files) must not end the process.
  server.on('error', options.onError);
  return {
    at: { ...wanted, ...at },
    replaceTls: (tls) => secure?.setSecureContext(tlsSettings(tls)),
    close: (graceMs) => closeServer(server, sockets, graceMs),
  };
}

async function bindOrFallBack(
  server: Server,
  wanted: WebListen,
  ipv6Only: boolean,
): Promise<{ address: string; port: number }> {
  try {
    await bind(server, wanted.address, wanted.port, ipv6Only);
  } catch (error) {
    // A host with IPv6 switched off in the kernel still has to serve IPv4.
    if (wanted.address === '::' && findErrno(error) === 'EAFNOSUPPORT')
      await bind(server, '0.0.0.0', wanted.port, false);
    else throw await listenError(error, wanted);
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

async function listenError(error: unknown, listen: WebListen): Promise<unknown> {
  const errno = findErrno(error);
  if (errno === undefined) return error;
  const hints: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another program has the port: stop it, or choose another port under spec.web',
    EACCES: 'ports below 1024 need root; choose a higher one under spec.web',
    EADDRNOTAVAIL: 'the address is not one of this host',
  };
  const hint = hints[errno];
  const where = hostPort(listen.address, listen.port);
  const holder = errno === 'EADDRINUSE' ? await portHolderNote(listen.port) : '';
  return new AirlockError('WEB_LISTEN_FAILED', `cannot listen on ${where}: ${errno}${holder}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

function closeServer(server: Server, sockets: ReadonlySet<Socket>, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, graceMs);
    // A connection that is kept alive after its download would otherwise use up the whole grace.
    const sweep = setInterval(() => server.closeIdleConnections(), 50);
    server.close(() => {
      clearTimeout(cut);
      clearInterval(sweep);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function requireTls(tls: WebTls | undefined): WebTls {
  if (tls) return tls;
  throw new AirlockError('WEB_TLS_INVALID', 'HTTPS is asked for, but there is no certificate');
}
