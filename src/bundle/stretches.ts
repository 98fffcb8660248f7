import { findFile } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { type Bundle, isHere, partsWithin } from './bundle.ts';
import type { Placement } from './place-data.ts';

/** From and to (exclusive), in bytes of a member. */
export type Stretch = readonly [number, number];

/** What of a member can be read here. Volumes that are not in parts are here whole or not at all. */
export function stretchesHere(bundle: Bundle, placement: Pick<Placement, 'source' | 'size'>): Stretch[] {
  const { source, size } = placement;
  const parts = partsWithin(bundle, source, size);
  if (!parts) return isHere(bundle, placement) ? [[0, size]] : [];
  return parts.filter((part) => part.file !== undefined).map((part) => within(part, source.offset, size));
}

/** The bytes of a member that lie in a part. */
export function within(
  part: { readonly offset: number; readonly size: number },
  offset: number,
  size: number,
): Stretch {
  return [Math.max(part.offset, offset) - offset, Math.min(part.offset + part.size, offset + size) - offset];
}

/** What is noted of a member of which pieces were placed in `file`. Notes without the bytes that they speak of are worth nothing. */
export async function readStretches(file: string, size: number, run: Run): Promise<readonly Stretch[]> {
  const text = await findFile(`${file}.json`, run);
  if (!text || !(await run.disk.stat(file))) return [];
  try {
    const list = JSON.parse(text.toString('utf8')) as [number, number][];
    return list.filter(([from, to]) => from >= 0 && from < to && to <= size);
  } catch {
    return [];
  }
}

/** What of a stretch is not in the sorted list. */
export function subtract([from, to]: Stretch, known: readonly Stretch[]): Stretch[] {
  const rest: Stretch[] = [];
  let at = from;
  for (const [start, end] of known) {
    if (start > at) rest.push([at, Math.min(start, to)]);
    at = Math.max(at, end);
    if (at >= to) return rest.filter(([a, b]) => a < b);
  }
  return [...rest, [at, to] as const].filter(([a, b]) => a < b);
}

/** Sorted, with neighbours put together. */
export function join(stretches: readonly Stretch[]): Stretch[] {
  const joined: Stretch[] = [];
  for (const [from, to] of [...stretches].sort((a, b) => a[0] - b[0])) {
    const last = joined.at(-1);
    if (last && from <= last[1]) joined[joined.length - 1] = [last[0], Math.max(last[1], to)];
    else joined.push([from, to]);
  }
  return joined;
}
