import type { Gate } from '../../cluster/index.ts';
import type { ManagementCluster } from '../../config/index.ts';
import { engineNamespace } from '../assisted-service.ts';
import type { ClusterResources, MirroredContent } from '../cluster-resources.ts';
import { hasPackage, type OperatorRequest, operatorGates, operatorResources } from '../operators.ts';
import type { ManifestStage, StageFile } from '../stages.ts';
import { ruleApplies } from '../version-rules.ts';

const minute = 60;

/**
 * The stage that installs an operator, and waits for its CSV. No files when no mirrored catalog has the package: then it has to be there
 * already, and `validateStages` says so.
 * @throws AirlockError SITE_CONTENT_MISSING when the package was mirrored without the channel
 */
export function operatorStage(
  request: OperatorRequest,
  why: string,
  content: MirroredContent,
  cluster: ManifestStage['cluster'] = 'management',
  stageName: string = request.name,
): ManifestStage {
  const mirrored = hasPackage(request.name, content);
  return {
    name: stageName,
    title: `Install ${request.name}`,
    cluster,
    files: mirrored ? [{ name: `${request.name}.yaml`, resources: operatorResources(request, content), why }] : [],
    gates: operatorGates(request),
    timeoutSeconds: 15 * minute,
  };
}

/** multicluster engine: its operator, then the engine with HyperShift and the assisted service switched on. @throws AirlockError SITE_CONTENT_MISSING */
export function engineStages(hub: ManagementCluster, content: MirroredContent): ManifestStage[] {
  const { version, channel, availability } = hub.multiclusterEngine;
  const wanted = channel ?? (version === undefined ? undefined : `stable-${version.split('.').slice(0, 2).join('.')}`);
  const preview = version !== undefined && ruleApplies('hypershift-preview', version);
  const components = [
    preview ? 'hypershift-preview' : 'hypershift',
    ...(preview ? [] : ['hypershift-local-hosting']),
    'assisted-service',
    'local-cluster',
    'cluster-manager',
    'cluster-lifecycle',
    'server-foundation',
    'hive',
    'discovery',
  ];
  const engine: StageFile = {
    name: 'multiclusterengine.yaml',
    why: 'runs the HyperShift operator and the assisted service',
    resources: [
      {
        apiVersion: 'multicluster.openshift.io/v1',
        kind: 'MultiClusterEngine',
        metadata: { name: 'multiclusterengine' },
        spec: {
          availabilityConfig: availability,
          targetNamespace: engineNamespace,
          overrides: { components: components.map((name) => ({ name, enabled: true })) },
        },
      },
    ],
  };
  const available: Gate = {
    kind: 'field',
    object: { apiVersion: 'multicluster.openshift.io/v1', kind: 'MultiClusterEngine', name: 'multiclusterengine' },
    path: 'status.phase',
    value: 'Available',
  };
  return [
    operatorStage(
      {
        name: 'multicluster-engine',
        namespace: engineNamespace,
        ownNamespace: true,
        ...(wanted === undefined ? {} : { channel: wanted }),
      },
      'the operator that brings HyperShift and the assisted service',
      content,
      'management',
      'multicluster-engine-operator',
    ),
    {
      name: 'multicluster-engine',
      title: 'Run multicluster engine',
      cluster: 'management',
      files: [engine],
      gates: [available, { kind: 'exists', object: { apiVersion: 'v1', kind: 'Namespace', name: 'local-cluster' } }],
      timeoutSeconds: 15 * minute,
    },
    hypershiftStage(),
    provisioningStage(),
  ];
}

function hypershiftStage(): ManifestStage {
  return {
    name: 'hypershift',
    title: 'Set up the HyperShift operator for an air gap',
    cluster: 'management',
    files: [
      {
        name: 'install-flags.yaml',
        why: 'without it the operator waits for the telemetry secret of a connected cluster and reconciles nothing',
        resources: [
          {
            apiVersion: 'v1',
            kind: 'ConfigMap',
            metadata: { name: 'hypershift-operator-install-flags', namespace: 'local-cluster' },
            data: { installFlagsToAdd: '', installFlagsToRemove: '--enable-uwm-telemetry-remote-write' },
          },
        ],
      },
    ],
    gates: [
      {
        kind: 'conditions',
        object: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'operator', namespace: 'hypershift' },
        wanted: { Available: 'True' },
      },
    ],
    timeoutSeconds: 15 * minute,
  };
}

function provisioningStage(): ManifestStage {
  return {
    name: 'provisioning',
    title: 'Let Metal3 watch every namespace',
    cluster: 'management',
    files: [
      {
        name: 'provisioning.yaml',
        mode: 'patch',
        why: 'BareMetalHosts outside of openshift-machine-api are ignored otherwise',
        resources: [
          {
            apiVersion: 'metal3.io/v1alpha1',
            kind: 'Provisioning',
            metadata: { name: 'provisioning-configuration' },
            spec: { watchAllNamespaces: true },
          },
        ],
        // Only a cluster that was installed for bare metal has one already; Metal3 wants a provisioning network otherwise.
        whenMissing: { provisioningNetwork: 'Disabled' },
      },
    ],
    gates: [
      {
        kind: 'conditions',
        object: {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          name: 'metal3',
          namespace: 'openshift-machine-api',
        },
        wanted: { Available: 'True' },
      },
    ],
    timeoutSeconds: 10 * minute,
  };
}

/** The update service over mirrored releases; [] without a mirrored graph image. @throws AirlockError SITE_CONTENT_MISSING */
export function updateServiceStages(resources: ClusterResources, content: MirroredContent): ManifestStage[] {
  const { updateService } = resources;
  if (!updateService) return [];
  return [
    operatorStage(
      { name: 'cincinnati-operator', namespace: 'openshift-update-service', channel: 'v1', ownNamespace: true },
      'serves the update graph inside the site',
      content,
    ),
    {
      name: 'update-service',
      title: 'Serve the update graph',
      cluster: 'management',
      files: [
        {
          name: 'updateService.yaml',
          resources: [updateService],
          why: 'clusters ask it for update paths instead of the internet',
        },
      ],
      gates: [
        {
          kind: 'conditions',
          object: {
            apiVersion: updateService.apiVersion,
            kind: updateService.kind,
            name: updateService.metadata.name,
            namespace: updateService.metadata.namespace ?? '',
          },
          wanted: { ReconcileCompleted: 'True' },
        },
      ],
      timeoutSeconds: 10 * minute,
    },
  ];
}
