import { fieldManager } from './client.ts';
import { fieldAt, listAt } from './fields.ts';
import type { ClusterObject } from './types.ts';

/**
 * Our object with the fields that it needs where nobody made one. Where one is there, only those of them that we gave it ourselves are sent
 * again: a field that is left out of an apply after it was in one is taken away by the server.
 */
export function fillMissing(
  object: ClusterObject,
  more: Readonly<Record<string, unknown>> | undefined,
  live: ClusterObject | undefined,
): ClusterObject {
  if (!more) return object;
  const owned = listAt(live, 'metadata.managedFields')
    .filter((entry) => fieldAt(entry, 'manager') === fieldManager && fieldAt(entry, 'operation') === 'Apply')
    .map((entry) => fieldAt(entry, 'fieldsV1.f:spec') as Readonly<Record<string, unknown>> | undefined);
  const fields = Object.entries(more).filter(
    ([name]) => !live || owned.some((set) => set?.[`f:${name}`] !== undefined),
  );
  return { ...object, spec: { ...(object['spec'] as object), ...Object.fromEntries(fields) } };
}
