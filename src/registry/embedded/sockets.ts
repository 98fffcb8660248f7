import http, { type RequestListener } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { createSecureContext } from 'node:tls';
import { AirlockError, errorText, findErrno } from '../../core/errors.ts';
import { findIpFamily, hostPort } from '../../core/ip.ts';
import { portHolderNote } from '../../core/port-holder.ts';
import { sparePacing } from '../../core/same-host.ts';
import { serverTls } from '../../core/server-tls.ts';
import type { ZeroCopy } from '../../core/zero-copy.ts';

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

export type Server = http.Server | https.Server;

/** Servers that listen, one for each address. */
export interface OpenServers {
  readonly servers: readonly Server[];
  /** As asked, ports filled in. */
  readonly addresses: readonly ListenAddress[];
}

/**
 * Listens on every address, or on none.
 * @throws AirlockError LISTEN_FAILED, TLS_INVALID
 */
export async function openServers(
  wanted: readonly ListenAddress[],
  tls: TlsPair | undefined,
  listener: RequestListener,
  zeroCopy?: ZeroCopy,
): Promise<OpenServers> {
  for (let tries = 0; ; tries += 1) {
    const servers: Server[] = [];
    try {
      const addresses = await listenAll(wanted, () => {
        const server = createServer(tls, listener);
        servers.push(server);
        return server;
      });
      if (zeroCopy) for (const server of servers) sparePacing(server, zeroCopy);
      return { servers, addresses };
    } catch (error) {
      await closeServers(servers, 0);
      // A port that was free for one address may be taken for the next.
      const chance = wanted.length > 1 && wanted.some(({ port }) => port === 0) && findErrno(error) === 'EADDRINUSE';
      if (!chance || tries === 5) throw error;
    }
  }
}

function createServer(tls: TlsPair | undefined, listener: RequestListener): Server {
  const common = {
    // A blob may take hours over a slow link; only the head has to come soon (slow-header clients).
    requestTimeout: 0,
    headersTimeout: 60_000,
    keepAliveTimeout: 65_000,
    highWaterMark: 1 << 18,
  };
  if (!tls) return http.createServer(common, listener);
  assertTls(tls);
  return https.createServer({ ...common, ...serverTls, cert: tls.certificate, key: tls.key }, listener);
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

/** Gives new connections another certificate. @throws AirlockError TLS_INVALID, then the old one stays */
export function replaceTls(servers: readonly Server[], pair: TlsPair): void {
  assertTls(pair);
  for (const server of servers)
    if (server instanceof https.Server)
      server.setSecureContext({ ...serverTls, cert: pair.certificate, key: pair.key });
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

const listenHints: Readonly<Record<string, string>> = {
  EADDRINUSE: 'stop the program that listens there, or choose another port',
  EACCES: 'ports below 1024 need root; choose a higher one',
  EADDRNOTAVAIL: 'the address is not one of this host',
};

function listen(server: Server, address: ListenAddress & { readonly ipv6Only: boolean }): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => void listenError(error, address).then(reject));
    server.listen(address, () => {
      // A late error of a listening socket must not end the process.
      server.on('error', () => {});
      resolve((server.address() as AddressInfo).port);
    });
  });
}

async function listenError(error: Error, { host, port }: ListenAddress): Promise<AirlockError> {
  const hint = listenHints[findErrno(error) ?? ''];
  const holder = findErrno(error) === 'EADDRINUSE' ? await portHolderNote(port) : '';
  return new AirlockError('LISTEN_FAILED', `cannot listen on ${hostPort(host, port)}: ${errorText(error)}${holder}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** `host:port` for a client on this host: a wildcard as the loopback of its family. */
export function reachableAddress(address: ListenAddress | undefined): string {
  const host = address?.host ?? '';
  const local = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return hostPort(local, address?.port ?? 0);
}

/** Stops listening, waits up to `graceMs` for requests under way, then breaks them. */
export async function closeServers(servers: readonly Server[], graceMs: number): Promise<void> {
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
}
