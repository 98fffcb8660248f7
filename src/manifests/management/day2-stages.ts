import path from 'node:path';
import type { ManagementCluster, Site } from '../../config/index.ts';
import { AirlockError } from '../../core/errors.ts';
import { normaliseCertificates } from '../certificates.ts';
import { ipFailoverParts } from '../ip-failover.ts';
import { chronyMachineConfig, readResources } from '../machine-configs.ts';
import { namesFromFiles } from '../names.ts';
import { proxySpec } from '../proxy.ts';
import type { Resource } from '../resource.ts';
import type { ManifestStage, StageFile } from '../stages.ts';
import { getText, type SiteTexts } from '../texts.ts';

const minute = 60;
/** The ConfigMap whose CAs the whole cluster trusts, by `Proxy/cluster`. */
const trustedCaName = 'user-ca-bundle';

/** Cluster-wide proxy and further CAs; no files where the site has neither. Every node reboots when it changes. */
export function proxyStage(site: Site, texts: SiteTexts): ManifestStage {
  const trust = normaliseCertificates(...site.certificates.trustFiles.map((file) => getText(texts, file)));
  const injected = site.managementCluster?.caConfigMaps ?? [];
  const files: StageFile[] = [];
  if (trust !== '')
    files.push({
      name: '1-user-ca-bundle.yaml',
      mode: 'merge',
      why: 'CAs that the whole cluster trusts; those that are there stay',
      resources: [
        {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: trustedCaName, namespace: 'openshift-config' },
          data: { 'ca-bundle.crt': trust },
        },
      ],
    });
  if (trust !== '' || site.proxy)
    files.push({
      name: '2-proxy.yaml',
      mode: 'patch',
      why: 'the proxy of the site and the CAs; every node reboots in turn',
      resources: [
        {
          apiVersion: 'config.openshift.io/v1',
          kind: 'Proxy',
          metadata: { name: 'cluster' },
          spec: proxySpec(site, site.proxy, trust === '' ? undefined : trustedCaName),
        },
      ],
    });
  if (injected.length > 0)
    files.push({
      name: '3-injected-ca.yaml',
      why: 'the cluster writes its trusted CAs into them; they have no data of ours, which it would wipe',
      resources: injected.map(({ name, namespace }) => ({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name, namespace, labels: { 'config.openshift.io/inject-trusted-cabundle': 'true' } },
      })),
    });
  return {
    name: 'proxy',
    title: 'Set proxy and trusted CAs',
    cluster: 'management',
    files,
    gates: [{ kind: 'machineConfigPools' }, { kind: 'nodesReady' }],
    timeoutSeconds: 120 * minute,
  };
}

/** Time servers and the user's own MachineConfigs on the management cluster. @throws AirlockError MANIFEST_FILE_INVALID */
export function machineConfigStage(hub: ManagementCluster, ntp: readonly string[], texts: SiteTexts): ManifestStage {
  const chrony: StageFile[] =
    hub.chrony && ntp.length > 0
      ? [
          {
            name: 'chrony.yaml',
            why: 'nodes keep time by the servers of the site',
            resources: ['master', 'worker'].map((pool) => chronyMachineConfig(pool, ntp)),
          },
        ]
      : [];
  const names = namesFromFiles(hub.machineConfigs, ['chrony']);
  return {
    name: 'machine-configs',
    title: 'Configure the nodes of the management cluster',
    cluster: 'management',
    files: [
      ...chrony,
      ...hub.machineConfigs.map((file, index) => ({
        name: `${names[index]}.yaml`,
        why: `from ${path.basename(file)}`,
        resources: readResources(getText(texts, file), file),
      })),
    ],
    gates: [{ kind: 'machineConfigPools' }, { kind: 'nodesReady' }],
    timeoutSeconds: 60 * minute,
  };
}

/** NodePort range, pod network and external addresses; no files where the site asks for none. */
export function networkStage(hub: ManagementCluster): ManifestStage {
  const { nodePortRange, cluster, hostPrefix, externalIPs } = hub.network ?? {};
  const spec = {
    ...(nodePortRange === undefined ? {} : { serviceNodePortRange: nodePortRange }),
    ...(cluster === undefined
      ? {}
      : {
          clusterNetwork: cluster.map((cidr) => ({
            cidr,
            hostPrefix: cidr.includes(':') ? hostPrefix?.ipv6 : hostPrefix?.ipv4,
          })),
        }),
    ...(externalIPs === undefined ? {} : { externalIP: { autoAssignCIDRs: [...externalIPs] } }),
  };
  const resource: Resource = {
    apiVersion: 'config.openshift.io/v1',
    kind: 'Network',
    metadata: { name: 'cluster' },
    spec,
  };
  const operators = ['kube-apiserver', ...(cluster === undefined ? [] : ['network'])];
  return {
    name: 'network',
    title: 'Widen network ranges',
    cluster: 'management',
    files:
      Object.keys(spec).length === 0
        ? []
        : [{ name: 'network.yaml', mode: 'patch', why: 'ranges may only grow', resources: [resource] }],
    gates: [
      // What was asked for has to be in use: operators look settled until they have noticed.
      ...(nodePortRange === undefined ? [] : [{ kind: 'nodePortRange', range: nodePortRange } as const]),
      ...(cluster ?? []).map(
        (cidr, index) =>
          ({
            kind: 'field',
            object: { apiVersion: 'config.openshift.io/v1', kind: 'Network', name: 'cluster' },
            path: `status.clusterNetwork[${index}].cidr`,
            value: cidr,
          }) as const,
      ),
      ...operators.map(
        (name) =>
          ({
            kind: 'conditions',
            object: { apiVersion: 'config.openshift.io/v1', kind: 'ClusterOperator', name },
            wanted: { Available: 'True', Progressing: 'False' },
          }) as const,
      ),
    ],
    timeoutSeconds: (cluster === undefined ? 30 : 60) * minute,
  };
}

/** VIPs by keepalived on the management cluster. @throws AirlockError SITE_CONTENT_MISSING, SITE_TEXT_MISSING */
export function ipFailoverStage(hub: ManagementCluster, texts: SiteTexts): ManifestStage {
  return {
    name: 'ip-failover',
    title: 'Hold virtual addresses on nodes',
    cluster: 'management',
    ...ipFailoverParts(hub.ipFailover, () => getHubVersion(hub), texts),
  };
}

function getHubVersion(hub: ManagementCluster): string {
  if (hub.version !== undefined) return hub.version;
  throw new AirlockError('SITE_CONTENT_MISSING', 'IP failover needs the version of the management cluster', {
    hint: 'set managementCluster.version, or the image of the ipFailover entry',
  });
}
