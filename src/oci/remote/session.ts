import type { Readable } from 'node:stream';
import { isAirlockError } from '../../core/errors.ts';
import type { HttpResponse } from '../../core/http.ts';
import { discardBody, readBody } from '../../core/http-body.ts';
import { readsOf } from '../../core/http-concurrency.ts';
import { isTransientStatus, parseRetryAfter, pause, retry } from '../../core/retry.ts';
import type { Run } from '../../core/run.ts';
import { parseChallenges } from './challenge.ts';
import { type Connection, findConnection } from './connection.ts';
import type { RemoteOptions } from './options.ts';
import { connectionError, type FailedCall, registryError } from './registry-error.ts';

/** One request to a registry. */
export interface RegistryCall {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** A path below the registry's origin, or a whole URL that the registry gave. */
  readonly path: string | URL;
  readonly repository: string;
  /** Default: pull of the repository. */
  readonly scopes?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Made anew for each try. */
  readonly body?: () => Promise<Readable | Uint8Array>;
  /** The answers that are no error; their bodies are the caller's. */
  readonly expect: readonly number[];
  readonly wanted: FailedCall['wanted'];
  /** What messages are about. */
  readonly subject: string;
  /** False: the caller repeats it on its own (uploads). Default true. */
  readonly repeat?: boolean;
  /** The body of a GET is read whole, and may be poured (`core/http-pour.ts`). */
  readonly pour?: boolean;
}

/** The connection to one registry: protocol, TLS and login found out once, then used by every request. */
export interface Session {
  /** @throws AirlockError REGISTRY_*, MANIFEST_UNKNOWN, BLOB_UNKNOWN, REPOSITORY_UNKNOWN, RATE_LIMITED, CANCELLED */
  request(call: RegistryCall, run: Run): Promise<HttpResponse>;
  /** As `request`, with the whole body read; a body that breaks off is asked for again. */
  requestBytes(call: RegistryCall, limitBytes: number, run: Run): Promise<{ response: HttpResponse; bytes: Buffer }>;
  /** The registry's base URL, once connected. */
  baseUrl(run: Run): Promise<URL>;
}

const putTimeoutMs = 15 * 60_000;
const lostMs = 60_000;

/** A session with a registry as references name it; `insecure` allows bad certificates and plain HTTP. */
export function createSession(registry: string, insecure: boolean, options: RemoteOptions): Session {
  const limits = options.limits ? [options.limits.for(registry), options.limits.for(readsOf(registry))] : [];
  const policy = options.retry ?? {};
  const stage = options.stage ?? 'plan';
  let connecting: Promise<Connection> | undefined;
  let lost: { readonly error: unknown; readonly untilMs: number } | undefined;
  let pausedUntil = 0;

  const connect = (run: Run): Promise<Connection> => {
    // All tries were in vain just now: the next image of this registry does not begin them again.
    if (lost && run.now().getTime() < lost.untilMs) return Promise.reject(lost.error);
    connecting ??= findConnection(registry, insecure, options, run).catch((error: unknown) => {
      connecting = undefined;
      if (isAirlockError(error, 'HTTP_UNREACHABLE', 'HTTP_TIMEOUT'))
        lost = { error, untilMs: run.now().getTime() + lostMs };
      throw error;
    });
    return connecting;
  };

  const once = async (call: RegistryCall, run: Run): Promise<HttpResponse> => {
    // One 429 is meant for all who ask the same host.
    const waitMs = pausedUntil - run.now().getTime();
    if (waitMs > 0) await pause(Math.min(waitMs, options.retry?.maxDelayMs ?? 60_000), run);
    try {
      const response = await send(call, await connect(run), options, run);
      if (call.expect.includes(response.status)) {
        for (const limit of limits) limit.succeeded();
        return response;
      }
      if (isTransientStatus(response.status)) for (const limit of limits) limit.overloaded();
      const after = parseRetryAfter(response.headers['retry-after'], run.now());
      if (response.status === 429 && after !== undefined) pausedUntil = run.now().getTime() + after;
      const { authorizer } = await connect(run);
      const credentials = await authorizer.describe(call.repository, run);
      throw await registryError(response, { ...call, side: options.side, credentials }, run.now());
    } catch (error) {
      if (isAirlockError(error, 'HTTP_TIMEOUT', 'HTTP_UNREACHABLE')) for (const limit of limits) limit.overloaded();
      throw connectionError(error, call.subject, options.side);
    }
  };

  // Connecting has tries of its own: they must not be multiplied by those of each request.
  const connected = async (call: RegistryCall, run: Run): Promise<void> => {
    try {
      await connect(run);
    } catch (error) {
      throw connectionError(error, call.subject, options.side);
    }
  };

  return {
    async baseUrl(run) {
      return (await connect(run)).url;
    },
    async request(call, run) {
      await connected(call, run);
      if (call.repeat === false) return once(call, run);
      return retry(() => once(call, run), policy, { stage, subject: call.subject }, run);
    },
    async requestBytes(call, limitBytes, run) {
      await connected(call, run);
      const task = async () => {
        const response = await once({ ...call, pour: true }, run);
        try {
          return { response, bytes: await readBody(response, limitBytes) };
        } catch (error) {
          throw connectionError(error, call.subject, options.side);
        }
      };
      return retry(task, policy, { stage, subject: call.subject }, run);
    },
  };
}

/** Sends with authorization, and once more after a 401 that taught something. */
async function send(
  call: RegistryCall,
  connection: Connection,
  options: RemoteOptions,
  run: Run,
): Promise<HttpResponse> {
  const url = call.path instanceof URL ? call.path : new URL(call.path, connection.url);
  const own = url.origin === connection.url.origin;
  let scopes = call.scopes ?? [`repository:${call.repository}:pull`];
  for (let tries = 0; ; tries += 1) {
    const sent = own ? await connection.authorizer.authorize(call.repository, scopes, run) : undefined;
    const body = await call.body?.();
    const response = await options.http.request(
      {
        method: call.method,
        url,
        headers: { ...call.headers, ...(sent === undefined ? {} : { authorization: sent }) },
        ...(body === undefined ? {} : { body }),
        ...(call.pour ? { pour: true } : {}),
        ...(own && connection.tls ? { tls: connection.tls } : {}),
        // A registry on object storage copies the whole blob before it answers.
        ...(call.method === 'PUT' ? { headersTimeoutMs: putTimeoutMs } : {}),
      },
      run,
    );
    // A second refusal is meant. An answer from another origin after a redirect says nothing about the registry's own login.
    if (response.status !== 401 || !own || tries >= 1 || response.url.origin !== url.origin) return response;
    const header = response.headers['www-authenticate'];
    if (!connection.authorizer.learn(header, sent)) return response;
    scopes = withAskedScopes(scopes, header);
    discardBody(response.body);
  }
}

function withAskedScopes(scopes: readonly string[], header: string | undefined): string[] {
  const asked = parseChallenges(header ?? '').flatMap((challenge) => challenge.params['scope']?.split(' ') ?? []);
  const covered = (scope: string): boolean => {
    const [type, name, actions = ''] = splitScope(scope);
    return scopes.some((own) => {
      const [ownType, ownName, ownActions = ''] = splitScope(own);
      const held = ownActions.split(',');
      return type === ownType && name === ownName && actions.split(',').every((action) => held.includes(action));
    });
  };
  return [...scopes, ...asked.filter((scope) => scope !== '' && !covered(scope)).slice(0, 8)];
}

// "repository:host:5000/ns/name:pull,push": the name may hold colons.
function splitScope(scope: string): [type: string, name: string, actions: string] {
  const first = scope.indexOf(':');
  const last = scope.lastIndexOf(':');
  return [scope.slice(0, first), scope.slice(first + 1, last), scope.slice(last + 1)];
}
