import { findStrictVersion } from '../../config/index.ts';
import { findChain, findHead } from './channel-graph.ts';
import type { CatalogContent, CatalogPackage, ChannelEntry } from './content.ts';

/**
 * What `opm validate` would say against a catalog, one sentence each; [] when it would pass. The rules are those of operator-registry:
 * `declcfg.ConvertToModel` and `model.Model.Validate`.
 */
export function checkCatalog(content: CatalogContent): string[] {
  return [...content.values()].flatMap((one) => checkPackage(one).map((fault) => `package ${one.name}: ${fault}`));
}

function checkPackage(one: CatalogPackage): string[] {
  const faults = one.repeated.map((what) => `${what} stands there twice`);
  // It becomes a folder's name.
  if (!/^\w[\w.-]*$/.test(one.name)) faults.push('its name holds other characters than letters, digits and . _ -');
  if (one.defaultChannel === undefined) faults.push('there is no olm.package for it');
  else if (!one.channels.has(one.defaultChannel))
    faults.push(`its default channel "${one.defaultChannel}" does not exist`);
  if (one.channels.size === 0) faults.push('it has no channels');
  const used = new Set<string>();
  for (const [name, entries] of one.channels) {
    for (const entry of entries) used.add(entry.name);
    faults.push(...checkChannel(one, entries).map((fault) => `channel ${name}: ${fault}`));
  }
  for (const bundle of one.bundles.values()) {
    if (!used.has(bundle.name)) faults.push(`bundle ${bundle.name} is in no channel`);
    if (bundle.packageProperties !== 1)
      faults.push(`bundle ${bundle.name} has ${bundle.packageProperties} olm.package properties`);
    else if (!findStrictVersion(bundle.version ?? '')) faults.push(`bundle ${bundle.name} has no semantic version`);
    if (bundle.image === '' && bundle.relatedImages.length === 0) faults.push(`bundle ${bundle.name} has no image`);
  }
  return [...faults, ...checkVersions(one)];
}

function checkChannel(one: CatalogPackage, entries: readonly ChannelEntry[]): string[] {
  const missing = entries
    .filter((entry) => !one.bundles.has(entry.name))
    .map((entry) => `there is no bundle ${entry.name}`);
  const found = findHead(entries);
  if ('fault' in found) return [...missing, found.fault];
  const chain = findChain(entries, found.head);
  const reached = new Set(chain.flatMap((entry) => [entry.name, entry.replaces, ...entry.skips]));
  const stranded = entries.filter((entry) => !reached.has(entry.name)).map((entry) => entry.name);
  return stranded.length === 0
    ? missing
    : [...missing, `entries that its head does not reach: ${stranded.sort().join(', ')}`];
}

/** Two bundles of one version make updates ambiguous. */
function checkVersions(one: CatalogPackage): string[] {
  const seen = new Map<string, string>();
  const faults: string[] = [];
  for (const bundle of one.bundles.values()) {
    if (bundle.version === undefined) continue;
    const known = seen.get(bundle.version);
    if (known !== undefined) faults.push(`bundles ${known} and ${bundle.name} have one version ${bundle.version}`);
    seen.set(bundle.version, bundle.name);
  }
  return faults;
}
