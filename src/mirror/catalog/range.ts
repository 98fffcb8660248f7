import { compareVersions, findLenientVersion, findStrictVersion } from '../../config/index.ts';
import type { CatalogBundle, ChannelEntry } from './content.ts';

/** A version range as it stands in an ImageSetConfiguration. Either end may be open. */
export interface VersionRange {
  readonly min: string | undefined;
  readonly max: string | undefined;
}

/** `>=1.2 <=2.0`, as messages show a range. */
export function formatRange(range: VersionRange): string {
  return [range.min === undefined ? '' : `>=${range.min}`, range.max === undefined ? '' : `<=${range.max}`]
    .filter(Boolean)
    .join(' ');
}

/**
 * Whether a range holds a version, by the rules of Masterminds' constraints, which oc-mirror uses: a pre-release only matches an end that is
 * itself one; an upper end of fewer than three numbers takes everything that begins with it (`<=4.16` holds 4.16.9).
 */
export function isInRange(version: string, range: VersionRange): boolean {
  const parsed = findStrictVersion(version);
  if (!parsed) return false;
  const fits = (
    end: string | undefined,
    test: (limit: NonNullable<ReturnType<typeof findLenientVersion>>) => boolean,
  ): boolean => {
    if (end === undefined) return true;
    const limit = findLenientVersion(end);
    if (!limit || (parsed.prerelease.length > 0 && limit.prerelease.length === 0)) return false;
    return test(limit);
  };
  return (
    fits(range.min, (limit) => compareVersions(parsed, limit) >= 0) &&
    fits(range.max, (limit) => {
      const given = range.max?.replace(/[-+].*$/, '').split('.').length ?? 3;
      if (given >= 3) return compareVersions(parsed, limit) <= 0;
      const [major = 0, minor = 0] = parsed.numbers;
      const [majorLimit = 0, minorLimit = 0] = limit.numbers;
      return major < majorLimit || (major === majorLimit && (given < 2 || minor <= minorLimit));
    })
  );
}

/**
 * The entries of a channel that a range keeps (reference §7.3): along the `replaces` chain from the head, from the lowest entry that still
 * covers every wanted bundle, down to the last one that covers any; and the wanted ones among what those skip. The chain is followed
 * through names outside the channel as long as the package has a bundle of that name (★): what lies there is counted, but not kept.
 */
export function selectRange(
  entries: readonly ChannelEntry[],
  head: ChannelEntry,
  bundles: ReadonlyMap<string, CatalogBundle>,
  range: VersionRange,
): ReadonlySet<string> {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const isWanted = (name: string): boolean => {
    const version = bundles.get(name)?.version;
    return version !== undefined && isInRange(version, range);
  };
  const chain: { readonly name: string; readonly skips: readonly string[] }[] = [];
  for (let name = head.name; bundles.has(name) || byName.has(name); ) {
    const entry = byName.get(name);
    chain.push({ name, skips: entry?.skips ?? [] });
    if (!entry || chain.some((one) => one.name === entry.replaces)) break;
    name = entry.replaces;
  }
  const below = new Set<string>();
  const counts = [...chain].reverse().map((link) => {
    for (const name of [link.name, ...link.skips]) if (isWanted(name)) below.add(name);
    return below.size;
  });
  counts.reverse();
  const most = counts[0] ?? 0;
  if (most === 0) return new Set();
  const top = counts.lastIndexOf(most);
  const tail = counts.indexOf(0);
  const kept = chain.slice(top, tail < 0 ? undefined : tail);
  const names = kept.flatMap((link) => [link.name, ...link.skips.filter(isWanted)]);
  return new Set(names.filter((name) => byName.has(name)));
}
