import type { ChannelEntry } from './content.ts';

/**
 * The one head of a channel: the entry that no other replaces or skips. A text instead says what is wrong with the channel
 * (reference §7.3; the rules are operator-registry's, `model.Channel.Validate`).
 */
export function findHead(
  entries: readonly ChannelEntry[],
): { readonly head: ChannelEntry } | { readonly fault: string } {
  const names = new Set<string>();
  const covered = new Set<string>();
  for (const entry of entries) {
    if (names.has(entry.name)) return { fault: `entry ${entry.name} stands there twice` };
    names.add(entry.name);
    if (entry.replaces === entry.name || entry.skips.includes(entry.name))
      return { fault: `${entry.name} replaces itself` };
    for (const name of [entry.replaces, ...entry.skips]) covered.add(name);
  }
  const heads = entries.filter((entry) => !covered.has(entry.name));
  const [head] = heads;
  if (hasCycle(entries)) return { fault: 'its upgrade graph has a cycle' };
  if (!head) return { fault: entries.length === 0 ? 'it has no entries' : 'it has no head' };
  if (heads.length > 1) {
    const sorted = heads.map((entry) => entry.name).sort();
    return { fault: `multiple channel heads found: ${sorted.join(', ')}` };
  }
  return { head };
}

/** Entries from the head down the `replaces` chain that are in the channel. */
export function findChain(entries: readonly ChannelEntry[], head: ChannelEntry): ChannelEntry[] {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const chain: ChannelEntry[] = [];
  for (let at: ChannelEntry | undefined = head; at && !chain.includes(at); at = byName.get(at.replaces)) chain.push(at);
  return chain;
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
