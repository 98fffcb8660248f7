import type { OperatorCatalog } from '../../config/index.ts';
import { findStrictVersion } from '../../config/index.ts';
import type { SelectedCatalog, SelectedImage } from '../../plan/index.ts';
import { filterHash } from '../catalog/filter-hash.ts';
import { formatRange } from '../catalog/range.ts';
import { findVersionConstraint } from '../version-constraint.ts';

/**
 * Names of the bundles that an entry selects of its catalog. The very filter that made the catalog selects all that it brought, also what a
 * range kept around itself; any other one selects what is in its range, or everything that is there of a package.
 */
export function selectBundles(
  entry: OperatorCatalog,
  catalogs: readonly SelectedCatalog[],
  images: readonly SelectedImage[],
): Set<string> {
  const names = new Set<string>();
  for (const catalog of catalogs.filter((one) => plain(one.origin) === plain(entry.catalog))) {
    const isSameFilter = isMadeBy(entry, catalog, images);
    for (const one of catalog.packages) {
      const filter = entry.packages?.find((candidate) => candidate.name === one.name);
      if (entry.packages && entry.packages.length > 0 && !filter) continue;
      for (const channel of one.channels) {
        const channelFilter = filter?.channels.find((candidate) => candidate.name === channel.name);
        if (filter && filter.channels.length > 0 && !channelFilter) continue;
        const range = channelFilter?.minVersion || channelFilter?.maxVersion ? channelFilter : filter;
        const holds = isSameFilter ? () => true : rangeTest(range?.minVersion, range?.maxVersion);
        for (const bundle of channel.bundles) if (holds(bundle.version)) names.add(bundle.name);
      }
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
function rangeTest(min: string | undefined, max: string | undefined): (version: string) => boolean {
  const range = formatRange({ min: min || undefined, max: max || undefined });
  if (range === '') return () => true;
  const holds = findVersionConstraint(range);
  return (text) => {
    const version = findStrictVersion(text);
    return version !== undefined && holds?.(version) === true;
  };
}

function plain(reference: string): string {
  return reference.replace(/^docker:\/\//, '');
}
