import { isDeepStrictEqual } from 'node:util';
import { fieldManager } from './client.ts';
import { fieldAt, listAt } from './fields.ts';
import type { ClusterObject } from './types.ts';

/** What the server keeps of our fields: those of `airlock apply` by `Apply`, those that `airlock hosted` wrote by `Update`. */
function ownFields(object: ClusterObject | undefined, operation: 'Apply' | 'Update'): unknown[] {
  return listAt(object, 'metadata.managedFields')
    .filter((entry) => fieldAt(entry, 'manager') === fieldManager && fieldAt(entry, 'operation') === operation)
    .map((entry) => fieldAt(entry, 'fieldsV1'));
}

/** Whether `airlock apply` owns a field: `spec.replicas`, or `.spec.replicas` in the words of a conflict. */
export function ownsApplied(object: ClusterObject | undefined, field: string): boolean {
  const path = field
    .split('.')
    .filter(Boolean)
    .map((step) => `f:${step}`)
    .join('.');
  return ownFields(object, 'Apply').some((set) => fieldAt(set, path) !== undefined);
}

/**
 * Whether the site says by now what `airlock hosted` did, and `airlock apply` does not own it yet: written once more without a change it does, so
 * that a later change in the site file is no conflict with `airlock hosted`.
 */
export function lacksAgreement(live: ClusterObject | undefined, after: ClusterObject): boolean {
  return (
    ownFields(live, 'Update').length > 0 && !isDeepStrictEqual(ownFields(live, 'Apply'), ownFields(after, 'Apply'))
  );
}
