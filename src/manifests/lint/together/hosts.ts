import { type FieldPath, type LintedObject, listAt, recordAt, textAt, valueAt } from '../faults.ts';
import { textsOf } from '../references.ts';
import { staticAddresses } from './addresses.ts';
import { annotationsPath, infraEnvLabel, type LintedEntry, labelsPath, type ObjectSet } from './object-set.ts';

const agentLabel = 'bmac.agent-install.openshift.io.agent-label.';
const hostName = 'bmac.agent-install.openshift.io/hostname';

/** Objects of hosts against one another: one namespace, labels that meet, nothing twice. */
export function lintHosts(set: ObjectSet): void {
  lintHostNamespaces(set);
  for (const entry of set.of('NodePool')) lintAgentSelector(entry, set);
  for (const entry of set.of('InfraEnv')) lintNmStateSelector(entry, set);
  lintDoubledHosts(set);
  lintDoubledCards(set);
  lintWatchedNamespaces(set);
  lintFlow(set);
}

/** Agents are looked for in the namespace that the HostedCluster names, so InfraEnv and hosts have to be there. */
function lintHostNamespaces(set: ObjectSet): void {
  const clusters = set.of('HostedCluster').map(({ object }) => object);
  const namespaces = clusters.flatMap(
    ({ value }) => textAt(value, 'spec', 'platform', 'agent', 'agentNamespace') ?? [],
  );
  if (namespaces.length < clusters.length || clusters.length === 0) return;
  const role = ({ kind, name }: LintedObject): boolean => kind === 'Role' && name === 'capi-provider-role';
  for (const { object, add } of set.entries) {
    if (object.namespace === undefined || namespaces.includes(object.namespace)) continue;
    // Hosts that belong to no hosted cluster have no business with it.
    const late = object.kind === 'InfraEnv' && valueAt(object.value, 'spec', 'clusterRef') === undefined;
    if (late || role(object))
      add(
        'LINT_NAMESPACE',
        ['metadata', 'namespace'],
        `Agents are looked for in ${namespaces.join(' and ')}, and this ${object.kind} lies in ${object.namespace}`,
        'put it where platform.agent.agentNamespace of the HostedCluster points',
        late ? 'error' : 'warning',
      );
  }
}

/** A pool takes Agents that carry its labels: of their InfraEnv, or of their BareMetalHost. */
function lintAgentSelector({ object, add }: LintedEntry, set: ObjectSet): void {
  const path = ['spec', 'platform', 'agent', 'agentLabelSelector', 'matchLabels'];
  const wanted = Object.entries(textsOf(object.value, path));
  const clusters = set.find('HostedCluster', textAt(object.value, 'spec', 'clusterName') ?? '', [object.namespace]);
  const namespaces = clusters.map(({ value }) => textAt(value, 'spec', 'platform', 'agent', 'agentNamespace'));
  const environments = set.of('InfraEnv').filter(({ object: env }) => namespaces.includes(env.namespace));
  if (environments.length === 0) return;
  const offers = environments.flatMap(({ object: env }) => {
    const own = { ...textsOf(env.value, ['spec', 'agentLabels']), [infraEnvLabel]: env.name };
    const hosts = set
      .of('BareMetalHost')
      .filter(({ object: host }) => host.namespace === env.namespace && infraEnvOf(host) === env.name);
    return [own, ...hosts.map(({ object: host }) => ({ ...own, ...labelsFromHost(host) }))].map((labels) => ({
      env,
      labels: labels as Readonly<Record<string, string>>,
    }));
  });
  const fitting = offers.filter(({ labels }) => wanted.every(([key, value]) => labels[key] === value));
  if (wanted.length > 0 && fitting.length === 0)
    add(
      'LINT_HOST',
      path,
      `no InfraEnv or BareMetalHost gives its Agents ${wanted.map(([key, value]) => `${key}: ${value}`).join(', ')}`,
      'set agentLabels of the InfraEnv, or correct the selector: the pool finds no host otherwise',
      'warning',
    );
  lintPoolArchitecture(
    { object, add },
    fitting.map(({ env }) => env),
  );
}

function lintPoolArchitecture({ object, add }: LintedEntry, environments: readonly LintedObject[]): void {
  const spell = (name: string): string => ({ x86_64: 'amd64', aarch64: 'arm64' })[name] ?? name;
  const arch = textAt(object.value, 'spec', 'arch') ?? 'amd64';
  const offered = environments.map(({ value }) => spell(textAt(value, 'spec', 'cpuArchitecture') ?? 'x86_64'));
  if (offered.length > 0 && !offered.includes(arch) && !offered.includes('multi'))
    add(
      'LINT_ARCHITECTURE',
      ['spec', valueAt(object.value, 'spec', 'arch') === undefined ? 'platform' : 'arch'],
      `the pool is ${arch}, and its hosts boot images for ${[...new Set(offered)].join(' and ')}`,
      'select hosts of an InfraEnv with that cpuArchitecture',
    );
}

function lintNmStateSelector({ object, add }: LintedEntry, set: ObjectSet): void {
  const path = ['spec', 'nmStateConfigLabelSelector', 'matchLabels'];
  const wanted = Object.entries(textsOf(object.value, path));
  const configs = set.of('NMStateConfig');
  if (wanted.length === 0 || configs.length === 0) return;
  const matching = configs.filter(({ object: one }) =>
    wanted.every(([key, value]) => valueAt(one.value, ...labelsPath, key) === value),
  );
  if (matching.some(({ object: one }) => one.namespace === object.namespace)) return;
  const [elsewhere] = matching;
  add(
    elsewhere ? 'LINT_NAMESPACE' : 'LINT_HOST',
    path,
    elsewhere
      ? `the NMStateConfig with these labels lies in ${elsewhere.object.namespace}`
      : 'no NMStateConfig has these labels',
    elsewhere ? `put it into ${object.namespace}` : 'hosts keep what DHCP gives them: correct labels or selector',
    elsewhere ? 'error' : 'warning',
  );
}

/** Hosts of one namespace that share what has to be their own; hosts of others than the assisted service are left to their owners. */
function lintDoubledHosts(set: ObjectSet): void {
  const hosts = labelledHosts(set);
  const shared: readonly { readonly what: string; readonly path: FieldPath }[] = [
    { what: 'bootMACAddress', path: ['spec', 'bootMACAddress'] },
    { what: 'BMC address', path: ['spec', 'bmc', 'address'] },
    { what: 'host name', path: [...annotationsPath, hostName] },
  ];
  for (const { what, path } of shared)
    tellDoubled(
      hosts.flatMap((entry) => {
        const value = textAt(entry.object.value, ...path)?.toLowerCase();
        return value === undefined ? [] : [{ entry, path, value: `${what} ${value}` }];
      }),
    );
  for (const { object, add } of hosts)
    if (/^localhost(\.|$)/.test(textAt(object.value, ...annotationsPath, hostName) ?? ''))
      add('LINT_HOST', [...annotationsPath, hostName], 'localhost is refused as host name', 'give the host its own');
}

/** MAC addresses and static addresses that two NMStateConfigs claim. */
function lintDoubledCards(set: ObjectSet): void {
  const configs = set.of('NMStateConfig');
  tellDoubled(
    configs.flatMap((entry) =>
      listAt(entry.object.value, 'spec', 'interfaces').flatMap((card, at) => {
        const value = textAt(card, 'macAddress')?.toLowerCase();
        const path = ['spec', 'interfaces', at, 'macAddress'];
        return value === undefined ? [] : [{ entry, path, value: `MAC address ${value}` }];
      }),
    ),
  );
  tellDoubled(
    configs.flatMap((entry) =>
      staticAddresses(entry.object).map(({ path, address }) => ({ entry, path, value: `address ${address}` })),
    ),
  );
}

interface Claim {
  readonly entry: LintedEntry;
  readonly path: FieldPath;
  readonly value: string;
}

/** Objects of one name are two versions of one object; in two namespaces they may be of two sites. */
function tellDoubled(claims: readonly Claim[]): void {
  const owners = new Map<string, LintedObject>();
  for (const { entry, path, value } of claims) {
    const { object, add } = entry;
    const key = `${object.namespace ?? ''} ${value}`;
    const other = owners.get(key);
    if (other && other.name !== object.name)
      add('LINT_HOST', path, `${value} belongs to ${other.name} already`, 'give every host its own');
    owners.set(key, other ?? object);
  }
}

/** Metal3 looks at its own namespace only, unless told otherwise. */
function lintWatchedNamespaces(set: ObjectSet): void {
  const settings = set.of('Provisioning');
  const away = set.of('BareMetalHost').find(({ object }) => object.namespace !== 'openshift-machine-api');
  if (!away || settings.some(({ object }) => valueAt(object.value, 'spec', 'watchAllNamespaces') === true)) return;
  for (const { add } of settings)
    add(
      'LINT_HOST',
      ['spec'],
      `watchAllNamespaces is not set, and BareMetalHost ${away.object.name} lies in ${away.object.namespace}`,
      'set watchAllNamespaces: true, or hosts outside openshift-machine-api are ignored',
    );
}

/** Inspection of hosts is for the converged flow, and has to be off without it. */
function lintFlow(set: ObjectSet): void {
  const services = set.of('AgentServiceConfig');
  if (services.length === 0) return;
  const flows = set.of('ConfigMap').flatMap(({ object }) => textAt(object.value, 'data', 'ALLOW_CONVERGED_FLOW') ?? []);
  const classic = flows.includes('false');
  for (const { object, add } of labelledHosts(set)) {
    const off = textAt(object.value, ...annotationsPath, 'inspect.metal3.io') === 'disabled';
    if (off === classic || new Set(flows).size > 1) continue;
    add(
      'LINT_HOST',
      Object.keys(recordAt(object.value, ...annotationsPath)).length > 0 ? annotationsPath : ['metadata'],
      off
        ? 'inspection is disabled, and the converged flow, which needs it, is on'
        : 'inspection is on, and ALLOW_CONVERGED_FLOW is "false"',
      off
        ? 'take inspect.metal3.io away, or set ALLOW_CONVERGED_FLOW: "false" in the map of the assisted service'
        : 'set inspect.metal3.io: disabled, or leave ALLOW_CONVERGED_FLOW out',
      // Another map may be on the cluster already.
      off && flows.length === 0 ? 'info' : 'warning',
    );
  }
}

/** Hosts that the assisted service takes. */
function labelledHosts(set: ObjectSet): LintedEntry[] {
  return set.of('BareMetalHost').filter(({ object }) => infraEnvOf(object) !== undefined);
}

function infraEnvOf(host: LintedObject): string | undefined {
  return textAt(host.value, ...labelsPath, infraEnvLabel);
}

function labelsFromHost(host: LintedObject): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(textsOf(host.value, annotationsPath))
      .filter(([key]) => key.startsWith(agentLabel))
      .map(([key, value]) => [key.slice(agentLabel.length), value]),
  );
}
