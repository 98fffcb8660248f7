import { checkImageName, checkPlatforms, checkTargets, checkUnique, requireText } from './common-rules.ts';
import type { Faults } from './faults.ts';
import type { ContentFile } from './image-set-decode.ts';
import { parseMirrorReference } from './mirror-reference.ts';
import type { ConfigPath } from './node.ts';
import { compareVersions, findLenientVersion } from './version.ts';

type Catalog = ContentFile['operators'][number];
type Package = NonNullable<Catalog['packages']>[number];
type Range = { readonly minVersion: string | undefined; readonly maxVersion: string | undefined };

/** The rules for catalogs, packages and their channels (oc-mirror-v2.md §1.4). */
export function checkOperators(catalogs: ContentFile['operators'], path: ConfigPath, faults: Faults): void {
  checkUniqueCatalogs(catalogs, path, faults);
  catalogs.forEach((catalog, index) => {
    const at = [...path, index];
    checkImageName(catalog.catalog, [...at, 'catalog'], faults);
    checkTargets(catalog.targetCatalog, [...at, 'targetCatalog'], catalog.targetTag, [...at, 'targetTag'], faults);
    checkPlatforms(catalog.platforms, [...at, 'platforms'], faults);
    const packages = catalog.packages ?? [];
    checkUnique(
      packages.map((one) => one.name),
      [...at, 'packages'],
      'name',
      'package',
      faults,
    );
    packages.forEach((one, number) => {
      checkPackage(one, catalog.full, [...at, 'packages', number], faults);
    });
  });
}

/**
 * A name at the target may come once: that is oc-mirror's rule. The same source under two target names it accepts, and then mirrors one of the
 * two (§7.8): fine here while both entries select the same, since that is one filtered catalog under two names; refused when they differ. Of two sources
 * that would have one name in the mirror, which knows no source's host, it mirrors the last one: refused.
 */
function checkUniqueCatalogs(catalogs: readonly Catalog[], path: ConfigPath, faults: Faults): void {
  const sources = new Map<string, number>();
  const targets = new Map<string, number>();
  const mirrored = new Map<string, number>();
  catalogs.forEach((catalog, index) => {
    const names = catalogNames(catalog);
    if (!names) return;
    const at = [...path, index, 'catalog'];
    const [source, target] = [sources.get(names.source), targets.get(names.target)];
    const other = names.mirrored === undefined ? undefined : mirrored.get(names.mirrored);
    const first = target ?? source ?? other;
    const line = first === undefined ? 0 : faults.lineOf([...path, first, 'catalog']);
    const name = `catalog "${catalog.catalog}"`;
    const hint = 'put the packages of both below one entry';
    if (target !== undefined) {
      faults.error('CONFIG_DUPLICATE', at, `${name}: duplicate found in configuration, first on line ${line}`, hint);
    } else if (source !== undefined && selection(catalogs[source]) !== selection(catalog)) {
      const message = `${name} is also on line ${line} with another selection: one catalog cannot be filtered in two ways`;
      // A deletion takes away what each of the two names, which is no harm.
      faults[path[0] === 'delete' ? 'warning' : 'error']('CONFIG_DUPLICATE', at, message, hint);
    } else if (source !== undefined) {
      const message = `${name} is also on line ${line}: oc-mirror itself would mirror only one of the two names`;
      faults.warning('CONFIG_DUPLICATE', at, message, 'keep one of them if the archive is for oc-mirror');
    } else if (other !== undefined && path[0] !== 'delete') {
      const message = `${name} would be ${names.mirrored} in the mirror, and so would the one on line ${line}: one of the two would be lost`;
      faults.error('CONFIG_DUPLICATE', at, message, 'give one of them a targetCatalog or a targetTag');
    }
    if (source === undefined) sources.set(names.source, index);
    if (target === undefined) targets.set(names.target, index);
    if (other === undefined && names.mirrored !== undefined) mirrored.set(names.mirrored, index);
  });
}

/** What an entry keeps of its catalog, as comparable text. */
function selection(catalog: Catalog | undefined): string {
  return JSON.stringify([catalog?.full, catalog?.platforms, catalog?.packages]);
}

/** What an entry is called at its source, by oc-mirror's rule for duplicates, and in the mirror, where a tag says so. */
interface CatalogNames {
  readonly source: string;
  readonly target: string;
  readonly mirrored: string | undefined;
}

function catalogNames(catalog: Catalog): CatalogNames | undefined {
  const reference = catalog.catalog === undefined ? undefined : parseMirrorReference(catalog.catalog);
  if (!reference || 'fault' in reference) return undefined;
  const { transport, domain, pathComponent, tag, algorithm, digestHex } = reference;
  const version = catalog.targetTag ?? (tag || `${algorithm}:${digestHex}`);
  const isRegistry = transport === 'docker';
  const host = isRegistry ? domain : '';
  const own = isRegistry ? pathComponent : (pathComponent.split('/').filter(Boolean).at(-1) ?? '');
  const mirroredTag = catalog.targetTag ?? (tag || (isRegistry ? '' : 'latest'));
  return {
    source: `${transport}://${reference.reference}`,
    target: `${transport}://${host}/${catalog.targetCatalog ?? pathComponent}:${version}`,
    mirrored: mirroredTag === '' ? undefined : `${catalog.targetCatalog ?? own}:${mirroredTag}`,
  };
}

function checkPackage(one: Package, full: boolean, path: ConfigPath, faults: Faults): void {
  requireText(one.name, [...path, 'name'], faults, 'the name of a package in the catalog');
  const packageRange = checkRange(one, full, path, faults);
  checkUnique(
    one.channels.map((channel) => channel.name),
    [...path, 'channels'],
    'name',
    'channel',
    faults,
  );
  one.channels.forEach((channel, index) => {
    const at = [...path, 'channels', index];
    requireText(channel.name, [...at, 'name'], faults, 'the name of a channel of the package, for example stable');
    if (checkRange(channel, full, at, faults) && packageRange) {
      const message =
        'mixing both filtering by minVersion/maxVersion and filtering by channel minVersion/maxVersion is not allowed';
      faults.error(
        'CONFIG_CONFLICT',
        [...at, channel.minVersion === undefined ? 'maxVersion' : 'minVersion'],
        message,
        'keep the range of the package, or those of its channels',
      );
    }
  });
}

/** As oc-mirror's own check: no blank around it, and no number in a pre-release with a leading zero. */
function isLenientVersion(text: string): boolean {
  const version = findLenientVersion(text);
  return version !== undefined && text.trim() === text && !version.prerelease.some((word) => /^0\d+$/.test(word));
}

/** Whether there is a range; its faults are told. */
function checkRange(range: Range, full: boolean, path: ConfigPath, faults: Faults): boolean {
  const given = (['minVersion', 'maxVersion'] as const).filter((name) => range[name] !== undefined);
  const [first] = given;
  if (first === undefined) return false;
  const bad = given.filter((name) => !isLenientVersion(range[name] ?? ''));
  for (const name of bad) {
    const message = `"${range[name]}" must respect semantic versioning notation`;
    faults.error('CONFIG_VALUE', [...path, name], message, 'for example 1.2.3');
  }
  const [min, max] = [findLenientVersion(range.minVersion ?? ''), findLenientVersion(range.maxVersion ?? '')];
  if (min && max && compareVersions(min, max) > 0) {
    const message = `minVersion ${range.minVersion} is above maxVersion ${range.maxVersion}`;
    faults.error('CONFIG_CONFLICT', [...path, 'minVersion'], message, 'swap them');
  }
  if (full) {
    const message = '"full: true" of the catalog cannot be mixed with a version range';
    faults.warning(
      'CONFIG_CONFLICT',
      [...path, first],
      `${message}: filtering the catalog will fail`,
      'take "full" or the range away',
    );
  }
  return true;
}
