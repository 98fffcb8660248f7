import type { HostedCluster, Site } from '../../config/index.ts';
import type { ClusterResources, MirroredContent } from '../cluster-resources.ts';
import { componentImage, getRelease, releaseImage } from '../mirrored-release.ts';
import { hostedProxy, proxySpec } from '../proxy.ts';
import { imagePolicyFields } from '../registry-trust.ts';
import type { Resource } from '../resource.ts';
import { targetReference } from '../target.ts';
import { ruleApplies } from '../version-rules.ts';
import type { HostedNames } from './prepare-stage.ts';

/** What a HostedCluster is made from. */
export interface HostedClusterInput {
  readonly site: Site;
  readonly cluster: HostedCluster;
  readonly names: HostedNames;
  readonly content: MirroredContent;
  readonly resources: ClusterResources;
}

/**
 * The HostedCluster of the Agent platform.
 * @throws AirlockError SITE_CONTENT_MISSING
 * @see openshift/hypershift api/hypershift/v1beta1
 */
export function hostedCluster(input: HostedClusterInput): Resource {
  const { site, cluster, names, content } = input;
  const release = getRelease(content, cluster.release, architecturesOf(cluster));
  const storageClass = cluster.etcd.storageClass ?? site.managementCluster?.storageClasses.etcd;
  const configuration = hostedConfiguration(input);
  const annotations = hostedAnnotations(input);
  const ovn = ovnConfig(cluster);
  return {
    apiVersion: 'hypershift.openshift.io/v1beta1',
    kind: 'HostedCluster',
    metadata: {
      name: cluster.name,
      namespace: cluster.namespace,
      ...(Object.keys(cluster.labels).length > 0 ? { labels: { ...cluster.labels } } : {}),
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    },
    spec: {
      release: { image: releaseImage(release, content) },
      pullSecret: { name: names.pullSecret },
      sshKey: cluster.sshKeyFile ? { name: names.sshKey } : {},
      additionalTrustBundle: { name: names.trustBundle },
      imageContentSources: imageContentSources(input.resources),
      dns: { baseDomain: site.baseDomain },
      networking: {
        networkType: 'OVNKubernetes',
        clusterNetwork: cluster.network.cluster.map((cidr) => ({
          cidr,
          hostPrefix: cidr.includes(':') ? cluster.network.hostPrefix.ipv6 : cluster.network.hostPrefix.ipv4,
        })),
        serviceNetwork: cluster.network.service.map((cidr) => ({ cidr })),
        machineNetwork: cluster.network.machine.map((cidr) => ({ cidr })),
      },
      etcd: {
        managementType: 'Managed',
        managed: {
          storage: {
            type: 'PersistentVolume',
            persistentVolume: {
              size: cluster.etcd.size,
              ...(storageClass === undefined ? {} : { storageClassName: storageClass }),
            },
            // Only read at creation; an empty list would count as given.
            ...(cluster.etcd.restoreSnapshotURL ? { restoreSnapshotURL: [cluster.etcd.restoreSnapshotURL] } : {}),
          },
        },
      },
      secretEncryption: { type: 'aescbc', aescbc: { activeKey: { name: names.etcdKey } } },
      controllerAvailabilityPolicy: cluster.controllerAvailability,
      infrastructureAvailabilityPolicy: cluster.infrastructureAvailability,
      olmCatalogPlacement: cluster.olmCatalogPlacement,
      ...(Object.keys(configuration).length > 0 ? { configuration } : {}),
      ...(Object.keys(ovn).length > 0
        ? { operatorConfiguration: { clusterNetworkOperator: { ovnKubernetesConfig: ovn } } }
        : {}),
      // Left out the server fills in {}, and nothing can be disabled any more.
      ...(cluster.capabilities ? { capabilities: withoutEmpty(cluster.capabilities) } : {}),
      ...(Object.keys(cluster.podLabels).length > 0 ? { labels: { ...cluster.podLabels } } : {}),
      platform: { type: 'Agent', agent: { agentNamespace: cluster.hostNamespace } },
      services: servicePublishing(cluster),
      ...(cluster.kubeAPIServerDNSName ? { kubeAPIServerDNSName: cluster.kubeAPIServerDNSName } : {}),
      ...(cluster.nodeSelector ? { nodeSelector: { ...cluster.nodeSelector } } : {}),
      ...(cluster.tolerations.length > 0 ? { tolerations: cluster.tolerations.map((one) => ({ ...one })) } : {}),
      // A cluster stored without the key would accept true later, which nobody can want.
      fips: cluster.fips,
    },
  };
}

/** What OVN-Kubernetes uses itself; can never be changed. */
function ovnConfig({ network: { ovn } }: HostedCluster): Record<string, unknown> {
  const family = (of: { readonly join?: string | undefined; readonly transit?: string | undefined } | undefined) =>
    withoutEmpty({ internalJoinSubnet: of?.join, internalTransitSwitchSubnet: of?.transit });
  return withoutEmpty({ mtu: ovn?.mtu, ipv4: family(ovn?.ipv4), ipv6: family(ovn?.ipv6) });
}

/** Without fields that are undefined, or lists or objects of nothing, which the API server refuses. */
function withoutEmpty(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).filter(
      ([, value]) => value !== undefined && (typeof value !== 'object' || Object.keys(value ?? {}).length > 0),
    ),
  );
}

/** Architectures of the cluster and its pools, each once. */
export function architecturesOf(cluster: HostedCluster): string[] {
  return [...new Set([cluster.architecture, ...cluster.nodePools.map((pool) => pool.architecture)])];
}

/**
 * The mirror rules by digest of every group, merged by source: they become the hosted cluster's own mirror set, so they have to hold the two
 * release repositories and whatever operators pull there.
 */
export function imageContentSources(
  resources: ClusterResources,
): { readonly source: string; readonly mirrors: readonly string[] }[] {
  const merged = new Map<string, Set<string>>();
  for (const { source, mirrors } of resources.mappings.filter(
    (rule) => rule.pull === 'digest' && rule.category !== 'catalog',
  )) {
    const known = merged.get(source) ?? new Set();
    for (const mirror of mirrors) known.add(mirror);
    merged.set(source, known);
  }
  return [...merged.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([source, mirrors]) => ({ source, mirrors: [...mirrors] }));
}

/** Immutable once stored, its order included: sorted by nothing but this list. OIDC has no use on bare metal. */
function servicePublishing(cluster: HostedCluster): unknown[] {
  const api = `api.${cluster.domain}`;
  const nodePort = (service: string): unknown => ({
    service,
    servicePublishingStrategy: { type: 'NodePort', nodePort: { address: api } },
  });
  const route = (service: string, hostname: string | undefined): unknown => ({
    service,
    servicePublishingStrategy: { type: 'Route', ...(hostname ? { route: { hostname } } : {}) },
  });
  if (cluster.publishing === 'NodePort') return ['APIServer', 'OAuthServer', 'Konnectivity', 'Ignition'].map(nodePort);
  return [
    { service: 'APIServer', servicePublishingStrategy: { type: 'LoadBalancer', loadBalancer: { hostname: api } } },
    route('OAuthServer', cluster.routeHosts?.oauth),
    route('Konnectivity', cluster.routeHosts?.konnectivity),
    route('Ignition', cluster.routeHosts?.ignition),
  ];
}

function hostedAnnotations({ cluster, content }: HostedClusterInput): Record<string, string> {
  const prefix = 'hypershift.openshift.io';
  const annotations: Record<string, string> = {};
  if (ruleApplies('control-plane-operator-annotation', cluster.release)) {
    const release = getRelease(content, cluster.release, architecturesOf(cluster));
    annotations[`${prefix}/control-plane-operator-image`] = componentImage(release, 'hypershift', content);
  }
  const override = cluster.olmCatalogPlacement === 'management' ? catalogOverride(content) : undefined;
  if (override) annotations[`${prefix}/olm-catalogs-is-registry-overrides`] = override;
  return { ...annotations, ...cluster.annotations };
}

/** ImageStreams of the management cluster do not follow its mirror sets; the override names the mirror of Red Hat's catalogs. */
function catalogOverride(content: MirroredContent): string | undefined {
  const kept = content.catalogs.some(
    (catalog) => catalog.origin.startsWith('registry.redhat.io/redhat/') && catalog.repository.startsWith('redhat/'),
  );
  return kept ? `registry.redhat.io/redhat=${targetReference('redhat', content.target)}` : undefined;
}

function hostedConfiguration(input: HostedClusterInput): Record<string, unknown> {
  const { site, cluster, content } = input;
  const configuration: Record<string, unknown> = {};
  // With placement `management` the field would also take away the catalogs that the annotation brings.
  if (cluster.olmCatalogPlacement === 'guest' || catalogOverride(content) === undefined)
    configuration['operatorhub'] = { disableAllDefaultSources: true };
  const proxy = hostedProxy(site, cluster);
  if (proxy) configuration['proxy'] = proxySpec(site, proxy, undefined);
  if (cluster.network.nodePortRange !== '30000-32767')
    configuration['network'] = { serviceNodePortRange: cluster.network.nodePortRange };
  if (cluster.featureSet) configuration['featureGate'] = { featureSet: cluster.featureSet };
  const image = imagePolicyFields(content.target.registry, cluster.images);
  if (Object.keys(image).length > 0) configuration['image'] = image;
  return configuration;
}
