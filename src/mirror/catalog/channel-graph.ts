import type { ChannelEntry } from './content.ts';

/**
 * The one head of a channel: the entry that no other replaces or skips. A text instead says what oc-mirror has against the channel when it
 * filters it (reference §7.3).
 */
export function findHead(
  entries: readonly ChannelEntry[],
): { readonly head: ChannelEntry } | { readonly fault: string } {
  const names = new Set<string>();
  for (const entry of entries) {
    if (names.has(entry.name)) return { fault: `entry ${entry.name} stands there twice` };
    names.add(entry.name);
    if (entry.replaces === entry.name || entry.skips.includes(entry.name))
      return { fault: `${entry.name} replaces itself` };
  }
  const heads = findHeads(entries);
  const [head] = heads;
  if (hasCycle(entries)) return { fault: 'its upgrade graph has a cycle' };
  if (!head) return { fault: entries.length === 0 ? 'it has no entries' : 'it has no head' };
  return heads.length > 1 ? { fault: manyHeads(heads) } : { head };
}

/**
 * What opm says against the upgrade graph of a channel; undefined when nothing. It has one head, and `replaces` from there reaches every entry
 * that none skips. opm goes no further down where it comes to one that is skipped, so that what lies below has to be skipped too.
 * @see operator-registry alpha/model, "Channel.validateReplacesChain"
 */
export function findGraphFault(entries: readonly ChannelEntry[]): string | undefined {
  const heads = findHeads(entries);
  const [head] = heads;
  if (!head) return entries.length === 0 ? 'it has no entries' : 'it has no head';
  if (heads.length > 1) return manyHeads(heads);
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const skipped = new Set(entries.flatMap((entry) => entry.skips));
  const reached = new Set([head.name]);
  for (let at: ChannelEntry | undefined = head; at && !skipped.has(at.replaces); at = byName.get(at.replaces)) {
    if (reached.has(at.replaces)) return 'its upgrade graph has a cycle';
    reached.add(at.replaces);
  }
  const stranded = entries.map((entry) => entry.name).filter((name) => !reached.has(name) && !skipped.has(name));
  return stranded.length === 0 ? undefined : `entries that its head does not reach: ${stranded.sort().join(', ')}`;
}

/** The entries that no other replaces or skips. */
function findHeads(entries: readonly ChannelEntry[]): ChannelEntry[] {
  const covered = new Set(entries.flatMap((entry) => [entry.replaces, ...entry.skips]));
  return entries.filter((entry) => !covered.has(entry.name));
}

function manyHeads(heads: readonly ChannelEntry[]): string {
  const names = heads.map((entry) => entry.name).sort();
  return `multiple channel heads found: ${names.join(', ')}`;
}

function hasCycle(entries: readonly ChannelEntry[]): boolean {
  const next = new Map(entries.map((entry) => [entry.name, [entry.replaces, ...entry.skips]]));
  const state = new Map<string, 'open' | 'done'>();
  for (const start of next.keys()) {
    const stack: { readonly name: string; readonly rest: string[] }[] = [];
    const enter = (name: string): boolean => {
      if (state.get(name) === 'open') return true;
      if (state.has(name) || !next.has(name)) return false;
      state.set(name, 'open');
      stack.push({ name, rest: [...(next.get(name) ?? [])] });
      return false;
    };
    if (enter(start)) return true;
    // By hand and not by recursion: chains of real channels are hundreds of entries long.
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const name = top.rest.pop();
      if (name === undefined) {
        state.set(top.name, 'done');
        stack.pop();
      } else if (enter(name)) return true;
    }
  }
  return false;
}
