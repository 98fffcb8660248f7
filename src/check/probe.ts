import net from 'node:net';
import tls from 'node:tls';
import type { Run } from '../core/run.ts';
import { cancellation } from '../core/run.ts';

/** What a connection to one address showed. */
export type Probe =
  | { readonly kind: 'unreachable'; readonly error: unknown }
  /** Plain TCP was accepted; TLS was not asked for. */
  | { readonly kind: 'open' }
  | {
      readonly kind: 'tls';
      /** Why the chain does not verify with the CA; undefined when it does. */
      readonly untrusted: string | undefined;
      /** Alternative names (DNS and IP), lower case. */
      readonly names: readonly string[];
      readonly validFrom: Date;
      readonly validTo: Date;
    };

/** Where to connect: `address` is dialled, `host` is the name that is asked for. */
export interface ProbeTarget {
  readonly address: string;
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly caPem: string;
}

const timeoutMs = 10_000;

/** Connects once and hangs up. @throws AirlockError CANCELLED */
export function probe(target: ProbeTarget, run: Run): Promise<Probe> {
  return new Promise((resolve, reject) => {
    if (run.signal.aborted) return reject(cancellation(run.signal));
    const options = { host: target.address, port: target.port };
    const socket = target.tls
      ? // The chain is judged by `authorizationError` below, so that the certificate can be shown whatever is wrong with it. The name is
        // judged by the caller: Node would take the common name where there is no alternative name, and clusters do not.
        tls.connect({
          ...options,
          ca: target.caPem,
          rejectUnauthorized: false,
          checkServerIdentity: () => undefined,
          ...(net.isIP(target.host) ? {} : { servername: target.host }),
        })
      : net.connect(options);
    const end = (result: Probe): void => {
      run.signal.removeEventListener('abort', abort);
      socket.destroy();
      resolve(result);
    };
    const abort = (): void => {
      socket.destroy();
      reject(cancellation(run.signal));
    };
    run.signal.addEventListener('abort', abort, { once: true });
    socket.setTimeout(timeoutMs, () =>
      end({ kind: 'unreachable', error: new Error(`no answer within ${timeoutMs / 1000} s`) }),
    );
    socket.on('error', (error) => end({ kind: 'unreachable', error }));
    socket.on(target.tls ? 'secureConnect' : 'connect', () =>
      end(socket instanceof tls.TLSSocket ? readCertificate(socket) : { kind: 'open' }),
    );
  });
}

function readCertificate(socket: tls.TLSSocket): Probe {
  const { subjectaltname = '', valid_from, valid_to } = socket.getPeerCertificate();
  const error: unknown = socket.authorizationError;
  return {
    kind: 'tls',
    untrusted: socket.authorized ? undefined : error instanceof Error ? error.message : String(error),
    names: subjectaltname
      .split(',')
      .map((name) =>
        name
          .trim()
          .replace(/^(?:DNS|IP Address):/, '')
          .toLowerCase(),
      )
      .filter((name) => name !== ''),
    validFrom: new Date(valid_from),
    validTo: new Date(valid_to),
  };
}
