/** JSON values. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/** JSON with sorted keys and no white space: the same value gives the same bytes (a subset of RFC 8785). */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sortKeys(value));
}

/** JSON with sorted keys, two-space indent and a final newline: for files that people read. */
export function prettyJson(value: unknown): string {
  return `${JSON.stringify(sortKeys(value), null, 2)}\n`;
}

// Plans have hundreds of thousands of members: this is written for speed.
function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  const sorted: Record<string, unknown> = {};
  for (const key of Object.keys(value).sort()) {
    const item = (value as Record<string, unknown>)[key];
    if (item === undefined) continue;
    const kept = typeof item === 'object' ? sortKeys(item) : item;
    // Assigned, that one would be the prototype.
    if (key === '__proto__') Object.defineProperty(sorted, key, { value: kept, enumerable: true });
    else sorted[key] = kept;
  }
  return sorted;
}
