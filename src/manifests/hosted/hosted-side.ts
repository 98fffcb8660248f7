import type { HostedCluster } from '../../config/index.ts';
import type { ClusterResources, MirroredContent } from '../cluster-resources.ts';
import { ipFailoverParts } from '../ip-failover.ts';
import { operatorStage } from '../management/engine-stages.ts';
import { metallbStages } from '../metallb.ts';
import type { Resource } from '../resource.ts';
import type { ManifestStage } from '../stages.ts';
import type { SiteTexts } from '../texts.ts';

const minute = 60;

/**
 * What is applied to the hosted cluster itself, through its own kubeconfig: catalogs, ingress address, SR-IOV, pod networks, VIPs.
 * @throws AirlockError SITE_CONTENT_MISSING, SITE_TEXT_MISSING
 */
export function hostedSideStages(
  cluster: HostedCluster,
  resources: ClusterResources,
  content: MirroredContent,
  texts: SiteTexts,
): ManifestStage[] {
  const where: ManifestStage['cluster'] = { namespace: cluster.namespace, hosted: cluster.name };
  return [
    ...catalogStage(cluster, resources, where),
    ...(cluster.ingressVIPs
      ? metallbStages(`${cluster.name}-metallb`, 'ingress', cluster.ingressVIPs, false, content, where)
      : []),
    ...(cluster.ingressVIPs ? [ingressStage(cluster, where)] : []),
    ...sriovStages(cluster, content, where),
    ...attachmentStage(cluster, where),
    ...failoverStage(cluster, texts, where),
  ];
}

function catalogStage(
  cluster: HostedCluster,
  resources: ClusterResources,
  where: ManifestStage['cluster'],
): ManifestStage[] {
  if (resources.catalogSources.length === 0) return [];
  return [
    {
      name: `${cluster.name}-catalogs`,
      title: `Serve the mirrored catalogs in ${cluster.name}`,
      cluster: where,
      files: resources.catalogSources.map((resource) => ({
        name: `${resource.metadata.name}.yaml`,
        resources: [resource],
        why: 'operators are installed from it in the hosted cluster',
      })),
      gates: resources.catalogSources.map(({ metadata }) => ({
        kind: 'catalogReady' as const,
        namespace: metadata.namespace ?? '',
        name: metadata.name,
      })),
      timeoutSeconds: 10 * minute,
    },
  ];
}

function ingressStage(cluster: HostedCluster, where: ManifestStage['cluster']): ManifestStage {
  const service: Resource = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'metallb-ingress',
      namespace: 'openshift-ingress',
      annotations: { 'metallb.io/address-pool': 'ingress' },
    },
    spec: {
      type: 'LoadBalancer',
      ipFamilyPolicy: cluster.families.length > 1 ? 'PreferDualStack' : 'SingleStack',
      selector: { 'ingresscontroller.operator.openshift.io/deployment-ingresscontroller': 'default' },
      ports: [
        { name: 'http', port: 80, targetPort: 80, protocol: 'TCP' },
        { name: 'https', port: 443, targetPort: 443, protocol: 'TCP' },
      ],
    },
  };
  return {
    name: `${cluster.name}-ingress`,
    title: `Give the router of ${cluster.name} its address`,
    cluster: where,
    files: [{ name: 'ingress-service.yaml', resources: [service], why: '*.apps points at this address' }],
    gates: [
      {
        kind: 'conditions',
        object: { apiVersion: 'config.openshift.io/v1', kind: 'ClusterOperator', name: 'ingress' },
        wanted: { Available: 'True' },
      },
    ],
    timeoutSeconds: 15 * minute,
  };
}

function sriovStages(
  cluster: HostedCluster,
  content: MirroredContent,
  where: ManifestStage['cluster'],
): ManifestStage[] {
  const { sriov } = cluster;
  if (!sriov) return [];
  const namespace = 'openshift-sriov-network-operator';
  const worker = { 'node-role.kubernetes.io/worker': '' };
  const sriovResource = (kind: string, name: string, spec: Readonly<Record<string, unknown>>): Resource => ({
    apiVersion: 'sriovnetwork.openshift.io/v1',
    kind,
    metadata: { name, namespace },
    spec,
  });
  return [
    operatorStage(
      {
        name: 'sriov-network-operator',
        namespace,
        channel: sriov.channel,
        ownNamespace: true,
        config: { nodeSelector: worker },
      },
      'runs SR-IOV on the workers of the hosted cluster',
      content,
      where,
      `${cluster.name}-sriov-operator`,
    ),
    {
      name: `${cluster.name}-sriov`,
      title: `Share network cards in ${cluster.name}`,
      cluster: where,
      files: [
        {
          name: '1-operator-config.yaml',
          why: 'the operator does nothing without it',
          resources: [
            sriovResource('SriovOperatorConfig', 'default', {
              enableInjector: true,
              enableOperatorWebhook: true,
              configDaemonNodeSelector: worker,
            }),
          ],
        },
        {
          name: '2-policies.yaml',
          why: 'each change drains nodes one by one',
          resources: sriov.policies.map((policy) =>
            sriovResource('SriovNetworkNodePolicy', policy.name, {
              resourceName: policy.resourceName,
              numVfs: policy.virtualFunctions,
              nodeSelector: { ...policy.nodeSelector },
              nicSelector: { ...policy.nicSelector },
              deviceType: policy.deviceType,
              priority: policy.priority,
              ...(policy.mtu === undefined ? {} : { mtu: policy.mtu }),
            }),
          ),
        },
        {
          name: '3-networks.yaml',
          why: 'pods ask for them by name',
          resources: sriov.networks.map((network) =>
            sriovResource('SriovNetwork', network.name, {
              networkNamespace: network.namespace,
              resourceName: network.resourceName,
              vlan: network.vlan,
              ipam: JSON.stringify(network.ipam),
            }),
          ),
        },
      ].filter((file) => file.resources.length > 0),
      gates: [],
      timeoutSeconds: 30 * minute,
    },
  ];
}

function attachmentStage(cluster: HostedCluster, where: ManifestStage['cluster']): ManifestStage[] {
  if (cluster.networkAttachments.length === 0) return [];
  return [
    {
      name: `${cluster.name}-pod-networks`,
      title: `Offer further pod networks in ${cluster.name}`,
      cluster: where,
      files: cluster.networkAttachments.map((attachment) => ({
        name: `${attachment.namespace}-${attachment.name}.yaml`,
        why: 'pods ask for it with the annotation k8s.v1.cni.cncf.io/networks',
        resources: [
          {
            apiVersion: 'k8s.cni.cncf.io/v1',
            kind: 'NetworkAttachmentDefinition',
            metadata: { name: attachment.name, namespace: attachment.namespace },
            spec: { config: JSON.stringify(cniConfig(attachment)) },
          },
        ],
      })),
      gates: [],
      timeoutSeconds: minute,
    },
  ];
}

/** The tuning plugin changes what the main plugin made, so it stands behind it. */
function cniConfig(attachment: HostedCluster['networkAttachments'][number]): Readonly<Record<string, unknown>> {
  const tuned = Object.keys(attachment.sysctls).length > 0 || attachment.allMulticast !== undefined;
  return {
    cniVersion: '0.4.0',
    name: attachment.name,
    plugins: [
      attachment.plugin,
      ...(tuned
        ? [
            {
              type: 'tuning',
              ...(Object.keys(attachment.sysctls).length > 0 ? { sysctl: attachment.sysctls } : {}),
              ...(attachment.allMulticast === undefined ? {} : { allmulti: attachment.allMulticast }),
            },
          ]
        : []),
    ],
  };
}

function failoverStage(cluster: HostedCluster, texts: SiteTexts, where: ManifestStage['cluster']): ManifestStage[] {
  if (cluster.ipFailover.length === 0) return [];
  return [
    {
      name: `${cluster.name}-ip-failover`,
      title: `Hold virtual addresses on nodes of ${cluster.name}`,
      cluster: where,
      ...ipFailoverParts(cluster.ipFailover, () => cluster.release, texts),
    },
  ];
}
