import { AirlockError } from './errors.ts';
import { findIpFamily, type IpPrefix, parseIp, parseIpPrefix, prefixContains } from './ip.ts';

/** Proxies as the environment names them; empty or absent means a direct connection. */
export interface ProxySettings {
  /** For http:// targets. */
  readonly httpProxy?: string;
  /** For https:// targets. */
  readonly httpsProxy?: string;
  /** Comma separated: hosts, domain suffixes, `host:port`, addresses, prefixes, or `*`. */
  readonly noProxy?: string;
}

/** What the HTTP client takes from the environment. */
export interface HttpEnvironment {
  readonly proxy: ProxySettings;
  /** SSL_CERT_FILE: takes the place of the system's CA file. */
  readonly systemCaFile?: string;
}

/** Picks HTTP_PROXY, HTTPS_PROXY, NO_PROXY (both cases, lower first as curl does) and SSL_CERT_FILE. Pure. */
export function httpEnvironment(env: Readonly<Record<string, string | undefined>>): HttpEnvironment {
  const pick = (name: string): string | undefined => env[name.toLowerCase()] || env[name] || undefined;
  // In a CGI script HTTP_PROXY is what the client sent as "Proxy:" header (httpoxy); the lower-case name is not affected.
  const httpProxy = env['REQUEST_METHOD'] ? env['http_proxy'] : pick('HTTP_PROXY');
  const httpsProxy = pick('HTTPS_PROXY');
  const noProxy = pick('NO_PROXY');
  const systemCaFile = env['SSL_CERT_FILE'];
  return {
    proxy: {
      ...(httpProxy ? { httpProxy } : {}),
      ...(httpsProxy ? { httpsProxy } : {}),
      ...(noProxy ? { noProxy } : {}),
    },
    ...(systemCaFile ? { systemCaFile } : {}),
  };
}

/** The proxy for a URL, undefined for a direct connection. @throws AirlockError PROXY_INVALID */
export function findProxy(settings: ProxySettings, url: URL): URL | undefined {
  const text = url.protocol === 'https:' ? settings.httpsProxy : settings.httpProxy;
  if (!text || bypassesProxy(settings.noProxy ?? '', url)) return undefined;
  const proxy = tryUrl(text);
  if (!proxy || !(proxy.protocol === 'http:' || proxy.protocol === 'https:')) {
    throw new AirlockError(
      'PROXY_INVALID',
      `"${text.replace(/\/\/[^@/]*@/, '//')}" is not an http:// or https:// proxy URL`,
    );
  }
  return proxy;
}

/**
 * Whether NO_PROXY takes the host out, by the rules that Go programs (podman, oc, skopeo) follow: `example.com` and `.example.com` match
 * names below it, the first also the name itself; `*.example.com` as `.example.com`; `host:port` only that port; prefixes match literals.
 * Loopback is never sent to a proxy.
 */
export function bypassesProxy(noProxy: string, url: URL): boolean {
  const host = url.hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  if (host === 'localhost' || host === '::1' || (findIpFamily(host) === 4 && host.startsWith('127.'))) return true;
  return noProxy
    .split(/[\s,]+/)
    .filter(Boolean)
    .some((rule) => matchesRule(rule.toLowerCase(), host, port));
}

function matchesRule(rule: string, host: string, port: string): boolean {
  if (rule === '*') return true;
  const prefix = findPrefix(rule);
  if (prefix) return findIpFamily(host) !== undefined && prefixContains(prefix, parseIp(host));
  const match = /^(?:\[([^\]]+)\]|(.*?))(?::(\d+))?$/.exec(rule);
  const bare = findIpFamily(rule) ? rule : (match?.[1] ?? match?.[2] ?? '');
  if (!findIpFamily(rule) && match?.[3] && match[3] !== port) return false;
  if (findIpFamily(bare)) return findIpFamily(host) !== undefined && parseIp(bare).text === parseIp(host).text;
  const domain = bare.replace(/^\*?\./, '');
  if (domain === '') return false;
  return host.endsWith(`.${domain}`) || (domain === bare && host === domain);
}

function findPrefix(rule: string): IpPrefix | undefined {
  try {
    return rule.includes('/') ? parseIpPrefix(rule) : undefined;
  } catch {
    return undefined;
  }
}

function tryUrl(text: string): URL | undefined {
  try {
    return new URL(text.includes('://') ? text : `http://${text}`);
  } catch {
    return undefined;
  }
}
