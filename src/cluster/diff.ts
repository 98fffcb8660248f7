import { canonicalJson } from '../core/json.ts';
import type { ClusterObject } from './types.ts';

/** One field that changes; values of Secrets and passwords in URLs are never shown. */
export interface FieldChange {
  readonly path: string;
  /** JSON text; undefined when the field is new. */
  readonly before: string | undefined;
  /** JSON text; undefined when the field goes away. */
  readonly after: string | undefined;
}

const unseen = new Set([
  'status',
  'metadata.managedFields',
  'metadata.resourceVersion',
  'metadata.generation',
  'metadata.uid',
  'metadata.creationTimestamp',
  'metadata.selfLink',
]);

/** The fields in which two forms of an object differ, without what the server keeps for itself. [] when none. */
export function diffObjects(before: ClusterObject | undefined, after: ClusterObject): FieldChange[] {
  const changes: FieldChange[] = [];
  walk(before, after, '', changes);
  if (after.kind !== 'Secret') return changes;
  return changes.map((change) =>
    /^(data|stringData)(\.|$)|last-applied-configuration$/.test(change.path)
      ? { ...change, before: hide(change.before), after: hide(change.after) }
      : change,
  );
}

/** Changes as lines for people: `- path: old`, `+ path: new`. */
export function renderChanges(changes: readonly FieldChange[]): string[] {
  return changes.flatMap(({ path, before, after }) => [
    ...(before === undefined ? [] : [`- ${path}: ${before}`]),
    ...(after === undefined ? [] : [`+ ${path}: ${after}`]),
  ]);
}

function walk(before: unknown, after: unknown, path: string, changes: FieldChange[]): void {
  if (unseen.has(path) || canonicalJson(before ?? null) === canonicalJson(after ?? null)) return;
  if (isRecord(before) && isRecord(after)) {
    for (const key of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort())
      walk(before[key], after[key], path === '' ? key : `${path}.${key}`, changes);
    return;
  }
  // A new object is shown by its fields as well, so that nothing hidden comes into a message as a whole.
  if (before === undefined && isRecord(after)) {
    for (const key of Object.keys(after).sort())
      walk(undefined, after[key], path === '' ? key : `${path}.${key}`, changes);
    return;
  }
  changes.push({ path, before: textOf(before), after: textOf(after) });
}

function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  // A proxy's URL may hold a password.
  return JSON.stringify(value).replace(/:\/\/[^/@\s"]+@/g, '://(hidden)@');
}

function hide(text: string | undefined): string | undefined {
  return text === undefined ? undefined : '(hidden)';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
