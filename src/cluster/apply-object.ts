import { AirlockError, isAirlockError } from '../core/errors.ts';
import type { Run } from '../core/run.ts';
import { type ClusterClient, fieldManager } from './client.ts';
import { fieldAt, listAt } from './fields.ts';
import { settleFixedFields } from './fixed-fields.ts';
import { keepSecretType, mergeWithLive } from './merge.ts';
import { ownsApplied } from './own-fields.ts';
import { type ApplyMode, type ClusterObject, describeRef, type ObjectRef, refOf, type StageObject } from './types.ts';
import { fillMissing } from './when-missing.ts';

/** Whether a cluster that does not serve the kind is let be. */
export function isOptional(mode: ApplyMode): boolean {
  return mode === 'optional' || mode === 'existing';
}

/** Managers that write once, while a cluster is installed, and never come back to argue. */
const onceManagers: readonly string[] = ['cluster-bootstrap'];

/** What is sent for an object, given what the cluster has. */
export function prepareObject(
  { object, mode, whenMissing }: StageObject,
  live: ClusterObject | undefined,
): ClusterObject {
  if (mode === 'merge') return mergeWithLive(object, live);
  return settleFixedFields(fillMissing(keepSecretType(object, live), whenMissing, live), live).object;
}

/**
 * Writes one object. Fields that only the installer wrote are taken over, as `oc patch` would.
 * @throws AirlockError FIELD_CONFLICT, OBJECT_INVALID, CLUSTER_*, CANCELLED
 */
export async function applyObject(
  planned: StageObject,
  forceConflicts: boolean,
  client: ClusterClient,
  run: Run,
): Promise<void> {
  const { object, mode } = planned;
  const ref = refOf(object);
  for (let round = 1; ; round += 1) {
    let sent: ClusterObject;
    let live: ClusterObject | undefined;
    try {
      live = await client.find(ref, run);
      if (live ? mode === 'create' : mode === 'existing') return;
      sent = prepareObject(planned, live);
      if (mode === 'merge' && live) sent = onlyIfUnchanged(sent, live);
    } catch (error) {
      if (isOptional(mode) && isAirlockError(error, 'CLUSTER_KIND_UNKNOWN')) return;
      throw error;
    }
    // What was merged holds everything that was there: taking the field over loses nothing.
    const force = mode === 'merge' || mode === 'existing' || forceConflicts;
    try {
      await client.apply(sent, { dryRun: false, force }, run).catch((error: unknown) => {
        const taken = (mode === 'patch' && isOnlyInstallers(error)) || isAgreed(error, live);
        if (!taken) throw isOurs(error) ? ownConflict(error, ref) : error;
        return client.apply(sent, { dryRun: false, force: true }, run);
      });
      break;
    } catch (error) {
      // Somebody else wrote it since it was read: merge with that.
      if (mode !== 'merge' || round === mergeRounds || !isStale(error)) throw error;
    }
  }
  run.report({ stage: 'apply', subject: describeRef(ref), state: 'finished' });
}

/** How often a merge is made anew, when others write at the same time. */
const mergeRounds = 5;

/** With the version that was read the server refuses what somebody changed in between. */
function onlyIfUnchanged(object: ClusterObject, { metadata }: ClusterObject): ClusterObject {
  const { resourceVersion } = metadata;
  return resourceVersion === undefined ? object : { ...object, metadata: { ...object.metadata, resourceVersion } };
}

/** A conflict that names no field is one of versions. */
function isStale(error: unknown): boolean {
  return isAirlockError(error, 'FIELD_CONFLICT') && listAt(error.details, 'conflicts').length === 0;
}

function isOnlyInstallers(error: unknown): boolean {
  return isConflictWith(error, onceManagers);
}

/** The server tells our fields of `airlock hosted` (operation Update) from those of `airlock apply`. */
function isOurs(error: unknown): error is AirlockError {
  return isConflictWith(error, [fieldManager]);
}

function isConflictWith(error: unknown, managers: readonly string[]): boolean {
  if (!isAirlockError(error, 'FIELD_CONFLICT')) return false;
  const owners = listAt(error.details, 'conflicts').map((one) => String(fieldAt(one, 'owner')));
  return owners.length > 0 && owners.every((owner) => managers.some((name) => owner.includes(`"${name}"`)));
}

/**
 * Whether the site has said the same as `airlock hosted` did since: then `airlock apply` owns every field in question as well, and what the
 * site says now is newer. A write of `airlock hosted` takes the field away from it.
 */
function isAgreed(error: unknown, live: ClusterObject | undefined): boolean {
  return (
    isOurs(error) && listAt(error.details, 'conflicts').every((one) => ownsApplied(live, String(fieldAt(one, 'field'))))
  );
}

function ownConflict(error: AirlockError, ref: ObjectRef): AirlockError {
  const fields = listAt(error.details, 'conflicts').map((one) => String(fieldAt(one, 'field')));
  return new AirlockError(
    error.code,
    `${describeRef(ref)}: airlock hosted has changed ${fields.join(', ')}, and the site says otherwise`,
    {
      hint: 'write it into the site file and emit again, or go back to what the site says with --force-conflicts',
      details: error.details,
    },
  );
}
