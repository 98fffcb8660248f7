import { errorText, isAirlockError } from '../core/errors.ts';
import type { Run } from '../core/run.ts';
import { isOptional, prepareObject } from './apply-object.ts';
import type { ClusterClient } from './client.ts';
import { diffObjects, type FieldChange } from './diff.ts';
import { listMirrorSets } from './mirror-tables.ts';
import { lacksAgreement } from './own-fields.ts';
import { type NodeEffect, nodeEffect } from './pools.ts';
import {
  type ApplyMode,
  type ApplyStage,
  type ClusterObject,
  describeRef,
  type ObjectPair,
  refOf,
  type StageObject,
} from './types.ts';

/** What one object becomes. */
export interface ObjectChange {
  readonly object: string;
  readonly action: 'create' | 'change' | 'unchanged' | 'keep' | 'unknown';
  readonly changes: readonly FieldChange[];
  /** Nothing changes, and it is written all the same: the site says by now what `airlock hosted` did. */
  readonly agrees?: true;
  /** Why nothing could be said beforehand: the kind or the namespace is not there yet. */
  readonly reason?: string;
}

/** What a stage would do, as asked of the server. */
export interface StagePlan {
  readonly stage: string;
  readonly title: string;
  readonly objects: readonly ObjectChange[];
  /** What it does to the nodes of the pools below; only the cluster knows. */
  readonly effect: NodeEffect | 'unknown';
  readonly reasons: readonly string[];
  readonly pools: readonly string[];
}

/** What a stage holds, without asking a cluster; `reason`: why none was asked that should have been. */
export function listStage(stage: ApplyStage, reason?: string): StagePlan {
  return {
    stage: stage.name,
    title: stage.title,
    objects: stage.objects.map(({ object }) => ({
      object: describeRef(refOf(object)),
      action: 'unknown',
      changes: diffObjects(undefined, object),
      ...(reason === undefined ? {} : { reason }),
    })),
    effect: 'unknown',
    reasons: [],
    pools: [],
  };
}

/** Asks the server what every object of a stage would become. @throws AirlockError OBJECT_INVALID, CLUSTER_* */
export async function planStage(stage: ApplyStage, client: ClusterClient, run: Run): Promise<StagePlan> {
  const pairs: ObjectPair[] = [];
  const objects: ObjectChange[] = [];
  for (const one of stage.objects) {
    const { change, pair } = await planObject(one, client, run);
    objects.push(change);
    if (pair) pairs.push(pair);
  }
  const { effect, reasons, hostedPools, own } = nodeEffect(pairs, await listMirrorSets(pairs, client, run));
  return {
    stage: stage.name,
    title: stage.title,
    objects,
    effect,
    reasons,
    pools: [...(own ? await poolNames(client, run) : []), ...hostedPools],
  };
}

async function planObject(
  planned: StageObject,
  client: ClusterClient,
  run: Run,
): Promise<{ readonly change: ObjectChange; readonly pair?: ObjectPair }> {
  const { object, mode } = planned;
  const name = describeRef(refOf(object));
  try {
    const live = await client.find(refOf(object), run);
    if (live ? mode === 'create' : mode === 'existing')
      return { change: { object: name, action: 'keep', changes: [] } };
    // Conflicts are for the real run to tell; here they would hide the rest of the plan.
    const after = await client.apply(prepareObject(planned, live), { dryRun: true, force: true }, run);
    const changes = diffObjects(live, after);
    const action = live ? (changes.length > 0 ? 'change' : 'unchanged') : 'create';
    const agrees = action === 'unchanged' && lacksAgreement(live, after);
    return { change: { object: name, action, changes, ...(agrees ? { agrees } : {}) }, pair: { before: live, after } };
  } catch (error) {
    if (!isMissingParent(error, object, mode)) throw error;
    const reason = errorText(error);
    if (isOptional(mode) && isAirlockError(error, 'CLUSTER_KIND_UNKNOWN'))
      return { change: { object: name, action: 'keep', changes: [], reason } };
    return {
      change: { object: name, action: 'unknown', changes: diffObjects(undefined, object), reason },
      pair: { before: undefined, after: object },
    };
  }
}

/**
 * A kind that an earlier object brings, or a namespace that an earlier object makes, is no fault of a plan. No object brings the kinds of
 * OpenShift itself: a cluster without them is another one than was meant.
 */
function isMissingParent(error: unknown, object: ClusterObject, mode: ApplyMode): boolean {
  if (isAirlockError(error, 'CLUSTER_TARGET_MISSING')) return true;
  if (!isAirlockError(error, 'CLUSTER_KIND_UNKNOWN')) return false;
  return isOptional(mode) || !object.apiVersion.startsWith('config.openshift.io/');
}

async function poolNames(client: ClusterClient, run: Run): Promise<string[]> {
  const query = { apiVersion: 'machineconfiguration.openshift.io/v1', kind: 'MachineConfigPool' };
  return (await client.list(query, run)).map((pool) => pool.metadata.name).sort();
}
