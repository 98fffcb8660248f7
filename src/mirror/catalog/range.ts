import { compareVersions, findLenientVersion, findStrictVersion, type Version } from '../../config/index.ts';
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

/** Whether both ends are the same text. oc-mirror since 4.21 then takes that very version and nothing around it (OCPBUGS-61497). */
export function isOneVersion(range: VersionRange): boolean {
  return range.min !== undefined && range.min === range.max;
}

/** A test for the versions that a range holds; strict versions only. @throws AirlockError CATALOG_FILTER_INVALID */
export function rangeTest(range: VersionRange): (version: string) => boolean {
  // One version written short is that with zeros: 1.2 to 1.2 is 1.2.0, though <=1.2 alone holds 1.2.9.
  const one = isOneVersion(range) ? findLenientVersion(range.min ?? '') : undefined;
  if (one) return (version) => isSameVersion(version, one);
  const holds = findVersionConstraint(formatRange(range));
  if (!holds) throw new AirlockError('CATALOG_FILTER_INVALID', `${formatRange(range)} is no range of versions`);
  return (version) => {
    const parsed = findStrictVersion(version);
    return parsed !== undefined && holds(parsed);
  };
}

function isSameVersion(text: string, version: Version): boolean {
  const parsed = findStrictVersion(text);
  return parsed !== undefined && compareVersions(parsed, version) === 0;
}

/**
 * The bundle of a package that has the one version of `range`, if any. Versions are the same whatever build metadata they have, so that there may
 * be several: the one that is written like the range comes first, then those of the channel, where oc-mirror takes any.
 */
export function findBundleOf(
  range: VersionRange,
  bundles: ReadonlyMap<string, CatalogBundle>,
  entries: readonly ChannelEntry[],
): CatalogBundle | undefined {
  const holds = rangeTest(range);
  const names = new Set(entries.map((entry) => entry.name));
  const rank = (bundle: CatalogBundle): number =>
    (names.has(bundle.name) ? 0 : 2) + (bundle.version === range.min ? 0 : 1);
  return [...bundles.values()]
    .filter(({ version }) => version !== undefined && holds(version))
    .sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1))[0];
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
