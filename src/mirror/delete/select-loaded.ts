import type { DeleteImageSet, OperatorCatalog, ReleaseChannel } from '../../config/index.ts';
import { compareVersions, findLenientVersion, findStrictVersion } from '../../config/index.ts';
import type { SelectedCatalog, SelectedImage, SelectedRelease } from '../../plan/index.ts';

/** What lies at a site, from its load records. */
export interface LoadedSet {
  readonly images: readonly SelectedImage[];
  readonly releases: readonly SelectedRelease[];
  readonly catalogs: readonly SelectedCatalog[];
}

/** What a DeleteImageSetConfiguration names of it. */
export interface LoadedSelection {
  readonly selected: readonly SelectedImage[];
  /** Named too, but something that stays needs them. */
  readonly kept: readonly SelectedImage[];
}

/**
 * The images of a site that a DeleteImageSetConfiguration selects, without asking anybody: inside the gap there is no source. A name that
 * anything else of the site still uses stays.
 */
export function selectLoaded(deletion: DeleteImageSet, loaded: LoadedSet): LoadedSelection {
  const { platform, operators, additionalImages, helm } = deletion.delete;
  const releases = new Set(selectReleases(deletion, loaded.releases).map((release) => release.tag));
  const charts = [...helm.repositories.flatMap((one) => one.charts), ...helm.local].map((chart) => chart.name ?? '');
  const additional = new Set(additionalImages.map((one) => bare(one.name ?? '')));
  const bundles = operators.map((entry) => selectBundles(entry, loaded.catalogs));
  const isNamed = (image: SelectedImage): boolean => {
    if (image.type === 'generic') return additional.has(bare(image.origin));
    if (image.type === 'cincinnatiGraph') return platform.graph;
    if (image.type === 'ocpRelease') return releases.has(image.tag);
    if (image.type === 'ocpReleaseContent') return [...releases].some((tag) => image.tag.startsWith(`${tag}-`));
    if (image.type === 'helmImage')
      return charts.some(
        (name) => name !== '' && new RegExp(`(^|\\W)${escapePattern(name)}(\\W|$)`).test(image.reason),
      );
    const own = image.operators?.bundles ?? [];
    // An image of several bundles goes when all of them go.
    return (
      image.type !== 'operatorCatalog' &&
      own.length > 0 &&
      bundles.some((names) => own.every((name) => names.has(name)))
    );
  };
  const named = loaded.images.filter(isNamed);
  const staying = new Set(loaded.images.filter((image) => !isNamed(image)).flatMap(namesOf));
  const isFree = (image: SelectedImage): boolean => namesOf(image).every((name) => !staying.has(name));
  return { selected: named.filter(isFree), kept: named.filter((image) => !isFree(image)) };
}

function selectReleases(
  { delete: { platform } }: DeleteImageSet,
  releases: readonly SelectedRelease[],
): SelectedRelease[] {
  const { release, architectures, platforms } = platform;
  if (release !== undefined)
    return releases.filter((one) => bare(one.origin) === bare(release) || release.endsWith(one.digest));
  const wanted = platforms.length > 0 ? ['multi'] : architectures;
  return platform.channels.flatMap((channel) =>
    inChannel(
      channel,
      releases.filter((one) => wanted.includes(one.architecture)),
    ),
  );
}

/** As for mirroring (oc-mirror reference §6.3), over what is there: no range means the highest version. */
function inChannel(channel: ReleaseChannel, releases: readonly SelectedRelease[]): SelectedRelease[] {
  const own = releases.filter((release) => release.channels.includes(channel.name));
  const { minVersion, maxVersion, full } = channel;
  if (minVersion === undefined && maxVersion === undefined && !full) {
    const highest = own.reduce<string | undefined>(
      (best, one) => (best !== undefined && compare(best, one.version) >= 0 ? best : one.version),
      undefined,
    );
    return own.filter((one) => one.version === highest);
  }
  return own.filter(
    (one) =>
      (minVersion === undefined || compare(one.version, minVersion) >= 0) &&
      (maxVersion === undefined || compare(one.version, maxVersion) <= 0),
  );
}

/** Names of the bundles that an entry selects of its catalog. */
function selectBundles(entry: OperatorCatalog, catalogs: readonly SelectedCatalog[]): Set<string> {
  const names = new Set<string>();
  for (const catalog of catalogs.filter((one) => bare(one.origin) === bare(entry.catalog))) {
    for (const one of catalog.packages) {
      const filter = entry.packages?.find((candidate) => candidate.name === one.name);
      if (entry.packages && entry.packages.length > 0 && !filter) continue;
      for (const channel of one.channels) {
        const channelFilter = filter?.channels.find((candidate) => candidate.name === channel.name);
        if (filter && filter.channels.length > 0 && !channelFilter) continue;
        const range = channelFilter?.minVersion || channelFilter?.maxVersion ? channelFilter : filter;
        for (const bundle of channel.bundles) if (inRange(bundle.version, range)) names.add(bundle.name);
      }
    }
  }
  return names;
}

function inRange(
  version: string,
  range: { readonly minVersion?: string | undefined; readonly maxVersion?: string | undefined } | undefined,
): boolean {
  const { minVersion, maxVersion } = range ?? {};
  return (
    (minVersion === undefined || compare(version, minVersion) >= 0) &&
    (maxVersion === undefined || compare(version, maxVersion) <= 0)
  );
}

function compare(a: string, b: string): number {
  const [left, right] = [findStrictVersion(a) ?? findLenientVersion(a), findStrictVersion(b) ?? findLenientVersion(b)];
  return left && right ? compareVersions(left, right) : a < b ? -1 : a > b ? 1 : 0;
}

function namesOf(image: SelectedImage): string[] {
  return image.targets.map((target) => `${target.repository}:${target.tag}`);
}

function bare(reference: string): string {
  return reference.replace(/^docker:\/\//, '');
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
