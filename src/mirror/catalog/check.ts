import { findStrictVersion } from '../../config/index.ts';
import { findGraphFault } from './channel-graph.ts';
import {
  type CatalogBundle,
  type CatalogContent,
  type CatalogPackage,
  type ChannelEntry,
  type Deprecation,
  schemas,
} from './content.ts';

/**
 * What `opm validate` would say against a catalog, one sentence each; [] when it would pass. The rules are those of operator-registry:
 * `declcfg.ConvertToModel` and `model.Model.Validate`, as its current releases have them.
 */
export function checkCatalog(content: CatalogContent): string[] {
  return [...content.values()].flatMap((one) => checkPackage(one).map((fault) => `package ${one.name}: ${fault}`));
}

function checkPackage(one: CatalogPackage): string[] {
  const faults = [...one.faults];
  // It becomes a folder's name.
  if (!/^\w[\w.-]*$/.test(one.name)) faults.push('its name holds other characters than letters, digits and . _ -');
  if (one.defaultChannel === undefined) faults.push('there is no olm.package for it');
  else if (!one.channels.has(one.defaultChannel))
    faults.push(`its default channel "${one.defaultChannel}" does not exist`);
  if (one.channels.size === 0) faults.push('it has no channels');
  const used = new Set<string>();
  for (const [name, entries] of one.channels) {
    for (const entry of entries) used.add(entry.name);
    faults.push(...checkChannel(one, name, entries).map((fault) => `channel ${name}: ${fault}`));
  }
  for (const bundle of one.bundles.values()) {
    if (bundle.name === '') faults.push('a bundle has no name');
    if (!used.has(bundle.name)) faults.push(`bundle ${bundle.name} is in no channel`);
    faults.push(...[...bundle.faults, ...releaseFaults(one, bundle)].map((fault) => `bundle ${bundle.name} ${fault}`));
  }
  return [...faults, ...checkVersions(one), ...checkDeprecations(one)];
}

function checkChannel(one: CatalogPackage, name: string, entries: readonly ChannelEntry[]): string[] {
  const faults = name === '' ? ['it has no name'] : [];
  const names = new Set<string>();
  for (const entry of entries) {
    if (names.has(entry.name)) faults.push(`entry ${entry.name} stands there twice`);
    names.add(entry.name);
    if (!one.bundles.has(entry.name)) faults.push(`there is no bundle ${entry.name}`);
    if (entry.skips.includes('')) faults.push(`${entry.name} skips an empty name`);
  }
  const graph = findGraphFault(entries);
  return graph === undefined ? faults : [...faults, graph];
}

/** A bundle with a release has one possible name. @see operator-registry alpha/declcfg, "normalizeBundleName" */
function releaseFaults(one: CatalogPackage, { name, version, release }: CatalogBundle): string[] {
  if (release === '' || version === undefined || !findStrictVersion(version) || !isRelease(release)) return [];
  const wanted = `${one.name}-v${version}-${release}`;
  return [
    ...(name === wanted ? [] : [`has the release ${release}, and has to be named ${wanted}`]),
    ...(version.includes('+') ? [`has a release beside the build metadata of its version ${version}`] : []),
  ];
}

/** Words of a pre-release, at most 20 characters; operator-registry judges neither name nor version of a bundle with any other text. */
function isRelease(text: string): boolean {
  const word = /^(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)$/;
  return text === '' || (text.length <= 20 && text.split('.').every((one) => word.test(one)));
}

/** Two bundles of one version make updates ambiguous. */
function checkVersions(one: CatalogPackage): string[] {
  const seen = new Map<string, string>();
  const faults: string[] = [];
  for (const bundle of one.bundles.values()) {
    if (bundle.version === undefined || !isRelease(bundle.release)) continue;
    const version = bundle.release === '' ? bundle.version : `${bundle.version}-${bundle.release}`;
    const known = seen.get(version);
    if (known !== undefined) faults.push(`bundles ${known} and ${bundle.name} have one version ${version}`);
    seen.set(version, bundle.name);
  }
  return faults;
}

function checkDeprecations(one: CatalogPackage): string[] {
  const seen = new Set<string>();
  return one.deprecations.flatMap((deprecation) => {
    const { schema, name, message } = deprecation;
    const what = `deprecation of ${schema || 'nothing'} "${name}"`;
    const key = `${schema} ${name}`;
    const faults = seen.has(key) ? [`${what} stands there twice`] : [];
    seen.add(key);
    if (message === '') faults.push(`${what} has no message`);
    if (!isKnownReference(one, deprecation)) faults.push(`${what} refers to nothing in the package`);
    return faults;
  });
}

function isKnownReference(one: CatalogPackage, { schema, name }: Deprecation): boolean {
  if (schema === schemas.package) return name === '';
  if (schema === schemas.channel) return one.channels.has(name);
  return schema === schemas.bundle && one.bundles.has(name);
}
