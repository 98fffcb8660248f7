import type { OperatorCatalog, OperatorPackage } from '../../config/index.ts';
import { AirlockError } from '../../core/errors.ts';
import type { Note } from '../../plan/index.ts';
import { findHead } from './channel-graph.ts';
import type { CatalogContent, CatalogPackage, ChannelEntry } from './content.ts';
import {
  findBundleOf,
  formatRange,
  isOneVersion,
  type RangeSelection,
  selectRange,
  type VersionRange,
} from './range.ts';

/** What of a package is kept. */
export interface PackageSelection {
  readonly name: string;
  readonly defaultChannel: string;
  /** Channel → names of kept entries, in the catalog's order. */
  readonly channels: ReadonlyMap<string, ReadonlySet<string>>;
  /** Bundle → why it is kept. */
  readonly bundles: ReadonlyMap<string, string>;
}

/** What of a catalog is kept, by package name. */
export interface CatalogSelection {
  readonly packages: ReadonlyMap<string, PackageSelection>;
  /** Packages that were asked for by name; undefined when all were. */
  readonly asked: ReadonlySet<string> | undefined;
  readonly notes: readonly Note[];
}

/**
 * Applies the filter of a catalog entry (reference §7.3). All faults of all packages come in one error.
 * @throws AirlockError CATALOG_INVALID, CATALOG_FILTER_INVALID, CATALOG_EMPTY
 */
export function filterCatalog(content: CatalogContent, entry: OperatorCatalog): CatalogSelection {
  const asked = entry.packages ?? [];
  const notes: Note[] = [];
  const faults: AirlockError[] = [];
  const packages = new Map<string, PackageSelection>();
  const wanted =
    asked.length > 0 ? asked : [...content.keys()].map((name): OperatorPackage => ({ name, channels: [] }));
  for (const filter of wanted) {
    const found = content.get(filter.name);
    if (!found) {
      notes.push({
        code: 'CATALOG_PACKAGE_UNKNOWN',
        subject: entry.catalog,
        message: `it has no package ${filter.name}`,
      });
      continue;
    }
    try {
      const selection = filterPackage(found, filter, {
        full: entry.full,
        isListed: asked.length > 0,
        catalog: entry.catalog,
        notes,
      });
      if (selection.channels.size > 0) packages.set(found.name, selection);
    } catch (error) {
      if (!(error instanceof AirlockError)) throw error;
      faults.push(error);
    }
  }
  const [first] = faults;
  if (first)
    throw new AirlockError(first.code, faults.map((fault) => fault.message).join('; '), {
      ...(first.hint ? { hint: first.hint } : {}),
    });
  if (packages.size === 0) throw new AirlockError('CATALOG_EMPTY', `nothing of ${entry.catalog} is selected`);
  const names = asked.length > 0 ? new Set(asked.map((one) => one.name)) : undefined;
  return { packages, asked: names, notes };
}

interface FilterContext {
  readonly full: boolean;
  readonly isListed: boolean;
  readonly catalog: string;
  readonly notes: Note[];
}

function filterPackage(found: CatalogPackage, filter: OperatorPackage, context: FilterContext): PackageSelection {
  const asked = new Map(filter.channels.map((channel) => [channel.name, channel]));
  for (const name of asked.keys()) {
    if (!found.channels.has(name))
      context.notes.push({
        code: 'CATALOG_CHANNEL_UNKNOWN',
        subject: context.catalog,
        message: `package ${found.name} has no channel ${name}`,
      });
  }
  const kept = [...found.channels].filter(([name]) => asked.size === 0 || asked.has(name));
  const defaultChannel = filter.defaultChannel || (found.defaultChannel ?? '');
  if (context.isListed && !kept.some(([name]) => name === defaultChannel)) {
    throw new AirlockError(
      'CATALOG_FILTER_INVALID',
      `package ${found.name}: its default channel "${defaultChannel}" is not among what is kept`,
      {
        hint: 'list that channel too, or name another defaultChannel for the package',
      },
    );
  }
  const channels = new Map<string, ReadonlySet<string>>();
  const bundles = new Map<string, string>();
  let emptied: string | undefined;
  for (const [name, entries] of kept) {
    const range = rangeOf(asked.get(name)) ?? rangeOf(filter);
    const selected = selectEntries(found, name, entries, { full: context.full, range });
    if (selected.names.size === 0) {
      if (name === defaultChannel) {
        emptied = formatRange(range ?? {});
        continue;
      }
      context.notes.push({
        code: 'CATALOG_CHANNEL_DROPPED',
        subject: context.catalog,
        message: `package ${found.name}: channel ${name} has nothing in the range and is left out`,
      });
      continue;
    }
    if (selected.isWidened)
      context.notes.push({
        code: 'CATALOG_RANGE_WIDENED',
        subject: context.catalog,
        message: `package ${found.name}: channel ${name} keeps more than ${formatRange(range ?? {})}, since opm refuses a channel whose updates do not reach all of it`,
      });
    channels.set(name, selected.names);
    for (const bundle of selected.names) bundles.set(bundle, joinReasons(bundles.get(bundle), selected.reason(bundle)));
  }
  if (emptied !== undefined) {
    const others = [...channels.keys()].join(', ');
    const remedy = others === '' ? '' : `; name one that has as its defaultChannel (${others}), or widen the range`;
    throw new AirlockError(
      'CATALOG_FILTER_INVALID',
      `package ${found.name}: its default channel ${defaultChannel} has nothing in the range ${emptied}${remedy}`,
    );
  }
  return { name: found.name, defaultChannel, channels, bundles };
}

function rangeOf(
  filter: { readonly minVersion?: string | undefined; readonly maxVersion?: string | undefined } | undefined,
): VersionRange | undefined {
  if (!filter || (!filter.minVersion && !filter.maxVersion)) return undefined;
  return { min: filter.minVersion || undefined, max: filter.maxVersion || undefined };
}

interface EntrySelection extends RangeSelection {
  readonly reason: (bundle: string) => string;
}

/** The entries of one channel, first rule that fits: all of them, a range, the head. */
function selectEntries(
  found: CatalogPackage,
  channel: string,
  entries: readonly ChannelEntry[],
  rule: { readonly full: boolean; readonly range: VersionRange | undefined },
): EntrySelection {
  if (rule.full && rule.range)
    throw new AirlockError(
      'CATALOG_FILTER_INVALID',
      `package ${found.name}: full: true cannot go with a version range`,
    );
  if (rule.full)
    return {
      names: new Set(entries.map((entry) => entry.name)),
      isWidened: false,
      reason: () => `channel ${channel} (all)`,
    };
  if (rule.range && isOneVersion(rule.range)) return selectVersion(found, channel, entries, rule.range);
  const head = findHead(entries);
  if ('fault' in head)
    throw new AirlockError('CATALOG_INVALID', `package ${found.name}, channel ${channel}: ${head.fault}`);
  for (const entry of entries) {
    const bundle = found.bundles.get(entry.name);
    if (bundle && bundle.version === undefined)
      throw new AirlockError(
        'CATALOG_INVALID',
        `package ${found.name}: bundle ${bundle.name} has no olm.package property`,
      );
  }
  if (!rule.range)
    return { names: new Set([head.head.name]), isWidened: false, reason: () => `head of channel ${channel}` };
  const range = formatRange(rule.range);
  return {
    ...selectRange(entries, head.head, found.bundles, rule.range),
    reason: () => `channel ${channel}, ${range}`,
  };
}

/** One version: its bundle alone, whatever stands around it. A version that no bundle of the package has is a slip, not an empty range. */
function selectVersion(
  found: CatalogPackage,
  channel: string,
  entries: readonly ChannelEntry[],
  range: VersionRange,
): EntrySelection {
  const bundle = findBundleOf(range, found.bundles, entries);
  if (!bundle)
    throw new AirlockError('CATALOG_FILTER_INVALID', `package ${found.name}: no bundle has the version ${range.min}`);
  const isThere = entries.some((entry) => entry.name === bundle.name);
  return {
    names: new Set(isThere ? [bundle.name] : []),
    isWidened: false,
    reason: () => `channel ${channel}, version ${range.min}`,
  };
}

function joinReasons(known: string | undefined, reason: string): string {
  return known === undefined ? reason : `${known}; ${reason}`;
}
