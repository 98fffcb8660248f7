/** The value at a dotted path (`status.history[0].state`); undefined where anything on the way is missing. */
export function fieldAt(value: unknown, path: string): unknown {
  return [...path.matchAll(/[^.[\]]+/g)].reduce<unknown>(
    (at, [step]) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[step] : undefined),
    value,
  );
}

/** The list at a dotted path; [] where there is none. */
export function listAt(value: unknown, path: string): readonly unknown[] {
  const found = fieldAt(value, path);
  return Array.isArray(found) ? found : [];
}

/** Status and message of a condition; undefined when the object has none of that type. */
export function findCondition(
  object: unknown,
  type: string,
): { readonly status: string; readonly message: string } | undefined {
  const found = listAt(object, 'status.conditions').find((condition) => fieldAt(condition, 'type') === type);
  return found === undefined
    ? undefined
    : { status: String(fieldAt(found, 'status') ?? 'Unknown'), message: String(fieldAt(found, 'message') ?? '') };
}
