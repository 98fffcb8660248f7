import type { Gate, ObjectRef } from '../../cluster/index.ts';
import type { HostedCluster } from '../../config/index.ts';
import type { ManifestStage } from '../stages.ts';
import { type HostedClusterInput, hostedCluster } from './hosted-cluster.ts';
import { bareMetalHost, hostName, infraEnv, nmStateConfig } from './hosts.ts';
import { type NodePoolInput, nodePool, poolConfigMaps, poolName, poolTunedMaps } from './node-pools.ts';
import { hostedNames, hostedPrepareStage, type PrepareInput } from './prepare-stage.ts';

const minute = 60;

/** What the stages of a hosted cluster on the management cluster are made from. */
export type HostedInput = PrepareInput & Omit<HostedClusterInput, 'names'>;

/**
 * A hosted cluster in the order of its dependencies: what it refers to, control plane, empty node pools, discovery images, hosts, and last the
 * scaled pools.
 * @throws AirlockError SITE_CONTENT_MISSING, SITE_SECRET_MISSING, SITE_TEXT_MISSING, NMSTATE_INVALID, BMC_CREDENTIALS_INVALID
 */
export function hostedStages(input: HostedInput): ManifestStage[] {
  const { cluster } = input;
  const names = hostedNames(cluster, input.caPem);
  const pools: NodePoolInput = { ...input, ntp: input.site.ntp };
  const control: ObjectRef = {
    apiVersion: 'hypershift.openshift.io/v1beta1',
    kind: 'HostedCluster',
    name: cluster.name,
    namespace: cluster.namespace,
  };
  return [
    hostedPrepareStage(input),
    {
      name: `${cluster.name}-control-plane`,
      title: `Start the control plane of ${cluster.name}`,
      cluster: 'management',
      files: [
        {
          name: 'hostedcluster.yaml',
          resources: [hostedCluster({ ...input, names })],
          why: 'the hosted cluster; most of its fields can never change',
        },
      ],
      gates: [
        { kind: 'conditions', object: control, wanted: { Available: 'True', IgnitionEndpointAvailable: 'True' } },
        { kind: 'releaseRolledOut', object: control },
      ],
      // Half an hour to start; an update takes longer.
      timeoutSeconds: 60 * minute,
    },
    nodePoolStage(cluster, pools),
    infraStage(input, names.infraPullSecret),
    hostsStage(input, names.infraPullSecret),
    scaleStage(cluster, pools),
  ];
}

function poolGate(cluster: HostedCluster, name: string, wanted: Readonly<Record<string, 'True' | 'False'>>): Gate {
  const object = {
    apiVersion: 'hypershift.openshift.io/v1beta1',
    kind: 'NodePool',
    name,
    namespace: cluster.namespace,
  };
  return { kind: 'conditions', object, wanted };
}

function nodePoolStage(cluster: HostedCluster, input: NodePoolInput): ManifestStage {
  const maps = cluster.nodePools.flatMap((pool) => [...poolConfigMaps(pool, input), ...poolTunedMaps(pool, input)]);
  return {
    name: `${cluster.name}-node-pools`,
    title: `Make the node pools of ${cluster.name}, still empty`,
    cluster: 'management',
    files: [
      ...(maps.length > 0
        ? [{ name: 'node-config.yaml', resources: maps, why: 'configuration of the nodes; a change rolls the pool' }]
        : []),
      {
        name: 'nodepools.yaml',
        mode: 'create' as const,
        why: 'no hosts yet, so that mistakes show before any host is wiped; only made when missing, since it would scale to 0',
        resources: cluster.nodePools.map((pool) => nodePool(pool, false, input)),
      },
    ].filter((file) => file.resources.length > 0),
    gates: cluster.nodePools.map((pool) =>
      poolGate(cluster, poolName(cluster, pool), { ValidReleaseImage: 'True', ValidGeneratedPayload: 'True' }),
    ),
    timeoutSeconds: 10 * minute,
  };
}

function infraStage(input: HostedInput, infraPullSecret: string): ManifestStage {
  const { cluster } = input;
  const hosts = { ...input, infraPullSecret };
  const states = cluster.nodePools.flatMap((pool) =>
    pool.hosts.map((host) => nmStateConfig(host, pool, hosts)).filter((one) => one !== undefined),
  );
  const envs = cluster.nodePools.filter((pool) => pool.hosts.length > 0);
  return {
    name: `${cluster.name}-infra`,
    title: `Make discovery images for ${cluster.name}`,
    cluster: 'management',
    files: [
      ...(states.length > 0
        ? [
            {
              // Sorts before the InfraEnv: the image is made at once, and holds only what is there then.
              name: '1-nmstateconfigs.yaml',
              resources: states,
              why: 'static addresses; they have to be there before the InfraEnv',
            },
          ]
        : []),
      {
        name: '2-infraenvs.yaml',
        resources: envs.map((pool) => infraEnv(pool, hosts)),
        why: 'the image that hosts boot to report themselves',
      },
    ].filter((file) => file.resources.length > 0),
    gates: envs.map((pool) => ({
      kind: 'conditions' as const,
      object: {
        apiVersion: 'agent-install.openshift.io/v1beta1',
        kind: 'InfraEnv',
        name: poolName(cluster, pool),
        namespace: cluster.hostNamespace,
      },
      wanted: { ImageCreated: 'True' as const },
    })),
    timeoutSeconds: 10 * minute,
  };
}

function hostsStage(input: HostedInput, infraPullSecret: string): ManifestStage {
  const { cluster } = input;
  const hosts = cluster.nodePools.flatMap((pool) => pool.hosts.map((host) => ({ pool, host })));
  return {
    name: `${cluster.name}-hosts`,
    title: `Boot the hosts of ${cluster.name}`,
    cluster: 'management',
    files: hosts.map(({ pool, host }) => ({
      name: `${host.name}.yaml`,
      resources: bareMetalHost(host, pool, { ...input, infraPullSecret }),
      why: 'credentials and address of its BMC; it is booted from the discovery image',
    })),
    gates: [
      ...hosts.map(({ host }) => ({
        kind: 'field' as const,
        object: {
          apiVersion: 'metal3.io/v1alpha1',
          kind: 'BareMetalHost',
          name: hostName(host, cluster),
          namespace: cluster.hostNamespace,
        },
        path: 'status.provisioning.state',
        value: 'provisioned',
      })),
      {
        kind: 'agentsReady',
        namespace: cluster.hostNamespace,
        count: hosts.length,
        labels: { 'hosted-cluster': cluster.name },
      },
    ],
    timeoutSeconds: 30 * minute,
  };
}

function scaleStage(cluster: HostedCluster, input: NodePoolInput): ManifestStage {
  const replicas = cluster.nodePools.reduce((sum, pool) => sum + (pool.replicas ?? pool.autoScaling?.min ?? 0), 0);
  return {
    name: `${cluster.name}-scale`,
    title: `Install the hosts of ${cluster.name}`,
    cluster: 'management',
    files:
      cluster.nodePools.length === 0
        ? []
        : [
            {
              name: 'nodepools.yaml',
              resources: cluster.nodePools.map((pool) => nodePool(pool, true, input)),
              why: 'the pools take their hosts, which are installed and join',
            },
          ],
    gates: [
      {
        kind: 'agentsBound',
        namespace: cluster.hostNamespace,
        count: replicas,
        labels: { 'hosted-cluster': cluster.name },
      },
      ...cluster.nodePools.map((pool) =>
        poolGate(cluster, poolName(cluster, pool), { AllMachinesReady: 'True', AllNodesHealthy: 'True' }),
      ),
    ],
    timeoutSeconds: 60 * minute,
  };
}

/** The last stage of a hosted cluster: without it nobody would know whether its operators came up. Nothing without hosts, which they run on. */
export function completeStage(cluster: HostedCluster): ManifestStage[] {
  const hosts = cluster.nodePools.flatMap((pool) => pool.hosts);
  if (hosts.length === 0) return [];
  return [
    {
      name: `${cluster.name}-complete`,
      title: `Wait until ${cluster.name} is whole`,
      cluster: 'management',
      files: [],
      waitsOnly: true,
      gates: [
        {
          kind: 'field',
          object: {
            apiVersion: 'hypershift.openshift.io/v1beta1',
            kind: 'HostedCluster',
            name: cluster.name,
            namespace: cluster.namespace,
          },
          path: 'status.version.history.0.state',
          value: 'Completed',
        },
      ],
      timeoutSeconds: 60 * minute,
    },
  ];
}
