import type { OperatorCatalog } from '../../config/index.ts';
import type { SelectedCatalog, SelectedImage } from '../../plan/index.ts';
import { filterHash } from '../catalog/filter-hash.ts';
import { formatRange, rangeTest } from '../catalog/range.ts';

/** Whether all bundles that an image belongs to are selected, by their names, and no catalog of the site has one that stays. */
export function bundleTest(
  entries: readonly OperatorCatalog[],
  catalogs: readonly SelectedCatalog[],
  images: readonly SelectedImage[],
): (bundles: readonly string[]) => boolean {
  const going = new Set<string>();
  const staying = new Set<string>();
  for (const catalog of catalogs) {
    const own = entries.filter((entry) => plain(entry.catalog) === plain(catalog.origin));
    const selected = new Set(own.flatMap((entry) => [...selectBundles(entry, catalog, images)]));
    for (const name of selected) going.add(name);
    for (const name of bundleNames(catalog)) if (!selected.has(name)) staying.add(name);
  }
  return (bundles) => bundles.length > 0 && bundles.every((name) => going.has(name) && !staying.has(name));
}

function bundleNames(catalog: SelectedCatalog): string[] {
  return catalog.packages.flatMap((one) => one.channels.flatMap((channel) => channel.bundles.map(({ name }) => name)));
}

/**
 * Names of the bundles that an entry selects of its catalog. The very filter that made the catalog selects all that it brought, also what a
 * range kept around itself; any other one selects what is in its range, or everything that is there of a package.
 */
function selectBundles(
  entry: OperatorCatalog,
  catalog: SelectedCatalog,
  images: readonly SelectedImage[],
): Set<string> {
  const names = new Set<string>();
  const isSameFilter = isMadeBy(entry, catalog, images);
  for (const one of catalog.packages) {
    const filter = entry.packages?.find((candidate) => candidate.name === one.name);
    if (entry.packages && entry.packages.length > 0 && !filter) continue;
    for (const channel of one.channels) {
      const channelFilter = filter?.channels.find((candidate) => candidate.name === channel.name);
      if (filter && filter.channels.length > 0 && !channelFilter) continue;
      const range = channelFilter?.minVersion || channelFilter?.maxVersion ? channelFilter : filter;
      const holds = isSameFilter ? () => true : findRangeTest(range?.minVersion, range?.maxVersion);
      for (const bundle of channel.bundles) if (holds(bundle.version)) names.add(bundle.name);
    }
  }
  return names;
}

/** Whether the rebuilt catalog stands under the hash of this very filter (reference §7.5). */
function isMadeBy(entry: OperatorCatalog, catalog: SelectedCatalog, images: readonly SelectedImage[]): boolean {
  const hash = filterHash(entry, catalog.digest);
  return images.some(
    (image) => image.type === 'operatorCatalog' && image.tag === hash && image.digest === catalog.targetDigest,
  );
}

/** As for mirroring: `maxVersion: "1.2"` holds 1.2.9. A range that cannot be read holds nothing, so that nothing is deleted by it. */
function findRangeTest(min: string | undefined, max: string | undefined): (version: string) => boolean {
  const range = { min: min || undefined, max: max || undefined };
  if (formatRange(range) === '') return () => true;
  try {
    return rangeTest(range);
  } catch {
    return () => false;
  }
}

function plain(reference: string): string {
  return reference.replace(/^docker:\/\//, '');
}
