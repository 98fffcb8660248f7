import { stringify } from 'smol-toml';
import type { MirrorMapping } from './mirror-mappings.ts';

/** How a registries.conf is written. */
export interface RegistriesConfOptions {
  /** Short names are looked up there; the assisted service needs at least one. Default: none, so that short names are refused. */
  readonly unqualifiedSearch?: readonly string[];
  /** The mirrors speak plain HTTP or show a certificate that is not to be checked. */
  readonly insecureMirrors?: boolean;
  /** Refuse the source itself (`blocked`), so that a missing image fails at once instead of after a time-out. */
  readonly blockSources?: boolean;
}

/** One `[[registry]]` table. */
interface RegistryTable {
  readonly location: string;
  readonly 'mirror-by-digest-only'?: boolean;
  readonly blocked?: boolean;
  readonly mirror: { readonly location: string; readonly 'pull-from-mirror'?: string; readonly insecure?: boolean }[];
}

/**
 * A containers-registries.conf (version 2) with the rules of the mirror sets: one table per source, since a second table for a source is not
 * read. A mirror that serves digests and tags says nothing more; one that serves only one kind says which.
 * @see containers/image docs/containers-registries.conf.5.md
 */
export function renderRegistriesConf(mappings: readonly MirrorMapping[], options: RegistriesConfOptions = {}): string {
  const sources = [...new Set(mappings.map((rule) => rule.source))].sort();
  return `${stringify({
    'unqualified-search-registries': [...(options.unqualifiedSearch ?? [])],
    registry: sources.map((source) =>
      registryTable(
        source,
        mappings.filter((rule) => rule.source === source),
        options,
      ),
    ),
  }).trimEnd()}\n`;
}

function registryTable(source: string, rules: readonly MirrorMapping[], options: RegistriesConfOptions): RegistryTable {
  const pulls = new Map<string, Set<MirrorMapping['pull']>>();
  for (const { pull, mirrors } of rules)
    for (const mirror of mirrors) pulls.set(mirror, (pulls.get(mirror) ?? new Set()).add(pull));
  // The two forms must not meet in one table: containers/image refuses the whole file.
  const digestOnly = rules.every((rule) => rule.pull === 'digest');
  return {
    location: source,
    ...(digestOnly ? { 'mirror-by-digest-only': true } : {}),
    ...(options.blockSources ? { blocked: true } : {}),
    mirror: [...pulls.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([location, kinds]) => ({
        location,
        ...(digestOnly || kinds.size === 2
          ? {}
          : { 'pull-from-mirror': kinds.has('digest') ? 'digest-only' : 'tag-only' }),
        ...(options.insecureMirrors ? { insecure: true } : {}),
      })),
  };
}
