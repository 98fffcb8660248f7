export { type ApplyReport, type ApplyStagesOptions, applyStages, type ClientFor } from './apply.ts';
export { type ApplyOptions, type ClusterClient, fieldManager } from './client.ts';
export { connectCluster } from './connect.ts';
export { diffObjects, type FieldChange, renderChanges } from './diff.ts';
export { clusterErrors } from './errors.ts';
export { type FixedDifference, settleFixedFields } from './fixed-fields.ts';
export { type GateState, lookAtGate } from './gates.ts';
export { pauseHosted, scaleNodePool } from './hosted/actions.ts';
export { type DeletionOptions, type DeletionStep, deleteHosted, planDeletion } from './hosted/deletion.ts';
export {
  type EtcdBackupPlan,
  type EtcdBackupRecord,
  type HostedStep,
  planEtcdBackup,
  takeEtcdBackup,
} from './hosted/etcd-backup.ts';
export { type EtcdRestorePlan, planEtcdRestore, readEtcdBackup } from './hosted/etcd-restore.ts';
export type { HostedName } from './hosted/objects.ts';
export { restoreInPlace } from './hosted/restore-in-place.ts';
export { type HostedStatus, hostedStatus, type NodePoolStatus } from './hosted/status.ts';
export { checkUpgrade, type UpgradeTarget, upgradeControlPlane, upgradeNodePool } from './hosted/upgrade.ts';
export type { StepWait } from './hosted/wait.ts';
export { createClientFor } from './hosted-client.ts';
export type { KubeconfigSource } from './kubeconfig.ts';
export { mergeWithLive } from './merge.ts';
export { type ObjectChange, planStage, type StagePlan } from './plan-stage.ts';
export { connectPodShell, type PodContainer, type PodShell } from './pod-shell.ts';
export { findUnsettledPool, type NodeEffect, nodeEffect } from './pools.ts';
export {
  type ApplyMode,
  type ApplyStage,
  type ClusterName,
  type ClusterObject,
  describeRef,
  type Gate,
  type ObjectPair,
  type ObjectRef,
  refOf,
  type StageObject,
} from './types.ts';
export { listUsedImages, type UsedImages } from './used-images.ts';
