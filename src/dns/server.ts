import type { Socket } from 'node:dgram';
import { AirlockError, errorText, findErrno } from '../core/errors.ts';
import { hostPort } from '../core/ip.ts';
import { portHolderNote } from '../core/port-holder.ts';
import { assertRunning, type Run } from '../core/run.ts';
import { respond } from './respond.ts';
import { listenTcp, type TcpListener } from './tcp.ts';
import { listenUdp, type Responder } from './udp.ts';
import type { Zone } from './zone.ts';
import { indexZones } from './zone-index.ts';

/** Where a server listens. */
export interface DnsAddress {
  readonly address: string;
  readonly port: number;
}

export interface DnsServerOptions {
  readonly zones: readonly Zone[];
  /**
   * Addresses of this host, each on UDP and TCP. Name them one by one rather than `0.0.0.0` and `::`: an answer leaves from the address
   * that was asked only when the socket is bound to it. Port 0: a free one, the same for both protocols and for all entries with port 0.
   */
  readonly listen: readonly DnsAddress[];
  /** Default 10 000. */
  readonly tcpIdleTimeoutMs?: number;
  /** Default 128 per address. */
  readonly maxTcpConnections?: number;
}

/** A running server. */
export interface DnsServer {
  /** With the real ports, in the order of `listen`. */
  readonly addresses: readonly DnsAddress[];
  /** Answers from these zones from the next query on. */
  replaceZones(zones: readonly Zone[]): void;
  close(): Promise<void>;
}

interface Listener {
  readonly at: DnsAddress;
  readonly udp: Socket;
  readonly tcp: TcpListener;
}

const portAttempts = 20;

/**
 * Starts an authoritative server: no recursion, no transfers, REFUSED for foreign names. Ends with `close` or when the run is aborted.
 * @throws AirlockError DNS_LISTEN_FAILED, CANCELLED
 */
export async function startDnsServer(options: DnsServerOptions, run: Run): Promise<DnsServer> {
  assertRunning(run);
  let table = indexZones(options.zones);
  const responder: Responder = (message, transport) => respond(table, message, transport);
  const listeners = await listenAll(options, responder);
  const close = async (): Promise<void> => {
    run.signal.removeEventListener('abort', onAbort);
    await closeAll(listeners.splice(0));
  };
  const onAbort = (): void => void close();
  run.signal.addEventListener('abort', onAbort, { once: true });
  return {
    addresses: listeners.map((listener) => listener.at),
    replaceZones: (zones) => {
      table = indexZones(zones);
    },
    close,
  };
}

async function listenAll(options: DnsServerOptions, responder: Responder): Promise<Listener[]> {
  for (let attempt = 1; ; attempt += 1) {
    const listeners: Listener[] = [];
    try {
      for (const at of options.listen) {
        const shared = listeners.find((_, index) => options.listen[index]?.port === 0)?.at.port;
        const port = at.port === 0 ? (shared ?? 0) : at.port;
        await listenBoth({ address: at.address, port }, options, responder, listeners);
      }
      return listeners;
    } catch (error) {
      await closeAll(listeners);
      // A port that is free for one protocol or address may be taken for the next; another may be free for all.
      const another = options.listen.some((at) => at.port === 0) && findErrno(error) === 'EADDRINUSE';
      if (!another || attempt >= portAttempts) throw await listenError(error, options.listen);
    }
  }
}

async function listenBoth(
  at: DnsAddress,
  options: DnsServerOptions,
  responder: Responder,
  listeners: Listener[],
): Promise<void> {
  const limits = {
    maxConnections: options.maxTcpConnections ?? 128,
    idleTimeoutMs: options.tcpIdleTimeoutMs ?? 10_000,
  };
  const tcp = await listenTcp(at.address, at.port, responder, limits);
  try {
    const udp = await listenUdp(at.address, tcp.port, responder);
    listeners.push({ at: { address: at.address, port: tcp.port }, udp, tcp });
  } catch (error) {
    await tcp.close();
    throw error;
  }
}

async function closeAll(listeners: readonly Listener[]): Promise<void> {
  await Promise.all(
    listeners.flatMap(({ udp, tcp }) => [new Promise<void>((resolve) => udp.close(() => resolve())), tcp.close()]),
  );
}

async function listenError(error: unknown, listen: readonly DnsAddress[]): Promise<AirlockError> {
  const where = listen.map((at) => hostPort(at.address, at.port)).join(', ');
  const hints: Readonly<Record<string, string>> = {
    EACCES: 'ports below 1024 need root or CAP_NET_BIND_SERVICE; choose another with dns.port',
    EADDRINUSE: 'another name server holds this port; stop it or choose another port',
    EADDRNOTAVAIL: 'the address is not one of this host',
  };
  const hint = hints[findErrno(error) ?? ''];
  const isTaken = findErrno(error) === 'EADDRINUSE';
  const holder = isTaken ? await portHolderNote(listen[0]?.port ?? 0) : '';
  return new AirlockError('DNS_LISTEN_FAILED', `cannot listen for DNS on ${where}: ${errorText(error)}${holder}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}
