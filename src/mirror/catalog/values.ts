/** A key of what may be an object. */
export function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

/** What may be a list; [] for anything else. */
export function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** What may be text; '' for anything else. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
