import { createHash } from 'node:crypto';
import path from 'node:path';
import { AirlockError } from '../../core/errors.ts';
import { findFile } from '../../core/files.ts';
import type { Finding } from '../../core/findings.ts';
import type { Run } from '../../core/run.ts';
import type { ClusterClient } from '../client.ts';
import { fieldAt } from '../fields.ts';
import { backupFiles, type EtcdBackupRecord, type HostedStep, keyFingerprint } from './etcd-backup.ts';
import type { InPlaceRestore } from './etcd-restore-steps.ts';
import { clusterRef, type HostedName, textAt } from './objects.ts';
import { inPlaceSteps, readInPlace } from './restore-in-place.ts';

/** A rehearsed restore: what stands in its way, and every command. Nothing was changed. */
export interface EtcdRestorePlan {
  /** `recreate`: a new cluster object that starts from the snapshot; `in-place`: the members of the cluster that is there. */
  readonly way: 'recreate' | 'in-place';
  /** What `restoreInPlace` works on; undefined for the other way, and where there is no cluster. */
  readonly inPlace?: InPlaceRestore;
  readonly backup: EtcdBackupRecord;
  readonly findings: readonly Finding[];
  readonly steps: readonly HostedStep[];
}

/** What a restore works on. */
export interface EtcdRestoreRequest {
  /** The folder of the backup. */
  readonly folder: string;
  /** Where pods of the management cluster can fetch the snapshot; left out: in place. */
  readonly url?: string | undefined;
}

/** Reads a backup and proves that its snapshot is what was taken. @throws AirlockError ETCD_BACKUP_DAMAGED, CANCELLED */
export async function readEtcdBackup(folder: string, run: Run): Promise<EtcdBackupRecord> {
  const text = (await findFile(path.join(folder, backupFiles.record), run))?.toString();
  const record = text === undefined ? undefined : (parseRecord(text) ?? undefined);
  if (record?.kind !== 'EtcdBackup')
    throw new AirlockError('ETCD_BACKUP_DAMAGED', `${folder} holds no etcd backup`, {
      hint: 'name a folder that airlock hosted backup-etcd wrote',
    });
  const snapshot = path.join(folder, backupFiles.snapshot);
  const found = (await run.disk.stat(snapshot)) ? await hashFile(snapshot, run) : 'nothing';
  if (found !== record.snapshot.sha256)
    throw new AirlockError(
      'ETCD_BACKUP_DAMAGED',
      `${snapshot} does not match: got sha256:${found}, recorded sha256:${record.snapshot.sha256}`,
      {
        hint: 'use another backup',
      },
    );
  return record;
}

function parseRecord(text: string): EtcdBackupRecord | undefined {
  try {
    return JSON.parse(text) as EtcdBackupRecord;
  } catch {
    return undefined;
  }
}

async function hashFile(file: string, run: Run): Promise<string> {
  const hash = createHash('sha256');
  const opened = await run.disk.open(file, 'read');
  try {
    const buffer = Buffer.alloc(1 << 20);
    for (let at = 0; ; ) {
      run.signal.throwIfAborted();
      const count = await opened.read(buffer, at);
      if (count === 0) break;
      hash.update(buffer.subarray(0, count));
      at += count;
    }
  } finally {
    await opened.close();
  }
  return hash.digest('hex');
}

/**
 * Rehearses a restore: the backup is proved, the cluster is compared with it, and every step is written out. Nothing is changed; `restoreInPlace`
 * carries the plan out.
 * @see reference §24.3, §24.4
 * @throws AirlockError ETCD_BACKUP_DAMAGED, CLUSTER_*
 */
export async function planEtcdRestore(
  hosted: HostedName,
  request: EtcdRestoreRequest,
  client: ClusterClient,
  run: Run,
): Promise<EtcdRestorePlan> {
  const backup = await readEtcdBackup(request.folder, run);
  const cluster = await client.find(clusterRef(hosted.name, hosted.namespace), run);
  const findings: Finding[] = [];
  const refuse = (message: string, hint: string): void => {
    findings.push({ code: 'RESTORE_REFUSED', severity: 'error', subject: hosted.name, message, hint });
  };
  if (backup.name !== hosted.name || backup.namespace !== hosted.namespace)
    refuse(
      `the backup is of ${backup.namespace}/${backup.name}`,
      'name and namespace of a cluster cannot change with a restore',
    );
  if (backup.encryptionKey) {
    const { secret: name, sha256 } = backup.encryptionKey;
    const secret = await client.find({ apiVersion: 'v1', kind: 'Secret', name, namespace: hosted.namespace }, run);
    const key = fieldAt(secret, 'data.key');
    const there = typeof key === 'string' ? keyFingerprint(key) : undefined;
    const apply = `oc apply -f ${path.join(request.folder, backupFiles.key)}`;
    if (there === undefined)
      refuse(`Secret ${hosted.namespace}/${name} is not there: the data could not be read`, apply);
    else if (there !== sha256) refuse(`Secret ${hosted.namespace}/${name} holds another key than the backup`, apply);
  }
  const version = textAt(cluster, 'status.version.history.0.version');
  if (version !== undefined && version !== backup.version)
    refuse(
      `the cluster is at ${version}, the backup was taken at ${backup.version}`,
      'restore with the release of the backup, and upgrade afterwards',
    );
  if (request.url !== undefined) {
    if (!/^(https|s3):\/\//.test(request.url))
      refuse(`${request.url} is neither https nor s3`, 'offer the snapshot over one of them');
    return {
      way: 'recreate',
      backup,
      findings,
      steps: recreateSteps(hosted, request.folder, request.url, cluster !== undefined),
    };
  }
  if (!cluster)
    refuse(
      'the cluster is not there',
      'offer the snapshot at an https URL and name it with --url: a new cluster starts from it',
    );
  if (!cluster) return { way: 'in-place', backup, findings, steps: [] };
  const inPlace = await readInPlace(hosted, request.folder, backup, client, run);
  const steps = inPlaceSteps(inPlace).map(({ title, command }) => ({ title, command }));
  return { way: 'in-place', inPlace, backup, findings, steps };
}

function recreateSteps(hosted: HostedName, folder: string, url: string, exists: boolean): HostedStep[] {
  return [
    {
      title: 'offer the snapshot where pods of the management cluster can fetch it',
      command: `curl -T ${path.join(folder, backupFiles.snapshot)} '${url}'`,
    },
    ...(exists
      ? [
          {
            title: 'delete the cluster: only a new object reads a snapshot. Its InfraEnv has to stay',
            command: `airlock hosted delete ${hosted.name}`,
          },
        ]
      : []),
    { title: 'put the old encryption key back', command: `oc apply -f ${path.join(folder, backupFiles.key)}` },
    { title: `in the site file, for ${hosted.name}`, command: `etcd: {restoreSnapshotURL: "${url}"}` },
    { title: 'make the cluster again', command: 'airlock emit && airlock apply' },
    {
      title: 'let the nodes connect again, with the kubeconfig of the hosted cluster',
      command: 'oc delete pod -n openshift-ovn-kubernetes --all',
    },
    { title: 'look at it', command: `airlock hosted status ${hosted.name}` },
  ];
}
