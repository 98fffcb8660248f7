import type { Platform } from '../oci/index.ts';
import { readDocument } from './document.ts';
import { Faults, type Parsed } from './faults.ts';
import type { DeleteImageSet, HelmChart, ImageSet, MirrorContent } from './image-set.ts';
import { type ContentFile, decodeDeleteFile, decodeImageSetFile } from './image-set-decode.ts';
import { checkContent, checkImageSet } from './image-set-rules.ts';
import { findNearest } from './nearest.ts';
import { type ConfigNode, findEntry, mapNode } from './node.ts';

const defaultArchiveSizeGib = 500;

/** Reads an ImageSetConfiguration v2alpha1 (oc-mirror-v2.md §1): all faults at once. `fileName` is what the findings call it. */
export function parseImageSet(text: string, fileName: string): Parsed<ImageSet> {
  const faults = new Faults(fileName);
  const root = readHead(text, 'ImageSetConfiguration', faults);
  if (!root) return { value: undefined, findings: faults.list() };
  const file = decodeImageSetFile(root, [], faults);
  if (findEntry(root, 'mirror')) checkImageSet(file, faults);
  const value: ImageSet = {
    archiveSizeGib: file.archiveSize || defaultArchiveSizeGib,
    mirror: {
      ...completeContent(file.mirror, 'query'),
      blockedImages: file.mirror.blockedImages.map(({ name }) => ({ name: name ?? '' })),
    },
  };
  return { value: faults.failed ? undefined : value, findings: faults.list() };
}

/** Reads a DeleteImageSetConfiguration v2alpha1 (oc-mirror-v2.md §1.3): all faults at once. */
export function parseDeleteImageSet(text: string, fileName: string): Parsed<DeleteImageSet> {
  const faults = new Faults(fileName);
  const root = readHead(text, 'DeleteImageSetConfiguration', faults);
  if (!root) return { value: undefined, findings: faults.list() };
  const file = decodeDeleteFile(root, [], faults);
  if (findEntry(root, 'delete')) checkContent(file.delete, ['delete'], faults);
  const value = { delete: completeContent(file.delete, 'always') };
  return { value: faults.failed ? undefined : value, findings: faults.list() };
}

const stanzas = { ImageSetConfiguration: 'mirror', DeleteImageSetConfiguration: 'delete' } as const;
type Kind = keyof typeof stanzas;

/** The document, after what is checked before its fields: one document, its kind, its stanza, and whether it is one of v1. */
function readHead(text: string, kind: Kind, faults: Faults): ConfigNode | undefined {
  const document = readDocument(text, faults);
  if (!document) return undefined;
  const { root } = document;
  if (!document.isAlone)
    faults.warning(
      'CONFIG_NO_EFFECT',
      [],
      'only the first YAML document is read',
      'put the others into files of their own',
    );
  if (root.kind !== 'map') {
    faults.error('CONFIG_TYPE', [], `has to be a mapping with kind: ${kind}`, `begin with "kind: ${kind}"`);
    return undefined;
  }
  if (root.entries.length === 0) {
    const hint = 'airlock init writes one to begin with';
    faults.error('CONFIG_KIND', [], 'the file is empty: configuration missing `kind`', hint);
    return undefined;
  }
  checkKind(root, kind, faults);
  // The fields of a site are not to be told one by one.
  if (isOfSite(root) && faults.touches(['kind'])) return undefined;
  checkApiVersion(root, faults);
  const stanza = stanzas[kind];
  if (!root.entries.some((entry) => entry.key === stanza)) {
    const near = findNearest(
      stanza,
      root.entries.map((entry) => entry.key),
    );
    const hint =
      near === undefined
        ? `add "${stanza}:" with what to ${stanza} below it`
        : `"${near}" should be written "${stanza}"`;
    faults.error(
      'CONFIG_MISSING',
      near === undefined ? [] : [near],
      `configuration missing the \`${stanza}\` stanza`,
      hint,
    );
  }
  const other = kind === 'ImageSetConfiguration' ? 'delete' : 'mirror';
  const entry = root.entries.find(({ key }) => key === other);
  if (entry) {
    const hint = `remove it, or move it to a file of kind ${other === 'mirror' ? 'ImageSetConfiguration' : 'DeleteImageSetConfiguration'}`;
    faults.error('CONFIG_KIND', [other], `${other}: is not allowed in ${kind}`, hint, entry.keyPosition);
  }
  // What was just said is not to be said again as an unknown field, or as a kind that is no text.
  return mapNode(
    root.entries.filter(({ key }) => key !== other && !(key === 'kind' && faults.touches(['kind']))),
    root,
  );
}

function checkKind(root: ConfigNode & { kind: 'map' }, kind: Kind, faults: Faults): void {
  const entry = root.entries.find(({ key }) => key === 'kind');
  const value = entry?.node.kind === 'scalar' ? entry.node.value : undefined;
  if (value === undefined || value === null) {
    const near = findNearest(
      'kind',
      root.entries.map(({ key }) => key),
    );
    const hint = near === undefined || near === 'kind' ? `add "kind: ${kind}"` : `"${near}" should be written "kind"`;
    faults.error('CONFIG_KIND', near === undefined ? [] : [near], 'configuration missing `kind`', hint);
  } else if (value !== kind) {
    const hint = value === 'Site' ? 'a site file is given with -f, not with -c' : `write "kind: ${kind}"`;
    faults.error('CONFIG_KIND', ['kind'], `cannot parse "${value}" as "${kind}"`, hint);
  }
}

function isOfSite(root: ConfigNode): boolean {
  const entry = findEntry(root, 'apiVersion');
  return entry?.node.kind === 'scalar' && String(entry.node.value).startsWith('airlock/');
}

/** oc-mirror does not look at it, and neither is it a fault here; but v1 files are told apart by it. */
function checkApiVersion(root: ConfigNode, faults: Faults): void {
  const entry = findEntry(root, 'apiVersion');
  const value = entry?.node.kind === 'scalar' ? String(entry.node.value ?? '') : '';
  const wanted = 'mirror.openshift.io/v2alpha1';
  if (/^mirror\.openshift\.io\/v1/.test(value)) {
    const message = `"${value}" is a file of oc-mirror v1, read here as v2alpha1`;
    faults.warning('CONFIG_V1', ['apiVersion'], message, `write "apiVersion: ${wanted}"`);
  } else if (value !== wanted && !faults.touches(['apiVersion'])) {
    faults.warning(
      'CONFIG_KIND',
      ['apiVersion'],
      `apiVersion is ${value === '' ? 'missing' : `"${value}"`}`,
      `write "apiVersion: ${wanted}"`,
    );
  }
}

function completeContent(content: ContentFile, architectureDefault: 'query' | 'always'): MirrorContent {
  const { platform, operators, additionalImages, helm } = content;
  // §1.2 and §1.3: an image set with platforms has no architectures; a deletion with channels has always some.
  const amd64 = platform.platforms.length === 0 || (architectureDefault === 'always' && platform.channels.length > 0);
  const architectures = platform.architectures.flatMap((one) => (one === undefined ? [] : [one]));
  return {
    platform: {
      ...platform,
      architectures: architectures.length === 0 && amd64 ? ['amd64'] : architectures,
      platforms: completePlatforms(platform.platforms),
      channels: platform.channels.map((channel) => ({
        ...channel,
        name: channel.name ?? '',
        type: channel.type === 'okd' ? 'okd' : 'ocp',
      })),
    },
    operators: operators.map((operator) => ({
      ...operator,
      catalog: operator.catalog ?? '',
      platforms: completePlatforms(operator.platforms),
      packages: operator.packages?.map((one) => ({
        ...one,
        name: one.name ?? '',
        channels: one.channels.map((channel) => ({ ...channel, name: channel.name ?? '' })),
      })),
    })),
    additionalImages: additionalImages.map((image) => ({
      ...image,
      name: image.name ?? '',
      platforms: completePlatforms(image.platforms),
    })),
    helm: {
      // To oc-mirror an empty list is a list of no charts; only one that is not there means all of them.
      repositories: helm.repositories
        .filter(({ charts }) => charts === undefined || charts.length > 0)
        .map(({ name, url, charts }) => ({
          name: name ?? '',
          url: url ?? '',
          charts: (charts ?? []).map(completeChart),
        })),
      local: helm.local.map(completeChart),
    },
    samples: content.samples,
  };
}

function completeChart(chart: ContentFile['helm']['local'][number]): HelmChart {
  const imagePaths = chart.imagePaths.flatMap((one) => (one === undefined ? [] : [one]));
  return { ...chart, imagePaths, platforms: completePlatforms(chart.platforms) };
}

function completePlatforms(platforms: ContentFile['platform']['platforms']): Platform[] {
  return platforms.map(({ os, architecture }) => ({ os: os ?? '', architecture: architecture ?? '' }));
}
