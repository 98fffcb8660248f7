import type { DeleteImageSet, ReleaseChannel } from '../../config/index.ts';
import { compareVersions, findLenientVersion, findStrictVersion, parseMirrorReference } from '../../config/index.ts';
import type { SelectedCatalog, SelectedImage, SelectedRelease } from '../../plan/index.ts';
import { additionalStorageName, parseImageName } from '../naming.ts';
import { isAttached } from './list.ts';
import { bundleTest } from './select-bundles.ts';
import { chartTest } from './select-charts.ts';

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
  const isOfCharts = chartTest(helm);
  const additional = additionalImages.map(additionalTest);
  const isOfBundles = bundleTest(operators, loaded.catalogs, loaded.images);
  // A boot image goes when it is asked for, as it came.
  const isWantedPart = (name: string): boolean => platform.kubeVirtContainer || !/^kube-virt-container\b/.test(name);
  const isNamed = (image: SelectedImage): boolean => {
    if (image.type === 'generic') return additional.some((test) => test(image));
    if (image.type === 'cincinnatiGraph') return platform.graph;
    if (image.type === 'ocpRelease') return releases.has(image.tag);
    if (image.type === 'ocpReleaseContent')
      return [...releases].some(
        (tag) => image.tag.startsWith(`${tag}-`) && isWantedPart(image.tag.slice(tag.length + 1)),
      );
    if (image.type === 'helmImage') return isOfCharts(image);
    return image.type !== 'operatorCatalog' && isOfBundles(image.operators?.bundles ?? []);
  };
  const named = loaded.images.filter(isNamed);
  const staying = new Set(loaded.images.filter((image) => !isNamed(image)).flatMap(namesOf));
  const isFree = (image: SelectedImage): boolean => namesOf(image).every((name) => !staying.has(name));
  return { selected: named.filter(isFree), kept: named.filter((image) => !isFree(image)) };
}

/** An additional image under the name that the entry gives it, and what is attached to it. */
function additionalTest(
  entry: DeleteImageSet['delete']['additionalImages'][number],
): (image: SelectedImage) => boolean {
  // Without tag and digest it is no name; the reader of the file has warned of it.
  if ('fault' in parseMirrorReference(entry.name)) return () => false;
  const name = additionalStorageName(parseImageName(entry.name), entry);
  return (image) =>
    bare(image.origin) === bare(entry.name) &&
    image.repository === name.repository &&
    (image.tag === name.tag || isAttached(image));
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
