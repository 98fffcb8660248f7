import { setMaxListeners } from 'node:events';
import { createAgent, type HttpAgent, type HttpOptions, sendOnce } from './http-agent.ts';
import { discardBody } from './http-body.ts';
import type { HttpClient } from './http-message.ts';
import { findProxy } from './http-proxy.ts';
import { nextUrl, withoutCredentials } from './http-redirect.ts';
import { type HostTls, readTrust } from './http-trust.ts';
import { assertRunning, type Run } from './run.ts';

export type { HttpOptions } from './http-agent.ts';
export type { HttpClient, HttpRequest, HttpResponse } from './http-message.ts';

const plainTls: HostTls = {};

/** A client over undici with keep-alive, one request at a time per connection, system CAs, proxies and IPv6 (happy eyeballs). */
export function createHttp(options: HttpOptions = {}): HttpClient {
  const agents = new Map<HostTls, Map<string, HttpAgent>>();
  let trust: Promise<readonly string[]> | undefined;

  const findAgent = async (url: URL, tls: HostTls, run: Run): Promise<HttpAgent> => {
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
    const group = agents.get(tls) ?? new Map<string, HttpAgent>();
    agents.set(tls, group);
    const agent = group.get(key) ?? createAgent(options, trusted, tls, proxy, url.protocol === 'https:');
    group.set(key, agent);
    return agent;
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

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
