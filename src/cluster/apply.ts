import { AirlockError, isAirlockError } from '../core/errors.ts';
import { assertRunning, type Run } from '../core/run.ts';
import { applyObject } from './apply-object.ts';
import type { ClusterClient } from './client.ts';
import { refuseFixedChanges } from './fixed-fields.ts';
import { findLeftovers } from './leftovers.ts';
import { newPatience, patientClient } from './patient-client.ts';
import { listStage, planStage, type StagePlan } from './plan-stage.ts';
import { followTrustedCa } from './trusted-ca.ts';
import type { ApplyStage, ClusterName } from './types.ts';
import { renderedConfigurations, type WaitOptions, waitForGates, waitForRendering } from './wait-gates.ts';

/** How stages are applied. */
export interface ApplyStagesOptions extends WaitOptions {
  /** `client`: show what would be sent; `server`: let the server judge it; left out: apply. */
  readonly dryRun?: 'client' | 'server';
  /** Only these stages, by name. */
  readonly only?: readonly string[];
  /** Take fields from other managers. */
  readonly forceConflicts?: boolean;
  /** Do not wait for gates. */
  readonly skipGates?: boolean;
  /** Asked before a stage that changes anything; false ends the run. */
  readonly confirm?: (plan: StagePlan) => Promise<boolean>;
}

/** Clients by cluster; a hosted cluster's is made when its stage comes, since its kubeconfig is not there before. */
export type ClientFor = (cluster: ClusterName, run: Run) => Promise<ClusterClient>;

/** What a run did. */
export interface ApplyReport {
  /** Objects that were applied once and that no stage names any more; [] where only some stages were applied. */
  readonly leftovers: readonly string[];
  readonly stages: readonly (StagePlan & { readonly state: 'applied' | 'unchanged' | 'planned' })[];
}

/**
 * Applies stages in order and waits after each for its gates. Every step can be repeated: what is right already is left alone, so an interrupted
 * run is continued by starting it again.
 * @throws AirlockError STAGE_UNKNOWN, APPLY_DECLINED, FIELD_CONFLICT, FIELD_IMMUTABLE, OBJECT_INVALID, GATE_TIMEOUT, GATE_FAILED, CLUSTER_*, CANCELLED
 */
export async function applyStages(
  stages: readonly ApplyStage[],
  clientFor: ClientFor,
  options: ApplyStagesOptions,
  run: Run,
): Promise<ApplyReport> {
  const chosen = chooseStages(stages, options.only);
  const report: ApplyReport['stages'][number][] = [];
  const patience = newPatience(options);
  if (options.dryRun !== 'client' && chosen.some((stage) => stage.cluster === 'management'))
    await refuseFixedChanges(chosen, patientClient(await clientFor('management', run), patience), run);
  for (const stage of chosen) {
    assertRunning(run);
    run.report({ stage: 'apply', subject: stage.name, state: 'started', message: stage.title });
    if (options.dryRun === 'client') {
      report.push({ ...listStage(stage), state: 'planned' });
      continue;
    }
    const connected = await clientFor(stage.cluster, run).catch((error: unknown) => {
      // A dry run of the whole cannot reach clusters that the run itself would make.
      if (options.dryRun && isAirlockError(error) && error.code !== 'CANCELLED') return error;
      throw error;
    });
    if (connected instanceof AirlockError) {
      report.push({ ...listStage(stage, connected.message), state: 'planned' });
      continue;
    }
    const client = patientClient(connected, patience);
    const followed = await followTrustedCa(stage, client, run);
    const plan = await planStage(followed, client, run);
    if (options.dryRun === 'server') {
      report.push({ ...plan, state: 'planned' });
      continue;
    }
    report.push(await applyStage(followed, plan, { writes: client, looks: connected }, options, run));
    run.report({ stage: 'apply', subject: stage.name, state: 'finished' });
  }
  const whole = chosen === stages && options.dryRun !== 'client';
  const leftovers = whole ? await findLeftovers(stages, await clientFor('management', run), run) : [];
  return { stages: report, leftovers };
}

async function applyStage(
  stage: ApplyStage,
  plan: StagePlan,
  client: { readonly writes: ClusterClient; readonly looks: ClusterClient },
  options: ApplyStagesOptions,
  run: Run,
): Promise<ApplyReport['stages'][number]> {
  const changes = plan.objects.some((object) => object.action !== 'unchanged' && object.action !== 'keep');
  const waits = options.skipGates !== true;
  if (changes) {
    if (options.confirm && !(await options.confirm(plan)))
      throw new AirlockError('APPLY_DECLINED', `stage ${stage.name} was not applied`, {
        hint: 'run airlock apply again when it suits',
      });
    const rolls = waits && stage.gates.some((gate) => gate.kind === 'machineConfigPools');
    const before = rolls ? await renderedConfigurations(client.writes, run) : '';
    for (const one of stage.objects) await applyObject(one, options.forceConflicts === true, client.writes, run);
    if (before !== '') await waitForRendering(before, client.looks, options, run);
  } else if (plan.objects.some(({ agrees }) => agrees)) {
    for (const one of stage.objects) await applyObject(one, options.forceConflicts === true, client.writes, run);
  }
  if (waits) await waitForGates(stage, client.looks, options, run);
  return { ...plan, state: changes ? 'applied' : 'unchanged' };
}

function chooseStages(stages: readonly ApplyStage[], only: readonly string[] | undefined): readonly ApplyStage[] {
  if (!only || only.length === 0) return stages;
  const unknown = only.filter((name) => !stages.some((stage) => stage.name === name));
  if (unknown.length > 0)
    throw new AirlockError('STAGE_UNKNOWN', `there is no stage ${unknown.join(', ')}`, {
      hint: `stages are: ${stages.map((stage) => stage.name).join(', ')}`,
    });
  return stages.filter((stage) => only.includes(stage.name));
}
