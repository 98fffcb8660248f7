import type { LookupFunction } from 'node:net';
import type { Readable } from 'node:stream';
import { Agent, type Dispatcher, ProxyAgent, request as send } from 'undici';
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

/** Connections with one kind of TLS, direct or through one proxy; `secure` when they go to https:// targets. */
export function createAgent(
  options: HttpOptions,
  trusted: readonly string[],
  tls: HostTls,
  proxy: URL | undefined,
  secure: boolean,
): HttpAgent {
  const connect = {
    secureContext: createTlsContext(trusted, tls),
    rejectUnauthorized: !(tls.insecure ?? false),
    timeout: options.connectTimeoutMs ?? 30_000,
    autoSelectFamily: true,
    ...(options.lookup ? { lookup: options.lookup } : {}),
  };
  const common = {
    connections: options.connectionsPerHost ?? 16,
    pipelining: 1,
    headersTimeout: options.headersTimeoutMs ?? 120_000,
    bodyTimeout: options.bodyTimeoutMs ?? 120_000,
    // Servers close idle connections after 5 s and more; ours must be the shorter wait.
    keepAliveTimeout: 4_000,
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

function joinHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const joined: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) joined[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
  }
  return joined;
}
