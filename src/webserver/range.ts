/** A span of bytes; both ends belong to it. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** What a Range header asks of a file: all of it, some spans, or nothing that exists. */
export type RangeRequest =
  | { readonly kind: 'whole' }
  | { readonly kind: 'spans'; readonly spans: readonly ByteRange[] }
  | { readonly kind: 'unsatisfiable' };

// More spans than any download tool asks for: a long list costs the server far more than the client (RFC 9110 §17.15).
const spanLimit = 32;

/**
 * Reads a Range header for a file of `sizeBytes`. Grammar (RFC 9110 §14.1.2): `bytes=` then, with commas, `first-last`, `first-` or
 * `-suffixLength`. Another unit or bad syntax means the header is ignored; spans that touch or overlap become one.
 */
export function parseRange(header: string | undefined, sizeBytes: number): RangeRequest {
  const match = /^bytes=(.*)$/i.exec(header?.trim() ?? '');
  const specs = (match?.[1] ?? '')
    .split(',')
    .map((spec) => spec.trim())
    .filter(Boolean);
  if (specs.length === 0 || specs.length > spanLimit) return { kind: 'whole' };
  const spans: ByteRange[] = [];
  for (const spec of specs) {
    const span = parseSpec(spec, sizeBytes);
    if (span === 'invalid') return { kind: 'whole' };
    if (span) spans.push(span);
  }
  return spans.length === 0 ? { kind: 'unsatisfiable' } : { kind: 'spans', spans: coalesce(spans) };
}

function parseSpec(spec: string, sizeBytes: number): ByteRange | undefined | 'invalid' {
  const match = /^(\d*)-(\d*)$/.exec(spec);
  if (!match || spec === '-') return 'invalid';
  const [, from = '', to = ''] = match;
  if (from === '') {
    const length = Math.min(Number(to), sizeBytes);
    return length === 0 ? undefined : { first: sizeBytes - length, last: sizeBytes - 1 };
  }
  const [first, last] = [Number(from), to === '' ? Number.POSITIVE_INFINITY : Number(to)];
  if (last < first) return 'invalid';
  return first >= sizeBytes ? undefined : { first, last: Math.min(last, sizeBytes - 1) };
}

// Keeps the order that was asked for, as RFC 9110 §15.3.7.2 wants, when nothing overlaps.
function coalesce(spans: readonly ByteRange[]): ByteRange[] {
  const sorted = [...spans].sort((a, b) => a.first - b.first);
  const apart = sorted.every((span, index) => index === 0 || span.first > (sorted[index - 1]?.last ?? -1) + 1);
  if (apart) return [...spans];
  const merged: ByteRange[] = [];
  for (const span of sorted) {
    const before = merged.at(-1);
    if (before && span.first <= before.last + 1) {
      merged[merged.length - 1] = { first: before.first, last: Math.max(before.last, span.last) };
    } else merged.push(span);
  }
  return merged;
}
