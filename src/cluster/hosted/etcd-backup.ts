import { createHash } from 'node:crypto';
import path from 'node:path';
import { AirlockError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../core/files.ts';
import { prettyJson } from '../../core/json.ts';
import type { Run } from '../../core/run.ts';
import type { ClusterClient } from '../client.ts';
import { fieldAt } from '../fields.ts';
import type { PodContainer, PodShell } from '../pod-shell.ts';
import { type EtcdCommands, etcdCommands } from './etcd-commands.ts';
import { getHosted, type HostedName, textAt } from './objects.ts';
import {
  controlPlaneNamespace,
  pauseCommand,
  readWriters,
  type StoppedWriters,
  startWriters,
  stopWriters,
} from './quiesce.ts';

/** One step of a plan: what it is for, and the command that does the same by hand. */
export interface HostedStep {
  readonly title: string;
  readonly command: string;
}

/** What a backup does, as planned. */
export interface EtcdBackupPlan {
  readonly hosted: HostedName;
  readonly version: string;
  /** Secret with the key that the data in the snapshot is encrypted with; undefined when it is not encrypted. */
  readonly encryptionKey: string | undefined;
  /** What is stopped meanwhile; undefined when the API stays up. */
  readonly writers: StoppedWriters | undefined;
  readonly steps: readonly HostedStep[];
}

/** `backup.json` beside the snapshot. */
export interface EtcdBackupRecord {
  readonly apiVersion: 'airlock/v1alpha1';
  readonly kind: 'EtcdBackup';
  readonly name: string;
  readonly namespace: string;
  readonly version: string;
  /** RFC 3339. */
  readonly takenAt: string;
  readonly snapshot: {
    readonly file: string;
    readonly sizeBytes: number;
    readonly sha256: string;
    readonly revision: number;
  };
  /** Without this key the snapshot is of no use. `sha256` is over the bytes of the key. */
  readonly encryptionKey: { readonly secret: string; readonly file: string; readonly sha256: string } | undefined;
  /** Whether the API was down while it was taken. */
  readonly quiesced: boolean;
}

/** Names of the files of a backup. */
export const backupFiles = { record: 'backup.json', snapshot: 'snapshot.db', key: 'encryption-key.json' } as const;

/** MiB that are copied out of or into a pod at once: a lost connection costs no more, and memory stays small. */
export const chunkMiB = 16;

/**
 * What a snapshot of a hosted cluster's etcd takes. `online` leaves the API up: the snapshot is consistent in itself, and what is written after it
 * is not part of it.
 * @see reference §24.2
 * @throws AirlockError HOSTED_UNKNOWN, HOSTED_REFUSED, CLUSTER_*
 */
export async function planEtcdBackup(
  hosted: HostedName,
  online: boolean,
  client: ClusterClient,
  run: Run,
): Promise<EtcdBackupPlan> {
  const cluster = await getHosted(hosted, client, run);
  const version = textAt(cluster, 'status.version.history.0.version');
  const pod = { apiVersion: 'v1', kind: 'Pod', name: 'etcd-0', namespace: controlPlaneNamespace(hosted) };
  const phase = textAt(await client.find(pod, run), 'status.phase');
  if (version === undefined || phase !== 'Running')
    throw new AirlockError('HOSTED_REFUSED', `etcd-0 of ${hosted.name} is ${phase ?? 'not there'}`, {
      hint: 'a snapshot is taken from a running member: see airlock hosted status',
    });
  const encryptionKey = textAt(cluster, 'spec.secretEncryption.aescbc.activeKey.name');
  const writers = online ? undefined : await readWriters(hosted, client, run);
  return {
    hosted,
    version,
    encryptionKey,
    writers,
    steps: backupSteps(hosted, etcdCommands(version), encryptionKey, writers),
  };
}

function backupSteps(
  hosted: HostedName,
  commands: EtcdCommands,
  key: string | undefined,
  writers: StoppedWriters | undefined,
): HostedStep[] {
  const space = controlPlaneNamespace(hosted);
  const inside = (command: readonly string[]): string => `oc exec -n ${space} etcd-0 -c etcd -- ${command.join(' ')}`;
  const scales = Object.entries(writers?.replicas ?? {});
  const scale = (name: string, count: number): string => `oc scale deployment -n ${space} ${name} --replicas=${count}`;
  return [
    ...(writers && !writers.wasPaused
      ? [{ title: 'pause the cluster and its node pools', command: pauseCommand(hosted, true) }]
      : []),
    ...scales.map(([name]) => ({ title: `stop ${name}: its API is down from here`, command: scale(name, 0) })),
    { title: 'take the snapshot', command: inside(commands.save) },
    { title: 'read its hash and revision', command: inside(commands.status) },
    { title: 'copy it out and compare its SHA-256', command: `${inside(['cat', commands.file])} > snapshot.db` },
    { title: 'remove it from the volume', command: inside(['rm', '-f', commands.file]) },
    key === undefined
      ? { title: 'no encryption key: the data is not encrypted', command: ':' }
      : {
          title: `save the encryption key ${key}`,
          command: `oc get secret -n ${hosted.namespace} ${key} -o json > ${backupFiles.key}`,
        },
    ...[...scales].reverse().map(([name, count]) => ({ title: `start ${name}`, command: scale(name, count) })),
    ...(writers && !writers.wasPaused
      ? [{ title: 'resume the cluster and its node pools', command: pauseCommand(hosted, false) }]
      : []),
  ];
}

/**
 * Takes the snapshot into a folder, with the key it is encrypted with; every file is 0600. What was stopped is started again in any case; after a
 * crash the next backup does so.
 * @throws AirlockError POD_COMMAND_FAILED, ETCD_BACKUP_DAMAGED, HOSTED_REFUSED, CLUSTER_*, CANCELLED
 */
export async function takeEtcdBackup(
  plan: EtcdBackupPlan,
  folder: string,
  cluster: { readonly client: ClusterClient; readonly shell: PodShell },
  run: Run,
): Promise<EtcdBackupRecord> {
  const { hosted, writers } = plan;
  await run.disk.makeDirectory(folder, 0o700);
  // The key first: a snapshot without it is worth nothing.
  const encryptionKey = await saveKey(plan, folder, cluster.client, run);
  let snapshot: EtcdBackupRecord['snapshot'];
  try {
    if (writers) await stopWriters(hosted, writers, cluster.client, run);
    snapshot = await copySnapshot(plan, path.join(folder, backupFiles.snapshot), cluster.shell, run);
  } finally {
    // Also after an interruption: the API of the cluster must not stay down.
    const free = { ...run, signal: AbortSignal.timeout(60_000) };
    if (writers) await startWriters(hosted, writers, cluster.client, free);
  }
  const record: EtcdBackupRecord = {
    apiVersion: 'airlock/v1alpha1',
    kind: 'EtcdBackup',
    ...hosted,
    version: plan.version,
    takenAt: run.now().toISOString(),
    snapshot,
    encryptionKey,
    quiesced: writers !== undefined,
  };
  await writeFileAtomic(path.join(folder, backupFiles.record), prettyJson(record), run, 0o600);
  return record;
}

async function saveKey(
  plan: EtcdBackupPlan,
  folder: string,
  client: ClusterClient,
  run: Run,
): Promise<EtcdBackupRecord['encryptionKey']> {
  const { encryptionKey: name, hosted } = plan;
  if (name === undefined) return undefined;
  const secret = await client.find({ apiVersion: 'v1', kind: 'Secret', name, namespace: hosted.namespace }, run);
  const key = fieldAt(secret, 'data.key');
  if (typeof key !== 'string')
    throw new AirlockError(
      'HOSTED_REFUSED',
      `Secret ${hosted.namespace}/${name} with the encryption key of etcd is not there`,
    );
  const kept = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: hosted.namespace },
    type: secret?.['type'],
    data: secret?.['data'],
  };
  await writeFileAtomic(path.join(folder, backupFiles.key), prettyJson(kept), run, 0o600);
  return { secret: name, file: backupFiles.key, sha256: keyFingerprint(key) };
}

/** SHA-256 over the bytes of a key as a Secret holds it. */
export function keyFingerprint(base64: string): string {
  return createHash('sha256').update(Buffer.from(base64, 'base64')).digest('hex');
}

async function copySnapshot(
  plan: EtcdBackupPlan,
  target: string,
  shell: PodShell,
  run: Run,
): Promise<EtcdBackupRecord['snapshot']> {
  const commands = etcdCommands(plan.version);
  const where: PodContainer = { namespace: controlPlaneNamespace(plan.hosted), pod: 'etcd-0', container: 'etcd' };
  const ask = async (command: readonly string[]): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    await shell.exec(where, command, { onData: (chunk) => void chunks.push(chunk) }, run);
    return Buffer.concat(chunks);
  };
  run.report({ stage: 'apply', subject: 'etcd snapshot', state: 'started' });
  await ask(commands.save);
  try {
    const revision = Number(fieldAt(JSON.parse((await ask(commands.status)).toString()), 'revision'));
    const [sum = ''] = (await ask(['sha256sum', commands.file])).toString().split(/\s/);
    const copied = await copyOut(target, (index) => ask(readChunk(commands.file, index)), run);
    if (copied.sha256 !== sum)
      throw new AirlockError('ETCD_BACKUP_DAMAGED', `${target} differs from the snapshot in the pod`, {
        hint: 'take the backup again',
      });
    await run.disk.rename(`${target}.partial`, target);
    run.report({ stage: 'apply', subject: 'etcd snapshot', state: 'finished' });
    return { file: backupFiles.snapshot, ...copied, revision };
  } finally {
    const free = { ...run, signal: AbortSignal.timeout(30_000) };
    // It fills the volume of etcd otherwise; a failure here must not hide the one before.
    await shell.exec(where, ['rm', '-f', commands.file], {}, free).catch(() => undefined);
  }
}

function readChunk(file: string, index: number): string[] {
  return ['dd', `if=${file}`, 'bs=1048576', `skip=${index * chunkMiB}`, `count=${chunkMiB}`, 'status=none'];
}

async function copyOut(
  target: string,
  read: (index: number) => Promise<Buffer>,
  run: Run,
): Promise<{ sizeBytes: number; sha256: string }> {
  const hash = createHash('sha256');
  const file = await run.disk.open(`${target}.partial`, 'create', 0o600);
  let sizeBytes = 0;
  try {
    await file.truncate(0);
    for (let index = 0; ; index += 1) {
      const chunk = await read(index);
      if (chunk.length > 0) await file.write(chunk, sizeBytes);
      hash.update(chunk);
      sizeBytes += chunk.length;
      run.report({ stage: 'apply', subject: 'etcd snapshot', state: 'active', doneBytes: sizeBytes });
      if (chunk.length < chunkMiB * 1048576) break;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}
