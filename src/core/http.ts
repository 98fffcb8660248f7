import { setMaxListeners } from 'node:events';
import type { LookupFunction } from 'node:net';
import type { Readable } from 'node:stream';
import { Agent, type Dispatcher, ProxyAgent, request as send } from 'undici';
import { AirlockError } from './errors.ts';
import { discardBody } from './http-body.ts';
import { httpError, redactUrl } from './http-errors.ts';
import { findProxy, type ProxySettings } from './http-proxy.ts';
import { createTlsContext, type HostTls, readTrust, type TrustOptions } from './http-trust.ts';
import { assertRunning, type Run } from './run.ts';

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

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  readonly url: string | URL;
  /** `authorization` goes to the URL's own origin only, whatever redirects say. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Readable | Uint8Array | string;
  /** `follow` (default for GET and HEAD) up to ten; `manual` gives the 3xx response itself. Other methods are never followed. */
  readonly redirects?: 'follow' | 'manual';
  /** For the URL's own origin. */
  readonly tls?: HostTls;
  readonly headersTimeoutMs?: number;
}

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case; values of repeated headers joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  /** Where the answer came from, after redirects. */
  readonly url: URL;
  /** Must be read to its end or destroyed. Fails with HTTP_UNREACHABLE, HTTP_TIMEOUT or CANCELLED. */
  readonly body: Readable;
}

/** The one way to the network over HTTP. No retries: see `retry.ts`. */
export interface HttpClient {
  /** @throws AirlockError HTTP_UNREACHABLE, HTTP_TIMEOUT, HTTP_CERTIFICATE, HTTP_PROXY, HTTP_REDIRECT, PROXY_INVALID, CA_INVALID, CANCELLED */
  request(request: HttpRequest, run: Run): Promise<HttpResponse>;
  /** Ends all connections; requests under way fail. */
  close(): Promise<void>;
}

const redirectLimit = 10;
const plainTls: HostTls = {};
const anyTls: HostTls = { insecure: true };

/** A client over undici with keep-alive, one request at a time per connection, system CAs, proxies and IPv6 (happy eyeballs). */
export function createHttp(options: HttpOptions = {}): HttpClient {
  const agents = new Map<HostTls, Map<string, Dispatcher>>();
  let trust: Promise<readonly string[]> | undefined;

  const findAgent = async (url: URL, tls: HostTls, run: Run): Promise<Dispatcher> => {
    const proxy = findProxy(options.proxy ?? {}, url);
    // Plain HTTP through a plain proxy is forwarded, all else tunnelled; most proxies allow CONNECT to TLS ports only.
    const key = proxy ? `${proxy.href} ${url.protocol}` : 'direct';
    const known = agents.get(tls)?.get(key);
    if (known) return known;
    trust ??= readTrust(options, run);
    const trusted = await trust.catch((error: unknown) => {
      trust = undefined;
      throw error;
    });
    const group = agents.get(tls) ?? new Map<string, Dispatcher>();
    agents.set(tls, group);
    const agent = group.get(key) ?? createAgent(options, trusted, tls, proxy, url.protocol === 'https:');
    group.set(key, agent);
    return agent;
  };

  const tlsFor = (url: URL, given: HostTls | undefined): HostTls => {
    if (options.insecure || options.insecureHosts?.some((host) => host === url.host || host === url.hostname)) {
      return given?.certPem === undefined ? anyTls : given;
    }
    return given ?? plainTls;
  };

  return {
    async request(request, run) {
      // Every request and body under way listens on the one signal; Node.js takes more than ten for a leak.
      setMaxListeners(0, run.signal);
      let url = new URL(request.url);
      const first = url;
      let headers = lowerCase({ 'user-agent': options.userAgent ?? 'airlock', ...request.headers });
      const follow = (request.method === 'GET' || request.method === 'HEAD') && request.redirects !== 'manual';
      for (let hops = 0; ; hops += 1) {
        assertRunning(run);
        const own = url.origin === first.origin;
        const tls = tlsFor(url, own ? request.tls : undefined);
        const response = await sendOnce(await findAgent(url, tls, run), { ...request, url, headers }, run);
        const location = response.headers['location'];
        if (!follow || location === undefined || ![301, 302, 303, 307, 308].includes(response.status)) return response;
        discardBody(response.body);
        const next = nextUrl(location, url, hops, tls.insecure === true || first.protocol === 'http:');
        // Once gone it stays gone, even if a later hop leads back: the way there was not ours.
        if (next.origin !== url.origin) headers = withoutCredentials(headers);
        url = next;
      }
    },
    async close() {
      const all = [...agents.values()].flatMap((group) => [...group.values()]);
      agents.clear();
      await Promise.all(all.map((agent) => agent.destroy()));
    },
  };
}

async function sendOnce(
  dispatcher: Dispatcher,
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

function createAgent(
  options: HttpOptions,
  trusted: readonly string[],
  tls: HostTls,
  proxy: URL | undefined,
  secure: boolean,
): Dispatcher {
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

function nextUrl(location: string, from: URL, hops: number, downgradeAllowed: boolean): URL {
  const fail = (why: string): AirlockError =>
    new AirlockError('HTTP_REDIRECT', `redirect from ${redactUrl(from)} refused: ${why}`);
  if (hops >= redirectLimit) throw fail(`more than ${redirectLimit} redirects`);
  let next: URL;
  try {
    next = new URL(location, from);
  } catch {
    throw fail('its Location is not a URL');
  }
  if (next.protocol !== 'https:' && next.protocol !== 'http:') throw fail(`to ${next.protocol}`);
  if (next.protocol === 'http:' && from.protocol === 'https:' && !downgradeAllowed)
    throw fail(`it leads to plain HTTP at ${redactUrl(next)}`);
  return next;
}

function withoutCredentials(headers: Record<string, string>): Record<string, string> {
  const { authorization: _, cookie: __, ...rest } = headers;
  return rest;
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function joinHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const joined: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) joined[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
  }
  return joined;
}
