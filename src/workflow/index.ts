import { bundleErrors } from '../bundle/index.ts';
import { certsErrors } from '../certs/index.ts';
import { checkErrors } from '../check/index.ts';
import { clusterErrors } from '../cluster/index.ts';
import { configErrors } from '../config/index.ts';
import type { ErrorTable } from '../core/errors.ts';
import { dnsErrors } from '../dns/index.ts';
import { fetchErrors } from '../fetch/index.ts';
import { manifestsErrors } from '../manifests/index.ts';
import { mirrorErrors } from '../mirror/index.ts';
import { ociErrors } from '../oci/index.ts';
import { planErrors } from '../plan/index.ts';
import { registryErrors } from '../registry/index.ts';
import { webserverErrors } from '../webserver/index.ts';
import { workflowErrors } from './errors.ts';

/** The error tables of every folder below; `cli` turns codes into exit codes with them. */
export const errorTables: readonly ErrorTable[] = [
  ociErrors,
  certsErrors,
  dnsErrors,
  registryErrors,
  webserverErrors,
  configErrors,
  planErrors,
  mirrorErrors,
  fetchErrors,
  bundleErrors,
  manifestsErrors,
  checkErrors,
  clusterErrors,
  workflowErrors,
];
export { describeSignature } from '../bundle/index.ts';
export type { ApplyReport as ApplyReportText, StagePlan as StagePlanText } from '../cluster/index.ts';
export { type ApplyRequest, apply } from './apply.ts';
export type { BastionRequest } from './bastion.ts';
export { type BuildRequest, build } from './build.ts';
export { type BuildResult, buildInParts } from './build-parts.ts';
export {
  certsBackup,
  certsChange,
  certsImport,
  certsInit,
  certsInstall,
  certsRequest,
  certsRestore,
  certsShow,
  certsSigningKey,
} from './certs.ts';
export { check, type SiteCheck } from './check.ts';
export type { EngineSettings } from './choose-engine.ts';
export { executeDeletion, type GenerateRequest, type GenerateResult, generateDeletion } from './delete.ts';
export { generateWithOcMirror } from './delete-oc-mirror.ts';
export { type DemoRequest, type DemoResult, demo } from './demo/demo.ts';
export { dnsLint, dnsQuery, dnsServe, dnsZone, zoneFormats } from './dns.ts';
export { type DoctorRequest, type DoctorResult, doctor } from './doctor/doctor.ts';
export { type DownResult, down } from './down.ts';
export { type EmitResult, emit } from './emit.ts';
export {
  type HostedRequest,
  hostedBackupEtcd,
  hostedDelete,
  hostedDeletePlan,
  hostedPause,
  hostedRestoreEtcd,
  hostedScale,
  hostedShow,
  hostedUpgrade,
  hostedUpgradeCheck,
} from './hosted.ts';
export { initFolder } from './init.ts';
export { type InspectResult, inspect, inspectChecksums, inspectSpdx } from './inspect.ts';
export { exportInventory, type InventoryResult } from './inventory.ts';
export { lintFiles } from './lint.ts';
export { type LoadRequest, type LoadResult, load } from './load.ts';
export { type LoadDryRun, loadDryRun } from './load-forecast.ts';
export { type MirrorOutcome, type MirrorRequest, mirror } from './mirror.ts';
export { mirrorWithOcMirror, type OcMirrorMirrorRequest } from './mirror-oc-mirror.ts';
export { type MustGatherRequest, type MustGatherResult, mustGather } from './must-gather.ts';
export { makeNeeded, type NeededResult, type PartsResult } from './parts.ts';
export { type PlanResult, planAlone, planImageSet } from './plan-image-set.ts';
export { type PruneResult, prune, pruneCollect, pruneDryRun, pruneUndo } from './prune.ts';
export { parseLiveDigests } from './prune-live.ts';
export { type RefreshResult, refreshBastion } from './refresh.ts';
export { type RegistryServeRequest, serveRegistry } from './registry-serve.ts';
export {
  registryBackup,
  registryGc,
  registryGcPlan,
  registryLogin,
  registryLogs,
  registryPassword,
  registryReadOnly,
  registryRestore,
} from './registry-tools.ts';
export type { PlanRequest, SelectionSettings, SourceSettings, TargetSettings } from './requests.ts';
export type { MirrorResult } from './result.ts';
export { upForeground, upSupervised } from './services/worker.ts';
export { type SiteStatus, status } from './status.ts';
export { type LoadTarget, parseLoadTarget, parseMirrorTarget, withNestedPaths } from './target.ts';
export { type UpResult, up } from './up.ts';
export { type VerifyRequest, type VerifyResult, verify } from './verify.ts';
export { serveWeb, type WebServeRequest } from './web-serve.ts';
