import semver from 'semver';
import type { RandomEntry, RandomPackage } from './random-catalog.ts';

/** What an ImageSetConfiguration asks of a package. */
export interface Asked {
  readonly name: string;
  readonly defaultChannel?: string;
  readonly minVersion?: string;
  readonly maxVersion?: string;
  readonly channels: readonly { readonly name: string; readonly minVersion?: string; readonly maxVersion?: string }[];
}

/** Package → default channel, and channel → entries; or the fault that ends it. */
export type Expected = Map<string, { defaultChannel: string; channels: Map<string, Set<string>> }> | 'refused';

/** Reference §7.3, told a second time and without the code under test: recursion and sets, no care for speed. */
export function expectSelection(packages: readonly RandomPackage[], asked: readonly Asked[], full: boolean): Expected {
  const result: Exclude<Expected, 'refused'> = new Map();
  for (const one of packages) {
    const want = asked.find((ask) => ask.name === one.name);
    if (asked.length > 0 && !want) continue;
    const listed = want?.channels ?? [];
    const kept = one.channels.filter(
      (channel) => listed.length === 0 || listed.some((ask) => ask.name === channel.name),
    );
    const defaultChannel = want?.defaultChannel ?? one.defaultChannel;
    if (want && !kept.some((channel) => channel.name === defaultChannel)) return 'refused';
    const channels = new Map<string, Set<string>>();
    for (const channel of kept) {
      const own = listed.find((ask) => ask.name === channel.name);
      const range = own?.minVersion || own?.maxVersion ? own : want;
      const isRange = Boolean(range?.minVersion || range?.maxVersion);
      if (full && isRange) return 'refused';
      const names = full
        ? new Set(channel.entries.map((entry) => entry.name))
        : isRange
          ? range?.minVersion !== undefined && range.minVersion === range.maxVersion
            ? ofVersion(one, channel.entries, range.minVersion)
            : inRange(one, channel.entries, range?.minVersion, range?.maxVersion)
          : new Set([headOf(channel.entries)]);
      if (names === 'unknown') return 'refused';
      if (names.size > 0) channels.set(channel.name, names);
      else if (channel.name === defaultChannel) return 'refused';
    }
    if (channels.size > 0) result.set(one.name, { defaultChannel, channels });
  }
  return result.size > 0 ? result : 'refused';
}

function headOf(entries: readonly RandomEntry[]): string {
  return (
    entries.find((one) => !entries.some((other) => other.replaces === one.name || other.skips?.includes(one.name)))
      ?.name ?? ''
  );
}

/** One version: its bundle where the channel has it, and that alone. Versions with other build metadata are the same. */
function ofVersion(one: RandomPackage, entries: readonly RandomEntry[], version: string): Set<string> | 'unknown' {
  const same = one.bundles.filter((bundle) => semver.compare(bundle.version, whole(version)) === 0);
  if (same.length === 0) return 'unknown';
  const here = same.filter((bundle) => entries.some((entry) => entry.name === bundle.name));
  const [first] = here.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
  function rank(bundle: { version: string }): number {
    return bundle.version === version ? 0 : 1;
  }
  return new Set(first ? [first.name] : []);
}

/** A version that may be written short, with zeros for what is not there. */
const whole = (end: string): string => (semver.valid(end) ? end : `${end}.0.0`.split('.').slice(0, 3).join('.'));

function inRange(one: RandomPackage, entries: readonly RandomEntry[], min?: string, max?: string): Set<string> {
  const versionOf = (name: string) => one.bundles.find((bundle) => bundle.name === name)?.version;
  const wanted = (name: string): boolean => {
    const version = versionOf(name);
    return version !== undefined && fits(version, min, max);
  };
  const entryOf = (name: string) => entries.find((entry) => entry.name === name);
  const chainFrom = (name: string | undefined): string[] =>
    name === undefined || (!entryOf(name) && !versionOf(name)) ? [] : [name, ...chainFrom(entryOf(name)?.replaces)];
  const below = (name: string): Set<string> =>
    new Set(
      chainFrom(name)
        .flatMap((link) => [link, ...(entryOf(link)?.skips ?? [])])
        .filter(wanted),
    );
  const chain = chainFrom(headOf(entries));
  const all = below(chain[0] ?? '').size;
  const covering = chain.filter((link) => below(link).size === all);
  const lowest = covering.at(-1);
  const kept = chain.slice(chain.indexOf(lowest ?? '')).filter((link) => below(link).size > 0);
  return new Set(
    kept.flatMap((link) => [link, ...(entryOf(link)?.skips ?? []).filter(wanted)]).filter((name) => entryOf(name)),
  );
}

/** Ends that are written short take what begins with them; a pre-release needs one at either end. */
function fits(version: string, min?: string, max?: string): boolean {
  if (semver.prerelease(version) && ![min, max].some((end) => end?.includes('-'))) return false;
  if (min && semver.compare(version, whole(min)) < 0) return false;
  if (!max || semver.compare(version, whole(max)) <= 0) return true;
  return !semver.valid(max) && `${version}.`.startsWith(`${max}.`);
}

/** What opm asks of a channel, each rule by itself. */
export function isSoundChannel(entries: readonly RandomEntry[]): boolean {
  const names = entries.map((entry) => entry.name);
  if (entries.length === 0 || new Set(names).size < names.length) return false;
  const heads = names.filter((name) => !entries.some((one) => one.replaces === name || one.skips?.includes(name)));
  if (heads.length !== 1) return false;
  const isSkipped = (name: string) => entries.some((one) => one.skips?.includes(name));
  const reached: string[] = [];
  for (let at = entries.find((one) => one.name === heads[0]); at; ) {
    if (reached.includes(at.name)) return false;
    reached.push(at.name);
    const next = at.replaces;
    at = next !== undefined && !isSkipped(next) ? entries.find((one) => one.name === next) : undefined;
  }
  return names.every((name) => reached.includes(name) || isSkipped(name));
}

/** Whether oc-mirror can walk a channel: no way leads back, not even one over what is skipped. */
export function hasNoCycle(entries: readonly RandomEntry[]): boolean {
  const below = (name: string, seen: readonly string[]): boolean => {
    if (seen.includes(name)) return false;
    const entry = entries.find((one) => one.name === name);
    return [entry?.replaces, ...(entry?.skips ?? [])].every(
      (next) => next === undefined || below(next, [...seen, name]),
    );
  };
  return entries.every((entry) => below(entry.name, []));
}
