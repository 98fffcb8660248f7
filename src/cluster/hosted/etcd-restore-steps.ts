import path from 'node:path';
import { AirlockError } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import { quoteWord } from '../../core/shell-word.ts';
import type { ClusterClient } from '../client.ts';
import { findCondition } from '../fields.ts';
import type { PodContainer, PodShell } from '../pod-shell.ts';
import type { ClusterObject, ObjectRef } from '../types.ts';
import { backupFiles, chunkMiB, type EtcdBackupRecord, type HostedStep } from './etcd-backup.ts';
import { etcdCommands } from './etcd-commands.ts';
import { type HostedName, numberAt, textAt } from './objects.ts';
import { controlPlaneNamespace, type StoppedWriters } from './quiesce.ts';
import { type StepWait, waitFor } from './wait.ts';

/** A restore of the members of a cluster that is there. */
export interface InPlaceRestore {
  readonly hosted: HostedName;
  /** Of the backup. */
  readonly folder: string;
  readonly backup: EtcdBackupRecord;
  /** What runs, or ran before a restore that did not come to its end; `etcd` is there. */
  readonly before: StoppedWriters & Required<Pick<StoppedWriters, 'etcd'>>;
}

/** What the steps work with. */
export interface RestoreTools {
  readonly client: ClusterClient;
  readonly shell: PodShell;
  readonly wait: StepWait;
}

/** A step and what carries it out; without, an earlier one did so. */
export interface InPlaceStep extends HostedStep {
  readonly act?: (tools: RestoreTools, run: Run) => Promise<void>;
}

const snapshotFile = '/var/lib/snapshot.db';
/** Where etcd has its data. */
export const dataFolder = '/var/lib/data';
const helperName = 'etcd-restore';

/** From etcd that is stopped to etcd that runs with the data of the snapshot, with the command of each step. */
export function etcdSteps({ hosted, folder, backup, before }: InPlaceRestore, space: string): InPlaceStep[] {
  const { members, image, kept } = before.etcd;
  const numbers = Array.from({ length: members }, (_, index) => index);
  const set = etcdSet(hosted);
  const helper: PodContainer = { namespace: space, pod: helperName, container: helperName };
  const helperRef: ObjectRef = { apiVersion: 'v1', kind: 'Pod', name: helperName, namespace: space };
  const volume = (index: number): ObjectRef => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    name: `data-etcd-${index}`,
    namespace: space,
  });
  const pod = (index: number): ObjectRef => ({
    apiVersion: 'v1',
    kind: 'Pod',
    name: `etcd-${index}`,
    namespace: space,
  });
  const inside = (command: readonly string[]): Pick<InPlaceStep, 'command' | 'act'> => ({
    command: `oc exec -n ${space} ${helperName} -- ${command.map(quoteWord).join(' ')}`,
    act: ({ shell }, run) => shell.exec(helper, command, {}, run),
  });
  const local = path.join(folder, backupFiles.snapshot);
  return [
    {
      title: 'stop etcd',
      command: `oc scale statefulset -n ${space} etcd --replicas=0`,
      act: async ({ client, wait }, run) => {
        await client.mergePatch(set, { spec: { replicas: 0 } }, run);
        for (const index of numbers) await waitUntilGone(pod(index), client, wait, run);
      },
    },
    ...numbers.slice(1).map((index) => ({
      title: `drop the volume of etcd-${index}: it joins empty`,
      command: `oc delete pvc -n ${space} data-etcd-${index}`,
      act: async ({ client, wait }: RestoreTools, run: Run) => {
        await client.remove(volume(index), run);
        await waitUntilGone(volume(index), client, wait, run);
      },
    })),
    {
      title: 'start a helper on the volume of etcd-0',
      command: `oc apply -f - <<'EOF'\n${JSON.stringify(helperPod(space, image))}\nEOF`,
      act: async ({ client }, run) => {
        await client.apply(helperPod(space, image), { dryRun: false, force: true }, run);
      },
    },
    {
      title: 'wait for it',
      command: `oc wait -n ${space} pod/${helperName} --for=condition=Ready --timeout=300s`,
      act: ({ client, wait }, run) =>
        waitFor(
          `pod ${helperName}`,
          async () => {
            const found = await client.find(helperRef, run);
            return findCondition(found, 'Ready')?.status === 'True'
              ? undefined
              : (textAt(found, 'status.phase') ?? 'not there');
          },
          wait,
          run,
        ),
    },
    {
      title: 'put the snapshot in',
      command: `oc exec -i -n ${space} ${helperName} -- sh -c 'cat > ${snapshotFile}' < ${quoteWord(local)}`,
      act: ({ shell }, run) => copyIn(local, helper, shell, run),
    },
    {
      title: `compare it: ${backup.snapshot.sha256}`,
      command: `oc exec -n ${space} ${helperName} -- sha256sum ${snapshotFile}`,
      act: ({ shell }, run) => compare(backup, helper, shell, run),
    },
    {
      title: 'move the old data away, kept until all is well',
      // What lies there once the old data is moved was begun by a restore that was cut off.
      ...inside(['sh', '-c', `if [ -e ${kept} ]; then rm -rf ${dataFolder}; else mv ${dataFolder} ${kept}; fi`]),
    },
    { title: 'restore', ...inside(restoreCommand(backup, members, space)) },
    { title: 'remove the snapshot', ...inside(['rm', '-f', snapshotFile]) },
    {
      title: 'remove the helper',
      command: `oc delete pod -n ${space} ${helperName}`,
      act: async ({ client, wait }, run) => {
        await client.remove(helperRef, run);
        await waitUntilGone(helperRef, client, wait, run);
      },
    },
    {
      title: 'start etcd',
      command: `oc scale statefulset -n ${space} etcd --replicas=${members}`,
      act: async ({ client }, run) => {
        await client.mergePatch(set, { spec: { replicas: members } }, run);
      },
    },
    {
      title: 'wait for etcd',
      command: `oc rollout status -n ${space} statefulset/etcd`,
      act: ({ client, wait }, run) =>
        waitFor(
          'etcd',
          async () => {
            const ready = numberAt(await client.find(set, run), 'status.readyReplicas') ?? 0;
            return ready >= members ? undefined : `${ready} of ${members} members are ready`;
          },
          wait,
          run,
        ),
    },
  ];
}

function restoreCommand(backup: EtcdBackupRecord, members: number, space: string): string[] {
  const peer = (index: number): string => `https://etcd-${index}.etcd-discovery.${space}.svc:2380`;
  const initial = Array.from({ length: members }, (_, index) => `etcd-${index}=${peer(index)}`).join(',');
  return [
    'env',
    'ETCDCTL_API=3',
    etcdCommands(backup.version).restoreTool,
    'snapshot',
    'restore',
    snapshotFile,
    `--data-dir=${dataFolder}`,
    '--name=etcd-0',
    '--initial-cluster-token=etcd-cluster',
    `--initial-cluster=${initial}`,
    `--initial-advertise-peer-urls=${peer(0)}`,
  ];
}

/** Range by range: a lost connection costs no more than one, and memory stays small. */
async function copyIn(file: string, where: PodContainer, shell: PodShell, run: Run): Promise<void> {
  const opened = await run.disk.open(file, 'read');
  try {
    const buffer = Buffer.alloc(chunkMiB * 1048576);
    for (let index = 0, doneBytes = 0; ; index += 1) {
      const count = await opened.read(buffer, index * buffer.length);
      if (count === 0 && index > 0) return;
      const write = `dd of=${snapshotFile} bs=1048576 seek=${index * chunkMiB} iflag=fullblock status=none`;
      const command = ['sh', '-c', `head -c ${count} | ${write}${index > 0 ? ' conv=notrunc' : ''}`];
      await shell.exec(where, command, { input: buffer.subarray(0, count) }, run);
      doneBytes += count;
      run.report({ stage: 'apply', subject: 'etcd snapshot', state: 'active', doneBytes });
      if (count < buffer.length) return;
    }
  } finally {
    await opened.close();
  }
}

async function compare(backup: EtcdBackupRecord, where: PodContainer, shell: PodShell, run: Run): Promise<void> {
  let said = '';
  const onData = (chunk: Buffer): void => {
    said += chunk.toString();
  };
  await shell.exec(where, ['sha256sum', snapshotFile], { onData }, run);
  if (said.split(/\s/)[0] !== backup.snapshot.sha256)
    throw new AirlockError('ETCD_BACKUP_DAMAGED', 'the snapshot in the pod differs from the backup', {
      hint: 'run the same command again: it copies the snapshot once more',
    });
}

async function waitUntilGone(ref: ObjectRef, client: ClusterClient, wait: StepWait, run: Run): Promise<void> {
  await waitFor(
    `${ref.kind} ${ref.name}`,
    async () => ((await client.find(ref, run)) ? 'still there' : undefined),
    wait,
    run,
  );
}

/** The StatefulSet of etcd. */
export function etcdSet(hosted: HostedName): ObjectRef {
  return { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'etcd', namespace: controlPlaneNamespace(hosted) };
}

function helperPod(namespace: string, image: string): ClusterObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: helperName, namespace },
    spec: {
      restartPolicy: 'Never',
      containers: [
        {
          name: helperName,
          image,
          command: ['sleep', '86400'],
          volumeMounts: [{ name: 'data', mountPath: '/var/lib' }],
        },
      ],
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-etcd-0' } }],
    },
  };
}
