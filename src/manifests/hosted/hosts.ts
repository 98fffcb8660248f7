import type { Host, HostedCluster, NodePool, Site } from '../../config/index.ts';
import type { MirroredContent } from '../cluster-resources.ts';
import { cpuArchitecture, labelName, streamArchitecture } from '../names.ts';
import { hostedProxy, noProxyList } from '../proxy.ts';
import type { Resource } from '../resource.ts';
import { getText, parseBmcCredentials, type SiteTexts } from '../texts.ts';
import { physicalInterfaces, readNmstate } from './nmstate.ts';
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
    spec: { interfaces: physicalInterfaces(config, host, host.nmstate), config },
  };
}

/** Those that Metal3 has a word for; of others it learns by looking. */
const bareMetalArchitectures: readonly string[] = ['amd64', 'arm64'];

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
        ...(bareMetalArchitectures.includes(pool.architecture)
          ? { architecture: streamArchitecture(pool.architecture) }
          : {}),
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
  return labelName(cluster.name, host.name);
}

function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}
