import { AirlockError } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import type { ClusterClient } from '../client.ts';
import type { EtcdBackupRecord } from './etcd-backup.ts';
import {
  dataFolder,
  etcdSet,
  etcdSteps,
  type InPlaceRestore,
  type InPlaceStep,
  type RestoreTools,
} from './etcd-restore-steps.ts';
import { type HostedName, numberAt, textAt } from './objects.ts';
import { controlPlaneNamespace, pauseCommand, readWriters, startWriters, stopWriters } from './quiesce.ts';
import type { StepWait } from './wait.ts';

/** Stands in a rehearsal where there is no StatefulSet to read it from. */
const unknownImage = 'THE IMAGE OF ETCD';

/** Looks at what runs now. @throws AirlockError HOSTED_UNKNOWN, CLUSTER_* */
export async function readInPlace(
  hosted: HostedName,
  folder: string,
  backup: EtcdBackupRecord,
  client: ClusterClient,
  run: Run,
): Promise<InPlaceRestore> {
  const writers = await readWriters(hosted, client, run);
  const set = await client.find(etcdSet(hosted), run);
  const etcd = writers.etcd ?? {
    members: numberAt(set, 'spec.replicas') || 3,
    image: textAt(set, 'spec.template.spec.containers.0.image') ?? unknownImage,
    kept: `${dataFolder}.before-${run
      .now()
      .toISOString()
      .replace(/[-:]|\.\d+/g, '')}`,
  };
  return { hosted, folder, backup, before: { ...writers, etcd } };
}

/**
 * Carries a restore out: one member starts from the snapshot, the others join it with empty volumes. The old data of the first stays on its volume. A
 * run that was cut off is continued by starting it again; until then the cluster stays stopped.
 * @throws AirlockError POD_COMMAND_FAILED, ETCD_BACKUP_DAMAGED, GATE_TIMEOUT, HOSTED_REFUSED, CLUSTER_*, CANCELLED
 */
export async function restoreInPlace(
  restore: InPlaceRestore,
  cluster: Pick<RestoreTools, 'client' | 'shell'>,
  wait: StepWait,
  run: Run,
): Promise<void> {
  if (restore.before.etcd.image === unknownImage)
    throw new AirlockError('HOSTED_REFUSED', `${restore.hosted.name} has no StatefulSet etcd to restore`, {
      hint: 'make the cluster anew from the snapshot: --url URL',
    });
  for (const { title, act } of inPlaceSteps(restore)) {
    run.report({ stage: 'apply', subject: title, state: 'started' });
    await act?.({ ...cluster, wait }, run);
    run.report({ stage: 'apply', subject: title, state: 'finished' });
  }
}

/** Every step in order, with the command that does the same by hand. */
export function inPlaceSteps(restore: InPlaceRestore): InPlaceStep[] {
  const { hosted, before } = restore;
  const space = controlPlaneNamespace(hosted);
  const scales = Object.entries(before.replicas);
  const scale = (name: string, count: number): string => `oc scale deployment -n ${space} ${name} --replicas=${count}`;
  return [
    {
      title: 'pause the cluster and its node pools',
      command: pauseCommand(hosted, true),
      act: ({ client }, run) => stopWriters(hosted, before, client, run),
    },
    ...scales.map(([name]) => ({ title: `stop ${name}`, command: scale(name, 0) })),
    ...etcdSteps(restore, space),
    {
      title: scales.length > 0 ? `start ${scales.map(([name]) => name).join(', ')}` : 'go on',
      command: [
        ...scales.map(([name, count]) => scale(name, count)).reverse(),
        ...(before.wasPaused ? [] : [pauseCommand(hosted, false)]),
      ].join(' && '),
      act: ({ client }, run) => startWriters(hosted, before, client, run),
    },
    { title: 'look at it', command: `airlock hosted status ${hosted.name}` },
    {
      title: 'when all is well, make room',
      command: `oc exec -n ${space} etcd-0 -c etcd -- rm -rf ${before.etcd.kept}`,
    },
  ];
}
