/** Fields to set, by dotted path; `undefined` takes a field away. */
export type Change = readonly (readonly [path: string, value: unknown])[];

/** One way to spoil an object of a kind that is emitted: fields to set; `undefined` takes a field away. */
export interface Spoiled {
  readonly kind: string;
  readonly what: string;
  readonly change: Change;
}

const nodePort = { type: 'NodePort', nodePort: { address: 'api.tea.lab.example.com' } };
const digest = `sha256:${'1'.repeat(64)}`;
const sources = Array.from({ length: 256 }, (_, index) => ({
  source: `quay.io/a${index}`,
  mirrors: ['m.example.com/a'],
}));

const byKind: Readonly<Record<string, Readonly<Record<string, Change>>>> = {
  HostedCluster: {
    'LoadBalancer beside a nodePort': [
      ['spec.services.0.servicePublishingStrategy', { ...nodePort, type: 'LoadBalancer' }],
    ],
    'NodePort without its block': [['spec.services.0.servicePublishingStrategy', { type: 'NodePort' }]],
    'a Route with a block of another kind': [
      ['spec.services.1.servicePublishingStrategy', { type: 'Route', loadBalancer: {} }],
    ],
    'fewer services than four': [['spec.services', [{ service: 'APIServer', servicePublishingStrategy: nodePort }]]],
    'a service that there is not': [['spec.services.0.service', 'Api']],
    'a node port address in brackets': [
      ['spec.services.0.servicePublishingStrategy.nodePort.address', '[2001:db8::1]'],
    ],
    'a node port address with an underscore': [
      ['spec.services.0.servicePublishingStrategy.nodePort.address', 'api_1.lab.example.com'],
    ],
    'a base domain with two dots': [['spec.dns.baseDomain', 'lab..example.com']],
    'a base domain that ends in one letter': [['spec.dns.baseDomain', 'lab.example.c']],
    'an address in the place of a prefix': [['spec.networking.clusterNetwork.0.cidr', '10.132.0.1']],
    'one prefix for pods and services': [
      ['spec.networking.clusterNetwork.0.cidr', '172.31.0.0/16'],
      ['spec.networking.serviceNetwork.0.cidr', '172.31.0.0/16'],
    ],
    'an unknown network type': [['spec.networking.networkType', 'Flannel']],
    'a snapshot over plain HTTP': [['spec.etcd.managed.storage.restoreSnapshotURL', ['http://minio.example.com/a.db']]],
    'two snapshots': [
      ['spec.etcd.managed.storage.restoreSnapshotURL', ['https://a.example.com/a', 'https://b.example.com/b']],
    ],
    'an empty pausedUntil': [['spec.pausedUntil', '']],
    'a pausedUntil that is no time': [['spec.pausedUntil', 'tomorrow']],
    'a catalog placement in capitals': [['spec.olmCatalogPlacement', 'Guest']],
    'an availability of another kind': [['spec.controllerAvailabilityPolicy', 'High']],
    'an empty release image': [['spec.release.image', '']],
    'a release image at an IPv6 literal': [['spec.release.image', `[2001:db8::1]:5000/r@${digest}`]],
    'a release image with a blank': [['spec.release.image', `r.example.com/r @${digest}`]],
    'more mirrors than it takes': [['spec.imageContentSources', sources]],
    'a mirror twice': [['spec.imageContentSources', [{ source: 'quay.io/a', mirrors: ['m/a', 'm/a'] }]]],
    'a list of trust bundles': [['spec.additionalTrustBundle', [{ name: 'a' }]]],
    'an encryption without a type': [['spec.secretEncryption', { aescbc: { activeKey: { name: 'a' } } }]],
    'a configuration that there is not': [['spec.configuration.console', {}]],
    'a router without its console': [['spec.capabilities', { disabled: ['Ingress'] }]],
    'an update service that is no URL': [['spec.updateService', 'update.example.com']],
    'an empty channel': [['spec.channel', '']],
    'a DNS name of the API with a blank': [['spec.kubeAPIServerDNSName', 'api tea']],
    'a platform that there is not': [['spec.platform.type', 'BareMetal']],
    'no pull secret': [['spec.pullSecret', undefined]],
    'an unknown field': [['spec.imageDigestSources', []]],
  },
  NodePool: {
    'the architecture in words of the stream': [['spec.arch', 'x86_64']],
    's390x on bare metal': [['spec.arch', 's390x']],
    'replicas and autoscaling': [
      ['spec.replicas', 2],
      ['spec.autoScaling', { min: 1, max: 2 }],
    ],
    'autoscaling from none': [
      ['spec.replicas', undefined],
      ['spec.autoScaling', { min: 0, max: 2 }],
    ],
    'autoscaling backwards': [
      ['spec.replicas', undefined],
      ['spec.autoScaling', { min: 3, max: 2 }],
    ],
    'an unknown way to upgrade': [['spec.management.upgradeType', 'Rolling']],
    'inPlace with Replace': [
      ['spec.management.upgradeType', 'Replace'],
      ['spec.management.inPlace', { maxUnavailable: 1 }],
    ],
    'more configuration than it takes': [
      ['spec.config', Array.from({ length: 11 }, (_, index) => ({ name: `c${index}` }))],
    ],
    'a cluster name with a dot': [['spec.clusterName', 'tea.lab']],
    'an unknown effect of a taint': [['spec.taints', [{ key: 'a', effect: 'Never' }]]],
    'Arm without the block of its platform': [
      ['spec.arch', 'arm64'],
      ['spec.platform', { type: 'Agent' }],
    ],
    'an empty release image': [['spec.release.image', '']],
  },
  ImageDigestMirrorSet: {
    'a source with a scheme': [['spec.imageDigestMirrors.0.source', 'https://quay.io/a']],
    'a source with a tag': [['spec.imageDigestMirrors.0.source', 'quay.io/a:latest']],
    'a source with a final slash': [['spec.imageDigestMirrors.0.source', 'quay.io/a/']],
    'a path behind a wildcard': [['spec.imageDigestMirrors.0.source', '*.example.com/a']],
    'a source at an IPv6 literal': [['spec.imageDigestMirrors.0.source', '[2001:db8::1]:5000/a']],
    'a mirror that is a wildcard': [['spec.imageDigestMirrors.0.mirrors', ['*.example.com']]],
    'a mirror with capitals': [['spec.imageDigestMirrors.0.mirrors', ['m.example.com/A']]],
    'a mirror twice': [['spec.imageDigestMirrors.0.mirrors', ['m.example.com/a', 'm.example.com/a']]],
    'an unknown policy': [['spec.imageDigestMirrors.0.mirrorSourcePolicy', 'Never']],
    'a host with an underscore': [['spec.imageDigestMirrors.0.source', 'quay_io/a']],
  },
  ImageTagMirrorSet: {
    'a source with a digest': [['spec.imageTagMirrors.0.source', `quay.io/a@${digest}`]],
    'no source': [['spec.imageTagMirrors.0.source', undefined]],
  },
  Image: {
    'allowed and blocked registries': [
      ['spec.registrySources', { allowedRegistries: ['quay.io'], blockedRegistries: ['docker.io'] }],
    ],
    'an allowed registry with a scheme': [
      ['spec.registrySources', { allowedRegistries: ['https://quay.io', 'quay.io', 'registry.redhat.io'] }],
    ],
    'no registry to search': [['spec.registrySources', { containerRuntimeSearchRegistries: [] }]],
    'a list of trust': [['spec.additionalTrustedCA', [{ name: 'registry-config' }]]],
  },
  ClusterCatalog: {
    'a digest that is polled': [['spec.source.image', { ref: `r.example.com/c@${digest}`, pollIntervalMinutes: 30 }]],
    'a reference without tag': [['spec.source.image.ref', 'r.example.com/c']],
    'a source without image': [['spec.source.image', undefined]],
    'an unknown availability': [['spec.availabilityMode', 'Off']],
  },
  AgentServiceConfig: {
    'a version that is a number': [['spec.osImages.0.openshiftVersion', 4.1]],
    'an image without URL': [['spec.osImages.0.url', undefined]],
    'a namespace beside the mirror map': [['spec.mirrorRegistryRef.namespace', 'multicluster-engine']],
    'no database storage': [['spec.databaseStorage', undefined]],
  },
  InfraEnv: {
    'no pull secret': [['spec.pullSecretRef', undefined]],
    'a kernel argument with a blank': [['spec.kernelArguments', [{ operation: 'append', value: 'a b' }]]],
    'an unknown operation': [['spec.kernelArguments', [{ operation: 'add', value: 'a' }]]],
  },
  NMStateConfig: {
    'no interfaces': [['spec.interfaces', []]],
    'a MAC address with dashes': [['spec.interfaces.0.macAddress', '52-54-00-00-00-01']],
    'a configuration that is text': [['spec.config', 'interfaces: []']],
  },
  BareMetalHost: {
    'an unknown boot mode': [['spec.bootMode', 'uefi']],
    'no word on whether it is online': [['spec.online', undefined]],
    'a BMC without credentials': [['spec.bmc', { address: 'redfish-virtualmedia://192.0.2.1/redfish/v1/Systems/1' }]],
    'no MAC address at all': [['spec.bootMACAddress', 'eno1']],
    'a cleaning mode that there is not': [['spec.automatedCleaningMode', 'none']],
  },
  Provisioning: { 'an unknown network': [['spec.provisioningNetwork', 'Off']] },
  MultiClusterEngine: { 'a component without enabled': [['spec.overrides.components', [{ name: 'hypershift' }]]] },
  Subscription: { 'no source': [['spec.source', undefined]] },
  OperatorHub: { 'a source without name': [['spec.sources', [{ disabled: 'yes' }]]] },
  Network: { 'a range of ports that is one port': [['spec.serviceNodePortRange', '30000']] },
  SriovNetworkNodePolicy: {
    'an unknown driver': [['spec.deviceType', 'uio']],
    'a priority beyond 99': [['spec.priority', 100]],
  },
};

/** Slips that a current API server refuses. */
export const spoiledObjects: readonly Spoiled[] = Object.entries(byKind).flatMap(([kind, slips]) =>
  Object.entries(slips).map(([what, change]) => ({ kind, what, change })),
);

/** The object with the changes. */
export function spoil<T>(object: T, change: Change): T {
  const copy = structuredClone(object);
  for (const [path, value] of change) {
    const steps = path.split('.');
    const last = steps.pop() ?? '';
    let at = copy as Record<string, unknown>;
    for (const step of steps) {
      at[step] ??= {};
      at = at[step] as Record<string, unknown>;
    }
    if (value === undefined) delete at[last];
    else at[last] = value;
  }
  return copy;
}
