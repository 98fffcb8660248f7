import { findIpFamily, parseIpPrefix } from '../../../core/ip.ts';
import { type AddFault, isPlaceholder, type LintedObject, listAt, textAt, valueAt } from '../faults.ts';

/** `Image/cluster`. */
export function lintImageConfig({ value, name }: LintedObject, add: AddFault): void {
  lintClusterName('Image', name, add);
  const sources = ['spec', 'registrySources'];
  const allowed = listAt(value, ...sources, 'allowedRegistries');
  if (allowed.length > 0 && listAt(value, ...sources, 'blockedRegistries').length > 0)
    add(
      'LINT_REGISTRY_LISTS',
      sources,
      'allowedRegistries and blockedRegistries exclude each other',
      'use one of them',
    );
  const missing = ['quay.io', 'registry.redhat.io'].filter(
    (host) => !allowed.some((entry) => typeof entry === 'string' && (entry === host || entry.startsWith(`${host}/`))),
  );
  if (allowed.length > 0 && missing.length > 0)
    add(
      'LINT_REGISTRY_LISTS',
      [...sources, 'allowedRegistries'],
      `${missing.join(' and ')} is not allowed`,
      'payload sources have to stay in the list although they are mirrored',
    );
}

/** `Proxy/cluster`. */
export function lintProxy({ value, name }: LintedObject, add: AddFault): void {
  lintClusterName('Proxy', name, add);
  lintProxyFields(value, ['spec'], add);
}

function lintProxyFields(value: unknown, path: readonly string[], add: AddFault): void {
  const http = textAt(value, ...path, 'httpProxy');
  if (http !== undefined && http !== '' && !/^http:\/\/[^/\s]+/.test(http))
    add('LINT_PROXY', [...path, 'httpProxy'], 'httpProxy takes http:// only', 'write http://HOST:PORT');
  const https = textAt(value, ...path, 'httpsProxy');
  if (https !== undefined && https !== '' && !/^https?:\/\/[^/\s]+/.test(https))
    add('LINT_PROXY', [...path, 'httpsProxy'], 'httpsProxy takes http:// or https://', 'write http://HOST:PORT');
  const no = textAt(value, ...path, 'noProxy');
  if (no !== undefined && /\s/.test(no))
    add('LINT_PROXY', [...path, 'noProxy'], 'noProxy holds blanks', 'separate entries by commas alone');
  for (const [index, url] of listAt(value, ...path, 'readinessEndpoints').entries())
    if (typeof url !== 'string' || !/^https?:\/\//.test(url))
      add('LINT_PROXY', [...path, 'readinessEndpoints', index], 'an endpoint is no URL', 'write http:// or https://');
}

/** `Network/cluster` of config.openshift.io. */
export function lintNetwork({ value, name }: LintedObject, add: AddFault): void {
  lintClusterName('Network', name, add);
  const range = textAt(value, 'spec', 'serviceNodePortRange');
  const [, low, high] = /^(\d+)-(\d+)$/.exec(range ?? '') ?? [];
  if (
    range !== undefined &&
    (low === undefined || Number(low) > 30_000 || Number(high) < 32_767 || Number(high) > 65_535)
  )
    add(
      'LINT_NODE_PORT_RANGE',
      ['spec', 'serviceNodePortRange'],
      `${range} does not hold 30000-32767`,
      'the range may only grow',
    );
  else if (Number(high) > 32_767)
    add(
      'LINT_NODE_PORT_RANGE',
      ['spec', 'serviceNodePortRange'],
      `${range} reaches into the ephemeral ports (32768 and above)`,
      'reserve the ports on the nodes, or extend downward',
      'info',
    );
}

/** NetworkAttachmentDefinition. */
export function lintAttachment({ value }: LintedObject, add: AddFault): void {
  const path = ['spec', 'config'];
  const text = textAt(value, ...path);
  if (text === undefined) return;
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch {
    add('LINT_POD_NETWORK', path, 'config is not JSON', 'write it as one JSON text');
    return;
  }
  const plugins = listAt(config, 'plugins');
  if (textAt(plugins[0], 'type') === 'tuning' || textAt(config, 'type') === 'tuning')
    add(
      'LINT_POD_NETWORK',
      path,
      'the tuning plugin stands first',
      'put the main plugin before it: it tunes what that one made',
    );
  for (const plugin of plugins.filter((one) => textAt(one, 'type') === 'tuning'))
    for (const sysctl of Object.keys((valueAt(plugin, 'sysctl') ?? {}) as object))
      if (!/^net\..+\.IFNAME\..+$/.test(sysctl))
        add(
          'LINT_POD_NETWORK',
          path,
          `sysctl ${sysctl} is not of the form net.….IFNAME.…`,
          'only settings of the pod’s interface can be tuned',
          'warning',
        );
}

/** MachineConfig. */
export function lintMachineConfig({ value }: LintedObject, add: AddFault): void {
  if (valueAt(value, 'metadata', 'labels', 'machineconfiguration.openshift.io/role') === undefined)
    add(
      'LINT_NODE_CONFIG',
      ['metadata'],
      'no label machineconfiguration.openshift.io/role',
      'without it no pool takes the MachineConfig',
      'warning',
    );
  for (const [index, file] of listAt(value, 'spec', 'config', 'storage', 'files').entries()) {
    const mode = valueAt(file, 'mode');
    // 644 and 755 as decimal numbers are 01204 and 01363.
    if (typeof mode === 'number' && (mode > 0o7777 || [600, 640, 644, 755, 700, 400, 444].includes(mode)))
      add(
        'LINT_FILE_MODE',
        ['spec', 'config', 'storage', 'files', index, 'mode'],
        `mode ${mode} is decimal, which is ${mode.toString(8)} in octal`,
        'write 420 for 0644, 493 for 0755',
      );
  }
}

/** Deployments: modes of script volumes and strategy, the slips of IP failover samples. */
export function lintDeployment({ value }: LintedObject, add: AddFault): void {
  if (typeof valueAt(value, 'spec', 'strategy') === 'string')
    add('LINT_SCHEMA', ['spec', 'strategy'], 'strategy has to be an object', 'write {type: Recreate}');
  const pod = ['spec', 'template', 'spec'];
  for (const [index, volume] of listAt(value, ...pod, 'volumes').entries()) {
    const mode = valueAt(volume, 'configMap', 'defaultMode');
    if (typeof mode === 'number' && mode > 0o777)
      add(
        'LINT_FILE_MODE',
        [...pod, 'volumes', index, 'configMap', 'defaultMode'],
        `mode ${mode} is above 0777`,
        'write 493 for 0755',
      );
  }
}

/** ClusterCatalog. */
export function lintClusterCatalog({ value }: LintedObject, add: AddFault): void {
  const image = ['spec', 'source', 'image'];
  if (textAt(value, ...image, 'ref')?.includes('@') && valueAt(value, ...image, 'pollIntervalMinutes') !== undefined)
    add(
      'LINT_CATALOGS',
      [...image, 'pollIntervalMinutes'],
      'a catalog by digest cannot be polled',
      'take pollIntervalMinutes away',
    );
}

/** CatalogSource. */
export function lintCatalogSource({ value, namespace }: LintedObject, add: AddFault): void {
  if (namespace !== undefined && namespace !== 'openshift-marketplace')
    add(
      'LINT_NAMESPACE',
      ['metadata', 'namespace'],
      `a catalog in ${namespace} serves that namespace only`,
      'use openshift-marketplace',
      'info',
    );
  const image = textAt(value, 'spec', 'image');
  if (image !== undefined && /^\[|:\/\//.test(image))
    add('LINT_MIRROR_GRAMMAR', ['spec', 'image'], `${image} is no image reference`, 'write host[:port]/path:tag');
}

/** IPAddressPool of MetalLB. */
export function lintAddressPool({ value }: LintedObject, add: AddFault): void {
  for (const [index, entry] of listAt(value, 'spec', 'addresses').entries()) {
    if (typeof entry !== 'string' || isPlaceholder(entry) || isAddressRange(entry)) continue;
    add(
      'LINT_ADDRESS_POOL',
      ['spec', 'addresses', index],
      `${entry} is neither a prefix nor a range`,
      'write 192.0.2.40/32 or 192.0.2.40-192.0.2.45',
    );
  }
}

function isAddressRange(text: string): boolean {
  const [first = '', last, ...more] = text.split('-').map((part) => part.trim());
  if (last !== undefined)
    return more.length === 0 && findIpFamily(first) !== undefined && findIpFamily(first) === findIpFamily(last);
  try {
    return parseIpPrefix(text).text !== '';
  } catch {
    return false;
  }
}

function lintClusterName(kind: string, name: string, add: AddFault): void {
  if (name !== 'cluster' && name !== '')
    add('LINT_NAME', ['metadata', 'name'], `only ${kind}/cluster is read`, 'name it "cluster"');
}
