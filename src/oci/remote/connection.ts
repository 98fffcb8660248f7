import { AirlockError, isAirlockError } from '../../core/errors.ts';
import { discardBody } from '../../core/http-body.ts';
import type { HostTls } from '../../core/http-trust.ts';
import { isTransientStatus, retry } from '../../core/retry.ts';
import type { Run } from '../../core/run.ts';
import { type Authorizer, createAuthorizer } from './authorizer.ts';
import { findHostTls } from './certs-d.ts';
import { canonicalRegistry } from './credentials.ts';
import type { RemoteOptions } from './options.ts';
import { registryError } from './registry-error.ts';

/** How a registry is spoken to. */
export interface Connection {
  readonly url: URL;
  readonly tls: HostTls | undefined;
  readonly authorizer: Authorizer;
}

/** A URL that the registry gave, on the registry's own origin: behind a TLS proxy that it does not know of, it names itself with http://. */
export function onRegistry(url: URL, base: URL): URL {
  const own = url.protocol === 'http:' && base.protocol === 'https:' && url.hostname === base.hostname;
  return own ? new URL(url.pathname + url.search, base) : url;
}

// Whoever names a target has it at hand: these are slips of the pen or a registry that is not up, and waiting mends neither.
const targetSlips: readonly unknown[] = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'];

/** The error of a target that is not there: without its cause, so that nobody tries again. */
function targetAbsent(registry: string, error: AirlockError): AirlockError {
  return new AirlockError('REGISTRY_UNREACHABLE', `the target ${registry} cannot be reached: ${error.message}`, {
    side: 'target',
    hint: 'look at host and port, and whether the registry is running',
    details: { reason: error.details['reason'] },
  });
}

/** Asks `/v2/` over https, then (insecure only) over http. Answers other than 401 teach nothing, which is fine. */
export async function findConnection(
  registry: string,
  insecure: boolean,
  options: RemoteOptions,
  run: Run,
): Promise<Connection> {
  const host = canonicalRegistry(registry) === 'docker.io' ? 'registry-1.docker.io' : registry;
  const tls = await findHostTls(registry, insecure, options, run);
  const about = { stage: options.stage ?? 'plan', subject: registry };
  return retry(
    async () => {
      const connection = (protocol: string): Connection => {
        const url = new URL(`${protocol}://${host}/`);
        const target = { registry, url, http: options.http, tls, insecure };
        return { url, tls, authorizer: createAuthorizer(target, options) };
      };
      const secure = connection('https');
      try {
        return await ping(secure, options, run);
      } catch (error) {
        if (options.side === 'target' && error instanceof AirlockError && targetSlips.includes(error.details['reason']))
          throw targetAbsent(registry, error);
        if (!insecure || !isAirlockError(error, 'HTTP_UNREACHABLE', 'HTTP_TIMEOUT', 'HTTP_NO_TLS')) throw error;
        try {
          return await ping(connection('http'), options, run);
        } catch (plain) {
          // Without any answer TLS is what the registry should have spoken; but one that broke off says more.
          const silent = isAirlockError(plain, 'HTTP_UNREACHABLE', 'HTTP_TIMEOUT');
          throw silent && !isAirlockError(error, 'HTTP_NO_TLS') ? error : plain;
        }
      }
    },
    options.retry ?? {},
    about,
    run,
  );
}

async function ping(connection: Connection, options: RemoteOptions, run: Run): Promise<Connection> {
  const url = new URL('/v2/', connection.url);
  const response = await options.http.request(
    { method: 'GET', url, ...(connection.tls ? { tls: connection.tls } : {}) },
    run,
  );
  if (isTransientStatus(response.status)) {
    const call = { method: 'GET', wanted: 'other', subject: url.host, side: options.side } as const;
    throw await registryError(response, call, run.now());
  }
  discardBody(response.body);
  if (response.status === 401) connection.authorizer.learn(response.headers['www-authenticate'], undefined);
  else if (response.status === 400 && connection.url.protocol === 'http:')
    throw new AirlockError('REGISTRY_FAILED', `${url.host} answers plain HTTP with status 400: it may speak TLS only`);
  return connection;
}
