import { findStrictVersion } from '../../config/index.ts';
import { AirlockError } from '../../core/errors.ts';
import { findVersionConstraint } from '../version-constraint.ts';
import { findGraphFault } from './channel-graph.ts';
import type { CatalogBundle, ChannelEntry } from './content.ts';

/** A version range as it stands in an ImageSetConfiguration. Either end may be open. */
export interface VersionRange {
  readonly min?: string | undefined;
  readonly max?: string | undefined;
}

/** `>=1.2 <=2.0`, as messages show a range. */
export function formatRange(range: VersionRange): string {
  return [range.min === undefined ? '' : `>=${range.min}`, range.max === undefined ? '' : `<=${range.max}`]
    .filter(Boolean)
    .join(' ');
}

/** A test for the versions that a range holds; strict versions only. @throws AirlockError CATALOG_FILTER_INVALID */
export function rangeTest(range: VersionRange): (version: string) => boolean {
  const holds = findVersionConstraint(formatRange(range));
  if (!holds) throw new AirlockError('CATALOG_FILTER_INVALID', `${formatRange(range)} is no range of versions`);
  return (version) => {
    const parsed = findStrictVersion(version);
    return parsed !== undefined && holds(parsed);
  };
}

/** What a range keeps of a channel. */
export interface RangeSelection {
  /** Empty when nothing of the channel is in the range. */
  readonly names: ReadonlySet<string>;
  /** More than oc-mirror keeps: what that leaves is no channel to opm. */
  readonly isWidened: boolean;
}

/**
 * The entries of a channel that a range keeps (reference §7.3): along the `replaces` chain from the head, from the lowest entry that still
 * covers every wanted bundle, down to the last one that covers any; and the wanted ones among what those skip. The chain is followed
 * through names outside the channel as long as the package has a bundle of that name (★): what lies there is counted, but not kept.
 *
 * Where opm would find entries in what is left that no update leads to, since what skips them is gone, the chain begins higher up, at the head
 * in the end, and then keeps the whole channel.
 */
export function selectRange(
  entries: readonly ChannelEntry[],
  head: ChannelEntry,
  bundles: ReadonlyMap<string, CatalogBundle>,
  range: VersionRange,
): RangeSelection {
  const holds = rangeTest(range);
  const isWanted = (name: string): boolean => {
    const version = bundles.get(name)?.version;
    return version !== undefined && holds(version);
  };
  const known = new Set(entries.map((entry) => entry.name));
  const chain = followChain(entries, head, bundles);
  const counts = countWanted(chain, isWanted);
  const most = counts[0] ?? 0;
  if (most === 0) return { names: new Set(), isWidened: false };
  const lowest = counts.lastIndexOf(most);
  const tail = counts.indexOf(0);
  for (let top = lowest; top >= 0; top -= 1) {
    const links = chain.slice(top, tail < 0 ? undefined : tail);
    const kept = links.flatMap((link) => [link.name, ...link.skips.filter(isWanted)]);
    const names = new Set(kept.filter((name) => known.has(name)));
    const isSound = names.size === 0 || findGraphFault(entries.filter((entry) => names.has(entry.name))) === undefined;
    if (isSound) return { names, isWidened: top !== lowest };
  }
  return { names: known, isWidened: true };
}

interface ChainLink {
  readonly name: string;
  readonly skips: readonly string[];
}

function followChain(
  entries: readonly ChannelEntry[],
  head: ChannelEntry,
  bundles: ReadonlyMap<string, CatalogBundle>,
): ChainLink[] {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const chain = new Map<string, ChainLink>();
  for (let name = head.name; !chain.has(name) && (byName.has(name) || bundles.has(name)); ) {
    const entry = byName.get(name);
    chain.set(name, { name, skips: entry?.skips ?? [] });
    if (entry) name = entry.replaces;
  }
  return [...chain.values()];
}

/** For each link, how many wanted bundles there are at it and below, each counted once. */
function countWanted(chain: readonly ChainLink[], isWanted: (name: string) => boolean): number[] {
  const below = new Set<string>();
  const upwards = [...chain].reverse().map((link) => {
    for (const name of [link.name, ...link.skips]) if (isWanted(name)) below.add(name);
    return below.size;
  });
  return upwards.reverse();
}
