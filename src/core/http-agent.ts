import type { LookupFunction } from 'node:net';
import type { Readable } from 'node:stream';
import { Agent, type buildConnector, type Dispatcher, ProxyAgent, request as send } from 'undici';
import { createDirectPool, type DirectPool } from './http-direct.ts';
import { httpError, redactUrl } from './http-errors.ts';
import type { HttpRequest, HttpResponse } from './http-message.ts';
import type { ProxySettings } from './http-proxy.ts';
import { createTlsContext, type HostTls, type TrustOptions } from './http-trust.ts';
import type { Run } from './run.ts';

/** Connections kept open: undici's, which nothing else than this file knows. */
export type HttpAgent = Dispatcher;

/** Settings of one client. Everything has a default. */
export interface HttpOptions extends TrustOptions {
  /** Accepts any certificate of every host, and redirects from https to http. */
  readonly insecure?: boolean;
  /** Hosts (`host` or `host:port`) of which any certificate is accepted. */
  readonly insecureHosts?: readonly string[];
  readonly proxy?: ProxySettings;
  /** Resolves names in place of the system's resolver: `check` asks the site's DNS. */
  readonly lookup?: LookupFunction;
  /** Connections per origin; default 16. */
  readonly connectionsPerHost?: number;
  /** Default 30 s. */
  readonly connectTimeoutMs?: number;
  /** From the end of the request to the response's headers; default 120 s. */
  readonly headersTimeoutMs?: number;
  /** The longest silence within a body; default 120 s. */
  readonly bodyTimeoutMs?: number;
  readonly userAgent?: string;
}

/** What undici's connector takes. */
export type ConnectOptions = buildConnector.BuildOptions;

/** How connections are made: `secure` gives those of one kind of TLS, whose context is made when it is first needed, at 20 ms and more. */
export function createConnectors(
  options: HttpOptions,
  trusted: readonly string[],
  tls: HostTls,
): (secure: boolean) => ConnectOptions {
  const plain = {
    timeout: options.connectTimeoutMs ?? 30_000,
    autoSelectFamily: true,
    ...(options.lookup ? { lookup: options.lookup } : {}),
  };
  let secured: ConnectOptions | undefined;
  return (secure) => {
    if (!secure) return plain;
    const rejectUnauthorized = !(tls.insecure ?? false);
    secured ??= { ...plain, secureContext: createTlsContext(trusted, tls), rejectUnauthorized };
    return secured;
  };
}

const headersTimeoutMs = 120_000;
const bodyTimeoutMs = 120_000;
// Servers close idle connections after 5 s and more; ours must be the shorter wait.
const idleMs = 4_000;

/** For bodies that are poured: connections to one origin. */
export function createDirect(origin: URL, options: HttpOptions, connect: ConnectOptions): DirectPool {
  return createDirectPool(origin, {
    connect,
    headersTimeoutMs: options.headersTimeoutMs ?? headersTimeoutMs,
    bodyTimeoutMs: options.bodyTimeoutMs ?? bodyTimeoutMs,
    idleMs,
  });
}

/** Connections made in one way, direct or through one proxy; `secure` when they go to https:// targets. */
export function createAgent(
  options: HttpOptions,
  connect: ConnectOptions,
  proxy: URL | undefined,
  secure: boolean,
): HttpAgent {
  const common = {
    connections: options.connectionsPerHost ?? 16,
    pipelining: 1,
    headersTimeout: options.headersTimeoutMs ?? headersTimeoutMs,
    bodyTimeout: options.bodyTimeoutMs ?? bodyTimeoutMs,
    keepAliveTimeout: idleMs,
    keepAliveMaxTimeout: 60_000,
    autoSelectFamily: true,
  };
  if (!proxy) return new Agent({ ...common, connect });
  const user = decodeURIComponent(proxy.username);
  const token = Buffer.from(`${user}:${decodeURIComponent(proxy.password)}`).toString('base64');
  return new ProxyAgent({
    ...common,
    uri: proxy.href,
    requestTls: connect,
    proxyTls: connect,
    proxyTunnel: secure || proxy.protocol === 'https:',
    ...(user ? { token: `Basic ${token}` } : {}),
  });
}

/** One request, no redirects. @throws AirlockError HTTP_*, CANCELLED */
export async function sendOnce(
  dispatcher: HttpAgent,
  request: HttpRequest & { readonly url: URL },
  run: Run,
): Promise<HttpResponse> {
  const { url, method } = request;
  const what = `${method} ${redactUrl(url)}`;
  try {
    const response = await send(url, {
      dispatcher,
      method,
      headers: { ...request.headers },
      body: request.body ?? null,
      signal: run.signal,
      // undici closes the connection after each HEAD, lest a bad server sends a body all the same; then the next answer on it is no HTTP and the
      // request is tried again. A look-up of thousands of blobs cannot do without keep-alive.
      ...(method === 'HEAD' ? { reset: false } : {}),
      highWaterMark: 1 << 20,
      ...(request.headersTimeoutMs === undefined ? {} : { headersTimeout: request.headersTimeoutMs }),
    });
    const body: Readable = response.body;
    // Errors are translated where the stream is destroyed: wrapping it in another stream would cost a pass over every byte.
    const destroy = body._destroy.bind(body);
    body._destroy = (error, callback) => {
      const translated = error ? httpError(error, what, run) : null;
      destroy(error, () => callback(translated instanceof Error ? translated : error));
    };
    return { status: response.statusCode, headers: joinHeaders(response.headers), url, body };
  } catch (error) {
    throw httpError(error, what, run);
  }
}

/** One GET whose body can be poured; undefined when undici has to be asked. @throws AirlockError HTTP_*, CANCELLED */
export async function sendDirect(
  pool: DirectPool,
  request: HttpRequest & { readonly url: URL },
  run: Run,
): Promise<HttpResponse | undefined> {
  const { url, headers = {} } = request;
  const what = `GET ${redactUrl(url)}`;
  const translate = (error: Error): Error => {
    const translated = httpError(error, what, run);
    return translated instanceof Error ? translated : error;
  };
  try {
    const response = await pool.get({ url, headers, signal: run.signal, translate });
    return response && { status: response.head.status, headers: response.head.headers, url, body: response.body };
  } catch (error) {
    throw httpError(error, what, run);
  }
}

function joinHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const joined: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) joined[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
  }
  return joined;
}
