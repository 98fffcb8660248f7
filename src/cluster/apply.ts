import { AirlockError, errorText, isAirlockError } from '../core/errors.ts';
import { pause } from '../core/retry.ts';
import { assertRunning, type Run } from '../core/run.ts';
import type { ClusterClient } from './client.ts';
import { diffObjects, type FieldChange } from './diff.ts';
import { fieldAt } from './fields.ts';
import { lookAtGate } from './gates.ts';
import { findLeftovers } from './leftovers.ts';
import { keepSecretType, mergeWithLive } from './merge.ts';
import { type NodeEffect, nodeEffect, type ObjectPair } from './pools.ts';
import { followTrustedCa } from './trusted-ca.ts';
import { type ApplyStage, type ClusterName, type ClusterObject, describeRef, refOf } from './types.ts';

/** What one object becomes. */
export interface ObjectChange {
  readonly object: string;
  readonly action: 'create' | 'change' | 'unchanged' | 'keep' | 'unknown';
  readonly changes: readonly FieldChange[];
  /** Why nothing could be said beforehand: the kind or the namespace is not there yet. */
  readonly reason?: string;
}

/** What a stage would do, as asked of the server. */
export interface StagePlan {
  readonly stage: string;
  readonly title: string;
  readonly objects: readonly ObjectChange[];
  /** What it does to the nodes of the pools below. */
  readonly effect: NodeEffect;
  readonly reasons: readonly string[];
  readonly pools: readonly string[];
}

/** How stages are applied. */
export interface ApplyStagesOptions {
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
  /** The longest time between two looks at a gate, which begins with a quarter of a second; default 5 seconds. */
  readonly pollMs?: number;
  /** How long the machine config operator may take to render a change; default 60 seconds. */
  readonly renderGraceSeconds?: number;
  /** Instead of each stage's own limit. */
  readonly timeoutSeconds?: number;
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
 * @throws AirlockError STAGE_UNKNOWN, APPLY_DECLINED, FIELD_CONFLICT, OBJECT_INVALID, GATE_TIMEOUT, GATE_FAILED, CLUSTER_*, CANCELLED
 */
export async function applyStages(
  stages: readonly ApplyStage[],
  clientFor: ClientFor,
  options: ApplyStagesOptions,
  run: Run,
): Promise<ApplyReport> {
  const chosen = chooseStages(stages, options.only);
  const report: ApplyReport['stages'][number][] = [];
  for (const stage of chosen) {
    assertRunning(run);
    run.report({ stage: 'apply', subject: stage.name, state: 'started', message: stage.title });
    if (options.dryRun === 'client') {
      report.push({ ...listOnly(stage), state: 'planned' });
      continue;
    }
    const client = await clientFor(stage.cluster, run).catch((error: unknown) => {
      // A dry run of the whole cannot reach clusters that the run itself would make.
      if (options.dryRun && isAirlockError(error) && error.code !== 'CANCELLED') return undefined;
      throw error;
    });
    if (!client) {
      report.push({ ...listOnly(stage), state: 'planned' });
      continue;
    }
    const followed = await followTrustedCa(stage, client, run);
    const plan = await planStage(followed, client, run);
    if (options.dryRun === 'server') {
      report.push({ ...plan, state: 'planned' });
      continue;
    }
    report.push(await applyStage(followed, plan, client, options, run));
    run.report({ stage: 'apply', subject: stage.name, state: 'finished' });
  }
  const whole = chosen === stages && options.dryRun !== 'client';
  const leftovers = whole ? await findLeftovers(stages, await clientFor('management', run), run) : [];
  return { stages: report, leftovers };
}

async function applyStage(
  stage: ApplyStage,
  plan: StagePlan,
  client: ClusterClient,
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
    const before = rolls ? await renderedConfigurations(client, run) : '';
    for (const { object, mode } of stage.objects) await applyObject(object, mode, client, options, run);
    if (before !== '') await waitForRendering(before, client, options, run);
  }
  if (waits) await waitForGates(stage, client, options, run);
  return { ...plan, state: changes ? 'applied' : 'unchanged' };
}

/** What the pools are to have, as one text; '' without pools. */
async function renderedConfigurations(client: ClusterClient, run: Run): Promise<string> {
  const query = { apiVersion: 'machineconfiguration.openshift.io/v1', kind: 'MachineConfigPool' };
  const pools = await client.list(query, run);
  return pools.map((pool) => `${pool.metadata.name}=${String(fieldAt(pool, 'spec.configuration.name'))}`).join();
}

/**
 * Gives the machine config operator time to see a change: pools are settled until it has rendered one. A change that alters nothing on nodes
 * renders nothing, so this ends after a grace period.
 */
async function waitForRendering(
  before: string,
  client: ClusterClient,
  options: ApplyStagesOptions,
  run: Run,
): Promise<void> {
  const end = Date.now() + (options.renderGraceSeconds ?? 60) * 1000;
  while (Date.now() < end) {
    const now = await renderedConfigurations(client, run).catch((error: unknown) => {
      if (isAirlockError(error, 'CLUSTER_UNREACHABLE')) return before;
      throw error;
    });
    if (now !== before) return;
    await pause(options.pollMs ?? 5000, run);
  }
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

function listOnly(stage: ApplyStage): StagePlan {
  return {
    stage: stage.name,
    title: stage.title,
    objects: stage.objects.map(({ object }) => ({
      object: describeRef(refOf(object)),
      action: 'unknown',
      changes: diffObjects(undefined, object),
    })),
    effect: 'none',
    reasons: [],
    pools: [],
  };
}

/** Asks the server what every object of a stage would become. @throws AirlockError OBJECT_INVALID, CLUSTER_* */
export async function planStage(stage: ApplyStage, client: ClusterClient, run: Run): Promise<StagePlan> {
  const pairs: ObjectPair[] = [];
  const objects: ObjectChange[] = [];
  for (const { object, mode } of stage.objects) {
    const name = describeRef(refOf(object));
    try {
      const live = await client.find(refOf(object), run);
      if (live && mode === 'create') {
        objects.push({ object: name, action: 'keep', changes: [] });
        continue;
      }
      // Conflicts are for the real run to tell; here they would hide the rest of the plan.
      const after = await client.apply(prepare(object, mode, live), { dryRun: true, force: true }, run);
      const changes = diffObjects(live, after);
      objects.push({ object: name, action: live ? (changes.length > 0 ? 'change' : 'unchanged') : 'create', changes });
      pairs.push({ before: live, after });
    } catch (error) {
      if (!isMissingParent(error)) throw error;
      objects.push({
        object: name,
        action: 'unknown',
        changes: diffObjects(undefined, object),
        reason: errorText(error),
      });
      pairs.push({ before: undefined, after: object });
    }
  }
  const { effect, reasons, hostedPools, own } = nodeEffect(pairs);
  return {
    stage: stage.name,
    title: stage.title,
    objects,
    effect,
    reasons,
    pools: [...(own ? await poolNames(client, run) : []), ...hostedPools],
  };
}

/** A kind that an earlier object brings, or a namespace that an earlier object makes, is no fault of a plan. */
function isMissingParent(error: unknown): boolean {
  return (
    isAirlockError(error, 'CLUSTER_KIND_UNKNOWN') ||
    (error instanceof Error && /namespaces? .* not found/i.test(error.message))
  );
}

async function poolNames(client: ClusterClient, run: Run): Promise<string[]> {
  const query = { apiVersion: 'machineconfiguration.openshift.io/v1', kind: 'MachineConfigPool' };
  return (await client.list(query, run)).map((pool) => pool.metadata.name).sort();
}

function prepare(
  object: ClusterObject,
  mode: ApplyStage['objects'][number]['mode'],
  live: ClusterObject | undefined,
): ClusterObject {
  return mode === 'merge' ? mergeWithLive(object, live) : keepSecretType(object, live);
}

async function applyObject(
  object: ClusterObject,
  mode: ApplyStage['objects'][number]['mode'],
  client: ClusterClient,
  options: ApplyStagesOptions,
  run: Run,
): Promise<void> {
  const live = await client.find(refOf(object), run);
  if (live && mode === 'create') return;
  // What was merged holds everything that was there: taking the field over loses nothing.
  const force = mode === 'merge' || options.forceConflicts === true;
  await client.apply(prepare(object, mode, live), { dryRun: false, force }, run);
  run.report({ stage: 'apply', subject: describeRef(refOf(object)), state: 'finished' });
}

/** Waits until every gate of a stage is open. @throws AirlockError GATE_TIMEOUT, GATE_FAILED, CANCELLED */
async function waitForGates(
  stage: ApplyStage,
  client: ClusterClient,
  options: ApplyStagesOptions,
  run: Run,
): Promise<void> {
  const pollMs = options.pollMs ?? 5000;
  const limitSeconds = options.timeoutSeconds ?? stage.timeoutSeconds;
  const end = Date.now() + limitSeconds * 1000;
  for (const gate of stage.gates) {
    let waitMs = Math.min(250, pollMs);
    for (let last = ''; ; waitMs = Math.min(waitMs * 2, pollMs)) {
      const state = await lookAtGate(gate, client, run).catch((error: unknown) => {
        // The API blinks while nodes roll; that is not yet a no.
        if (isAirlockError(error, 'CLUSTER_UNREACHABLE')) return { open: false as const, why: errorText(error) };
        throw error;
      });
      if (state.open) break;
      if ('failed' in state && state.failed) throw new AirlockError('GATE_FAILED', `stage ${stage.name}: ${state.why}`);
      if (state.why !== last) {
        run.report({ stage: 'apply', subject: stage.name, state: 'active', message: state.why });
        // Where there is no live view, hours may pass here: what it waits for is a line of its own.
        run.report({ stage: 'apply', state: 'log', level: 'info', message: `stage ${stage.name} waits: ${state.why}` });
      }
      last = state.why;
      if (Date.now() >= end)
        throw new AirlockError('GATE_TIMEOUT', `stage ${stage.name} waited ${limitSeconds} seconds: ${state.why}`, {
          hint: 'solve it and run airlock apply again: it continues here',
          details: { stage: stage.name, gate },
        });
      await pause(Math.max(0, Math.min(waitMs, end - Date.now())), run);
    }
  }
}
