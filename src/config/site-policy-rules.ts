import type { Faults } from './faults.ts';
import type { ConfigPath } from './node.ts';
import type { Site } from './site.ts';

/** A proxy as the cluster's operators take it; the API server checks none of it (hosted-clusters-disconnected.md §25.1). */
export function checkProxy(proxy: Site['proxy'], path: ConfigPath, faults: Faults): void {
  if (!proxy) return;
  if (proxy.httpProxy === undefined && proxy.httpsProxy === undefined)
    faults.error('CONFIG_MISSING', path, 'names no proxy', 'add httpProxy or httpsProxy, or remove it');
  if (proxy.httpProxy !== undefined && !proxy.httpProxy.startsWith('http://'))
    faults.error(
      'CONFIG_VALUE',
      [...path, 'httpProxy'],
      'has to begin with http://',
      'the value says how the proxy itself is reached',
    );
  if (proxy.httpsProxy !== undefined && !/^https?:\/\//.test(proxy.httpsProxy))
    faults.error('CONFIG_VALUE', [...path, 'httpsProxy'], 'has to begin with http:// or https://');
  for (const name of ['httpProxy', 'httpsProxy'] as const) {
    if (/\/\/[^/@]+@/.test(proxy[name] ?? ''))
      faults.warning(
        'CONFIG_VALUE',
        [...path, name],
        'holds a password, which everybody who reads the file or the cluster sees',
      );
  }
  proxy.noProxy.forEach((entry, index) => {
    if (/[*]./.test(entry) || /^https?:/.test(entry))
      faults.error(
        'CONFIG_VALUE',
        [...path, 'noProxy', index],
        `"${entry}" matches nothing`,
        'write .example.com for all names below it, or "*" for everything',
      );
  });
}

/** An allow list and a block list exclude each other (§28.4). */
export function checkImagePolicy(
  policy:
    | { allowedRegistries?: readonly string[] | undefined; blockedRegistries?: readonly string[] | undefined }
    | undefined,
  path: ConfigPath,
  faults: Faults,
): void {
  if (policy?.allowedRegistries && policy.blockedRegistries)
    faults.error(
      'CONFIG_CONFLICT',
      [...path, 'blockedRegistries'],
      'allowedRegistries and blockedRegistries cannot be used together',
      'keep one of the two',
    );
}
