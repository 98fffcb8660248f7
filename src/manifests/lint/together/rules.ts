import { lintAddresses } from './addresses.ts';
import { lintHosts } from './hosts.ts';
import { lintMirrors } from './mirrors.ts';
import { type LintedEntry, ObjectSet } from './object-set.ts';
import { lintOperatorGroups } from './operator-groups.ts';
import { lintNamespaces, lintReferences } from './references.ts';
import { lintVersions } from './versions.ts';

const rules = [lintMirrors, lintOperatorGroups, lintReferences, lintNamespaces, lintHosts, lintAddresses, lintVersions];

/** Faults that show only when objects are compared, whatever files they stand in. */
export function lintTogether(entries: readonly LintedEntry[]): void {
  const set = new ObjectSet(entries);
  for (const rule of rules) rule(set);
}
