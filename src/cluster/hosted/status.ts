import type { Run } from '../../core/run.ts';
import type { ClusterClient } from '../client.ts';
import { fieldAt, findCondition } from '../fields.ts';
import type { ClusterObject } from '../types.ts';
import { getHosted, type HostedName, listPools, numberAt, textAt } from './objects.ts';

/** The state of a hosted cluster, for people and `-o json`. */
export interface HostedStatus {
  readonly name: string;
  readonly namespace: string;
  readonly version: string | undefined;
  /** State of the newest entry of the version history, such as `Completed` or `Partial`. */
  readonly rollout: string | undefined;
  readonly paused: boolean;
  /** Conditions that are not as they should be, the first cause first. */
  readonly problems: readonly { readonly condition: string; readonly status: string; readonly message: string }[];
  readonly nodePools: readonly NodePoolStatus[];
}

export interface NodePoolStatus {
  readonly name: string;
  readonly version: string | undefined;
  readonly wanted: number | undefined;
  readonly ready: number;
  readonly updating: boolean;
  readonly problems: HostedStatus['problems'];
}

// In the order in which they turn green: later ones are consequences of the first that is not.
const goodConditions: readonly (readonly [string, string])[] = [
  ['ValidConfiguration', 'True'],
  ['SupportedHostedCluster', 'True'],
  ['ValidReleaseImage', 'True'],
  ['ReconciliationActive', 'True'],
  ['ReconciliationSucceeded', 'True'],
  ['InfrastructureReady', 'True'],
  ['ValidProxyConfiguration', 'True'],
  ['EtcdAvailable', 'True'],
  ['EtcdRecoveryActive', 'False'],
  ['ValidHostedControlPlaneConfiguration', 'True'],
  ['KubeAPIServerAvailable', 'True'],
  ['IgnitionEndpointAvailable', 'True'],
  ['IgnitionServerValidReleaseInfo', 'True'],
  ['Available', 'True'],
  ['Degraded', 'False'],
  ['DataPlaneConnectionAvailable', 'True'],
  ['ControlPlaneConnectionAvailable', 'True'],
  ['EtcdDataEncryptionUpToDate', 'True'],
  ['ClusterVersionReleaseAccepted', 'True'],
  ['ClusterVersionSucceeding', 'True'],
  ['ClusterVersionFailing', 'False'],
];
const goodPoolConditions: readonly (readonly [string, string])[] = [
  ['ValidReleaseImage', 'True'],
  ['ValidMachineConfig', 'True'],
  ['ValidGeneratedPayload', 'True'],
  ['SupportedVersionSkew', 'True'],
  ['ReconciliationActive', 'True'],
  ['AllMachinesReady', 'True'],
  ['AllNodesHealthy', 'True'],
];

/** @throws AirlockError HOSTED_UNKNOWN, CLUSTER_* */
export async function hostedStatus(hosted: HostedName, client: ClusterClient, run: Run): Promise<HostedStatus> {
  const cluster = await getHosted(hosted, client, run);
  const pools = await listPools(hosted, client, run);
  return {
    ...hosted,
    version: textAt(cluster, 'status.version.history.0.version'),
    rollout: textAt(cluster, 'status.version.history.0.state'),
    paused: isPaused(cluster),
    problems: problemsOf(cluster, goodConditions),
    nodePools: pools.map((pool) => ({
      name: pool.metadata.name,
      version: textAt(pool, 'status.version'),
      wanted: numberAt(pool, 'spec.replicas'),
      ready: numberAt(pool, 'status.replicas') ?? 0,
      updating: ['UpdatingVersion', 'UpdatingConfig'].some((type) => findCondition(pool, type)?.status === 'True'),
      problems: problemsOf(pool, goodPoolConditions),
    })),
  };
}

/** The first condition of a HostedCluster that is not as it should be: others are its consequences. */
export function firstProblem(cluster: ClusterObject | undefined): HostedStatus['problems'][number] | undefined {
  return cluster && problemsOf(cluster, goodConditions)[0];
}

function problemsOf(object: ClusterObject, wanted: readonly (readonly [string, string])[]): HostedStatus['problems'] {
  return wanted.flatMap(([type, status]) => {
    const found = findCondition(object, type);
    // A condition that is not there yet is not known, which is no fault; nor is a connection before there is a node to connect to.
    const unknown = found === undefined || (found.status === 'Unknown' && type.endsWith('ConnectionAvailable'));
    return unknown || found.status === status
      ? []
      : [{ condition: type, status: found.status, message: found.message }];
  });
}

function isPaused(cluster: ClusterObject): boolean {
  const until = fieldAt(cluster, 'spec.pausedUntil');
  return typeof until === 'string' && until.toLowerCase() !== 'false';
}
