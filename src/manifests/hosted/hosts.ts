import type { Host, HostedCluster, NodePool, Site } from '../../config/index.ts';
import { AirlockError } from '../../core/errors.ts';
import { parseYaml } from '../../core/yaml.ts';
import type { MirroredContent } from '../cluster-resources.ts';
import { cpuArchitecture, streamArchitecture } from '../names.ts';
import { hostedProxy, noProxyList } from '../proxy.ts';
import type { Resource } from '../resource.ts';
import { getText, parseBmcCredentials, type SiteTexts } from '../texts.ts';
import { poolLabels, poolName } from './node-pools.ts';

/** What the objects of hosts are made from. */
export interface HostsInput {
  readonly site: Site;
  readonly cluster: HostedCluster;
  readonly content: MirroredContent;
  readonly infraPullSecret: string;
  readonly texts: SiteTexts;
}

/**
 * One InfraEnv per pool: pools differ in architecture and labels.
 * @throws AirlockError SITE_TEXT_MISSING
 * @see openshift/assisted-service api/v1beta1
 */
export function infraEnv(pool: NodePool, input: HostsInput): Resource {
  const { site, cluster, content } = input;
  const labels = poolLabels(cluster, pool);
  const sshKey = cluster.sshKeyFile === undefined ? undefined : getText(input.texts, cluster.sshKeyFile).trim();
  const minors = new Set(content.releases.map((release) => minorOf(release.version)));
  const proxy = hostedProxy(site, cluster);
  return {
    apiVersion: 'agent-install.openshift.io/v1beta1',
    kind: 'InfraEnv',
    metadata: { name: poolName(cluster, pool), namespace: cluster.hostNamespace },
    spec: {
      pullSecretRef: { name: input.infraPullSecret },
      cpuArchitecture: cpuArchitecture(pool.architecture),
      ...(sshKey === undefined ? {} : { sshAuthorizedKey: sshKey }),
      ...(site.ntp.length > 0 ? { additionalNTPSources: [...site.ntp] } : {}),
      ...(pool.hosts.some((host) => host.nmstate !== undefined)
        ? { nmStateConfigLabelSelector: { matchLabels: labels } }
        : {}),
      ...(proxy?.httpProxy || proxy?.httpsProxy
        ? {
            proxy: {
              ...(proxy.httpProxy ? { httpProxy: proxy.httpProxy } : {}),
              ...(proxy.httpsProxy ? { httpsProxy: proxy.httpsProxy } : {}),
              noProxy: noProxyList(site, proxy.noProxy).join(','),
            },
          }
        : {}),
      agentLabels: { ...labels },
      // Left out, the newest live image is taken, which may be newer than the release that is to be installed.
      ...(minors.size > 1 ? { osImageVersion: minorOf(cluster.release) } : {}),
    },
  };
}

/** Static addressing of a host; undefined for DHCP. @throws AirlockError SITE_TEXT_MISSING, NMSTATE_INVALID */
export function nmStateConfig(host: Host, pool: NodePool, input: HostsInput): Resource | undefined {
  if (host.nmstate === undefined) return undefined;
  const config = readNmstate(getText(input.texts, host.nmstate), host.nmstate);
  return {
    apiVersion: 'agent-install.openshift.io/v1beta1',
    kind: 'NMStateConfig',
    metadata: {
      name: hostName(host, input.cluster),
      namespace: input.cluster.hostNamespace,
      labels: poolLabels(input.cluster, pool),
    },
    spec: {
      interfaces: host.interfaces?.map((one) => ({ ...one })) ?? [
        { name: firstInterface(config, host.nmstate), macAddress: host.macAddress },
      ],
      config,
    },
  };
}

/** Secret and BareMetalHost of a host. @throws AirlockError SITE_TEXT_MISSING, BMC_CREDENTIALS_INVALID */
export function bareMetalHost(host: Host, pool: NodePool, input: HostsInput): Resource[] {
  const { site, cluster } = input;
  const name = hostName(host, cluster);
  const credentials = parseBmcCredentials(getText(input.texts, host.bmc.credentialsFile), host.bmc.credentialsFile);
  const secretName = `${name}-bmc-secret`;
  const classic = site.managementCluster?.agentService.convergedFlow === false;
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return [
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: secretName, namespace: cluster.hostNamespace },
      type: 'Opaque',
      data: { username: base64(credentials.username), password: base64(credentials.password) },
    },
    {
      apiVersion: 'metal3.io/v1alpha1',
      kind: 'BareMetalHost',
      metadata: {
        name,
        namespace: cluster.hostNamespace,
        labels: { 'infraenvs.agent-install.openshift.io': poolName(cluster, pool) },
        annotations: {
          // With the converged flow Ironic inspects; without it nobody would, and the host would wait for ever.
          ...(classic ? { 'inspect.metal3.io': 'disabled' } : {}),
          'bmac.agent-install.openshift.io/hostname': host.fqdn,
          'bmac.agent-install.openshift.io/role': 'worker',
          ...Object.fromEntries(
            Object.entries(host.labels).map(([key, value]) => [
              `bmac.agent-install.openshift.io.agent-label.${key}`,
              value,
            ]),
          ),
        },
      },
      spec: {
        automatedCleaningMode: 'disabled',
        online: true,
        architecture: streamArchitecture(pool.architecture),
        bootMACAddress: host.macAddress,
        bootMode: host.bootMode,
        bmc: {
          address: host.bmc.address,
          credentialsName: secretName,
          disableCertificateVerification: !host.bmc.verifyCertificate,
        },
        ...(host.rootDeviceHints ? { rootDeviceHints: { ...host.rootDeviceHints } } : {}),
      },
    },
  ];
}

/** `<cluster>-<host>`: host names repeat between clusters, object names of one namespace must not. */
export function hostName(host: Host, cluster: HostedCluster): string {
  return `${cluster.name}-${host.name}`;
}

function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}

function readNmstate(text: string, file: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parseYaml(text);
  } catch (error) {
    throw new AirlockError('NMSTATE_INVALID', `${file} is not YAML`, { cause: error });
  }
  if (typeof value === 'object' && value !== null && 'interfaces' in value && Array.isArray(value.interfaces))
    return { ...value };
  throw new AirlockError('NMSTATE_INVALID', `${file} is no nmstate: it has no list of interfaces`);
}

function firstInterface(config: Readonly<Record<string, unknown>>, file: string): string {
  const interfaces = config['interfaces'] as readonly { readonly name?: unknown; readonly type?: unknown }[];
  const found = interfaces.find((one) => one.type === undefined || one.type === 'ethernet');
  if (typeof found?.name === 'string') return found.name;
  throw new AirlockError('NMSTATE_INVALID', `${file} has no ethernet interface`, {
    hint: 'name the physical interfaces of the host in the site file (interfaces)',
  });
}
