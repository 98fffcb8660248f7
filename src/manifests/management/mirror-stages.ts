import type { ImagePolicy } from '../../config/index.ts';
import {
  type AgentServiceOptions,
  agentServiceConfig,
  engineNamespace,
  mirrorRegistryConfig,
  overrideConfig,
} from '../assisted-service.ts';
import type { ClusterResources } from '../cluster-resources.ts';
import type { DockerConfig } from '../pull-secret.ts';
import { imageConfig, registryConfig } from '../registry-trust.ts';
import type { Resource } from '../resource.ts';
import type { ManifestStage } from '../stages.ts';
import { ruleApplies } from '../version-rules.ts';

const minute = 60;

/** The catalogs that OLM v1 comes with, as far as the version of a cluster has them. */
const defaultClusterCatalogs = ['certified-operators', 'community-operators', 'redhat-marketplace', 'redhat-operators'];

/**
 * `OperatorHub/cluster` without the catalogs that lie on the internet, and those of OLM v1 out of use: their operator makes them anew when they
 * are deleted. Where the `version` of the management cluster is not known, apply finds out whether it has OLM v1.
 */
export function defaultCatalogsStage(version: string | undefined): ManifestStage {
  const second = version === undefined || ruleApplies('cluster-catalog', version);
  return {
    name: 'default-catalogs',
    title: 'Switch off the default catalogs',
    cluster: 'management',
    files: [
      {
        name: 'operatorhub.yaml',
        mode: 'patch',
        why: 'the default catalogs pull from the internet and never become ready',
        resources: [
          {
            apiVersion: 'config.openshift.io/v1',
            kind: 'OperatorHub',
            metadata: { name: 'cluster' },
            spec: { disableAllDefaultSources: true },
          },
        ],
      },
    ],
    patches: (second ? defaultClusterCatalogs : []).map((name) => ({
      apiVersion: 'olm.operatorframework.io/v1',
      kind: 'ClusterCatalog',
      metadata: { name: `openshift-${name}` },
      spec: { availabilityMode: 'Unavailable' },
    })),
    gates: [{ kind: 'defaultCatalogsGone' }],
    timeoutSeconds: 2 * minute,
  };
}

/** Trust in the registry's CA, before anything is pulled through the mirror. */
export function registryTrustStage(registry: string, caPem: string, policy?: ImagePolicy): ManifestStage {
  return {
    name: 'registry-trust',
    title: 'Trust the CA of the registry',
    cluster: 'management',
    files: [
      {
        name: '1-registry-config.yaml',
        mode: 'merge',
        why: 'the CA of the registry, for nodes, image imports, the HyperShift operator and the update service',
        resources: [registryConfig(registry, caPem)],
      },
      {
        name: '2-image-config.yaml',
        mode: 'patch',
        why: 'makes the cluster read the ConfigMap; other fields of the object stay',
        resources: [imageConfig(registry, policy)],
      },
    ],
    gates: [{ kind: 'machineConfigPools' }, { kind: 'nodesReady' }],
    timeoutSeconds: 30 * minute,
  };
}

/** The global pull secret with the credentials of the registry in it. */
export function pullSecretStage(config: DockerConfig): ManifestStage {
  return {
    name: 'pull-secret',
    title: 'Add the credentials of the registry',
    cluster: 'management',
    files: [
      {
        name: 'pull-secret.yaml',
        mode: 'merge',
        why: 'nodes log in to the registry; merge it, since replacing it would drop the credentials that are there',
        resources: [pullSecret('pull-secret', 'openshift-config', config)],
      },
    ],
    gates: [{ kind: 'machineConfigPools' }, { kind: 'nodesReady' }],
    timeoutSeconds: 30 * minute,
  };
}

/** A pull secret of the type that the API server checks. */
export function pullSecret(
  name: string,
  namespace: string,
  config: DockerConfig,
  labels?: Readonly<Record<string, string>>,
): Resource {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace, ...(labels ? { labels } : {}) },
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': Buffer.from(JSON.stringify(config)).toString('base64') },
  };
}

/** The mirror sets of every generation that the registry holds. */
export function mirrorSetsStage(resources: ClusterResources): ManifestStage {
  return {
    name: 'mirror-sets',
    title: 'Send pulls to the mirror',
    cluster: 'management',
    files: [
      {
        name: 'idms-oc-mirror.yaml',
        resources: resources.digestMirrorSets,
        why: 'pulls by digest find the mirror',
      },
      {
        name: 'itms-oc-mirror.yaml',
        resources: resources.tagMirrorSets,
        why: 'pulls by tag find the mirror; nodes drain',
      },
    ].filter((file) => file.resources.length > 0),
    gates: [{ kind: 'machineConfigPools' }, { kind: 'nodesReady' }],
    timeoutSeconds: 60 * minute,
  };
}

/** Signatures by which the cluster version operator accepts mirrored releases. */
export function signaturesStage(resources: ClusterResources): ManifestStage {
  return {
    name: 'release-signatures',
    title: 'Bring the signatures of mirrored releases',
    cluster: 'management',
    files: resources.signatures
      ? [
          {
            name: 'signature-configmap.yaml',
            resources: [resources.signatures],
            why: 'the management cluster accepts an update only with its signature',
          },
        ]
      : [],
    gates: [],
    timeoutSeconds: minute,
  };
}

/** Mirrored operator catalogs, for both generations of OLM. `version` is that of the management cluster, where it is known. */
export function catalogsStage(resources: ClusterResources, version: string | undefined): ManifestStage {
  const file = (resource: Resource, why: string) => ({
    name: `${resource.metadata.name}.yaml`,
    resources: [resource],
    why,
  });
  const second = version === undefined || ruleApplies('cluster-catalog', version) ? resources.clusterCatalogs : [];
  return {
    name: 'catalogs',
    title: 'Serve the mirrored operator catalogs',
    cluster: 'management',
    files: [
      ...resources.catalogSources.map((resource) => file(resource, 'operators are installed from it')),
      ...second.map((resource) => ({
        ...file(resource, 'the same for OLM v1, where the cluster has it (4.18 and newer)'),
        mode: 'optional' as const,
      })),
    ],
    gates: resources.catalogSources.map(({ metadata }) => ({
      kind: 'catalogReady' as const,
      namespace: metadata.namespace ?? '',
      name: metadata.name,
    })),
    timeoutSeconds: 10 * minute,
  };
}

/** The assisted service with its mirror rules and live images. */
export function assistedServiceStage(
  resources: ClusterResources,
  caPem: string,
  options: AgentServiceOptions & { readonly environment?: Readonly<Record<string, string>> },
): ManifestStage {
  const { environment = {}, ...rest } = options;
  const overrides = Object.keys(environment).length > 0;
  return {
    name: 'assisted-service',
    title: 'Run the assisted service',
    cluster: 'management',
    files: [
      {
        name: '1-mirror-registry.yaml',
        resources: [mirrorRegistryConfig(resources.mappings, caPem)],
        why: 'discovery images pull through the mirror and trust its CA',
      },
      ...(overrides
        ? [
            {
              name: '2-overrides.yaml',
              resources: [overrideConfig(environment)],
              why: 'variables of the assisted service; its AgentServiceConfig waits for this map',
            },
          ]
        : []),
      {
        name: '3-agentserviceconfig.yaml',
        resources: [agentServiceConfig({ ...rest, overrides })],
        why: 'discovery images are made from the live images on the web server',
      },
    ],
    gates: [
      {
        kind: 'conditions',
        object: { apiVersion: 'agent-install.openshift.io/v1beta1', kind: 'AgentServiceConfig', name: 'agent' },
        wanted: { ReconcileCompleted: 'True', DeploymentsHealthy: 'True' },
      },
      {
        kind: 'field',
        object: {
          apiVersion: 'apps/v1',
          kind: 'StatefulSet',
          name: 'assisted-image-service',
          namespace: engineNamespace,
        },
        path: 'status.readyReplicas',
        value: '1',
      },
    ],
    timeoutSeconds: 15 * minute,
  };
}
