import { setMaxListeners } from 'node:events';
import {
  type ConnectOptions,
  createAgent,
  createConnectors,
  createDirect,
  type HttpAgent,
  type HttpOptions,
  sendDirect,
  sendOnce,
} from './http-agent.ts';
import { discardBody } from './http-body.ts';
import type { DirectPool } from './http-direct.ts';
import type { HttpClient, HttpRequest, HttpResponse } from './http-message.ts';
import { findProxy } from './http-proxy.ts';
import { nextUrl, withoutCredentials } from './http-redirect.ts';
import { type HostTls, readTrust } from './http-trust.ts';
import { assertRunning, type Run } from './run.ts';

export type { HttpOptions } from './http-agent.ts';
export type { HttpClient, HttpRequest, HttpResponse } from './http-message.ts';

const plainTls: HostTls = {};

/** A client over undici with keep-alive, one request at a time per connection, system CAs, proxies and IPv6 (happy eyeballs). */
export function createHttp(options: HttpOptions = {}): HttpClient {
  const groups = new Map<HostTls, ConnectionGroup>();
  let trust: Promise<readonly string[]> | undefined;

  const findGroup = async (tls: HostTls, run: Run): Promise<ConnectionGroup> => {
    const known = groups.get(tls);
    if (known) return known;
    trust ??= readTrust(options, run);
    const trusted = await trust.catch((error: unknown) => {
      trust = undefined;
      throw error;
    });
    const group = groups.get(tls) ?? createGroup(options, createConnectors(options, trusted, tls));
    groups.set(tls, group);
    return group;
  };

  const sendTo = async (
    request: HttpRequest & { readonly url: URL },
    tls: HostTls,
    run: Run,
  ): Promise<HttpResponse> => {
    const proxy = findProxy(options.proxy ?? {}, request.url);
    const group = await findGroup(tls, run);
    const pours = request.pour === true && request.method === 'GET' && !proxy;
    const direct = pours ? await sendDirect(group.direct(request.url), request, run) : undefined;
    return direct ?? sendOnce(group.agent(request.url, proxy), request, run);
  };

  // Agents are kept by the identity of their settings.
  const insecureTwins = new WeakMap<HostTls, HostTls>();
  const tlsFor = (url: URL, given: HostTls = plainTls): HostTls => {
    const named = options.insecureHosts?.some((host) => host === url.host || host === url.hostname);
    if (!(options.insecure || named) || given.insecure) return given;
    const twin = insecureTwins.get(given) ?? { ...given, insecure: true };
    insecureTwins.set(given, twin);
    return twin;
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
        const response = await sendTo({ ...request, url, headers }, tls, run);
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
      const all = [...groups.values()];
      groups.clear();
      await Promise.all(all.map((group) => group.close()));
    },
  };
}

/** The connections of one kind of TLS. */
interface ConnectionGroup {
  agent(url: URL, proxy: URL | undefined): HttpAgent;
  direct(url: URL): DirectPool;
  close(): Promise<void>;
}

function createGroup(options: HttpOptions, connectors: (secure: boolean) => ConnectOptions): ConnectionGroup {
  const agents = new Map<string, HttpAgent>();
  const pools = new Map<string, DirectPool>();
  return {
    agent(url, proxy) {
      // Plain HTTP through a plain proxy is forwarded, all else tunnelled; most proxies allow CONNECT to TLS ports only.
      const key = `${proxy?.href ?? ''} ${url.protocol}`;
      const secure = url.protocol === 'https:';
      const made = agents.get(key);
      if (made) return made;
      const agent = createAgent(options, connectors(secure || proxy?.protocol === 'https:'), proxy, secure);
      agents.set(key, agent);
      return agent;
    },
    direct(url) {
      const pool = pools.get(url.origin) ?? createDirect(url, options, connectors(url.protocol === 'https:'));
      pools.set(url.origin, pool);
      return pool;
    },
    async close() {
      for (const pool of pools.values()) pool.close();
      await Promise.all([...agents.values()].map((agent) => agent.destroy()));
    },
  };
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
