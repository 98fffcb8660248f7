import { parseYaml } from '../core/yaml.ts';
import { digestHex, digestOf } from '../oci/index.ts';
import type { SelectedCatalog } from '../plan/index.ts';
import { type Provenance, provenanceAnnotations } from './mirror-sets.ts';
import type { Resource } from './resource.ts';
import { type MirrorTarget, targetReference } from './target.ts';

/** What a catalog's objects need to know of it; `repository` and `tag` are its name at the target, without prefix. */
export type MirroredCatalog = Pick<SelectedCatalog, 'repository' | 'tag' | 'sourceTemplate'>;

// With `cs-` before it no longer than a label's value may be.
const nameLimit = 60;

/**
 * The name part that CatalogSource (`cs-…`) and ClusterCatalog (`cc-…`) of a mirrored catalog share: the last path element at the target and
 * the first twelve characters of its tag. What no object's name may hold becomes `-`, and of a name that is too long the end gives way to a part of
 * a digest: oc-mirror fails on both, when everything was copied.
 * @throws AirlockError NESTED_PATHS_INVALID
 */
function catalogName(catalog: MirroredCatalog, target: MirrorTarget): string {
  const last = targetReference(catalog.repository, target).split('/').at(-1) ?? '';
  const suffix = catalog.tag.slice(0, 12).toLowerCase() || '0';
  const name = `${last}-${suffix}`.replace(/[^a-z0-9-]/g, '-').replace(/-+$/, '');
  return name.length > nameLimit ? withDigest(name, catalog) : name;
}

/** A name with a part of a digest of the catalog's own behind it. */
function withDigest(name: string, catalog: MirroredCatalog): string {
  const digest = digestHex(digestOf(Buffer.from(keyOf(catalog)))).slice(0, 6);
  return `${name.slice(0, nameLimit - digest.length - 1).replace(/-+$/, '')}-${digest}`;
}

/**
 * The name parts of all catalogs at a target, by `repository:tag`. Of those that would share one (`a/index:v1` and `b/index:v1`) only the first
 * has it, the others have a part of a digest of theirs behind it: oc-mirror lets one overwrite the other.
 * @throws AirlockError NESTED_PATHS_INVALID
 */
export function catalogNames(
  catalogs: readonly MirroredCatalog[],
  target: MirrorTarget,
): (catalog: MirroredCatalog) => string {
  const names = new Map<string, string>();
  for (const catalog of [...catalogs].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))) {
    const key = keyOf(catalog);
    const name = catalogName(catalog, target);
    const isTaken = !names.has(key) && [...names.values()].includes(name);
    names.set(key, isTaken ? withDigest(name, catalog) : (names.get(key) ?? name));
  }
  return (catalog) => names.get(keyOf(catalog)) ?? catalogName(catalog, target);
}

function keyOf(catalog: MirroredCatalog): string {
  return `${catalog.repository}:${catalog.tag}`;
}

/**
 * One CatalogSource per mirrored catalog. A template (`targetCatalogSourceTemplate`) gives every field but name, namespace, type and image;
 * one that is no gRPC CatalogSource is left aside, as oc-mirror does.
 * @throws AirlockError NESTED_PATHS_INVALID
 */
export function catalogSources(
  catalogs: readonly MirroredCatalog[],
  target: MirrorTarget,
  provenance: Provenance,
): Resource[] {
  const nameOf = catalogNames(catalogs, target);
  return catalogs.map((catalog) => {
    const template = findTemplate(catalog.sourceTemplate);
    const metadata = toRecord(template['metadata']);
    return {
      apiVersion: 'operators.coreos.com/v1alpha1',
      kind: 'CatalogSource',
      metadata: {
        ...(metadata['labels'] === undefined ? {} : { labels: toTexts(metadata['labels']) }),
        name: `cs-${nameOf(catalog)}`,
        namespace: 'openshift-marketplace',
        annotations: { ...toTexts(metadata['annotations']), ...provenanceAnnotations(provenance) },
      },
      spec: {
        ...toRecord(template['spec']),
        image: `${targetReference(catalog.repository, target)}:${catalog.tag}`,
        sourceType: 'grpc',
      },
    };
  });
}

/** One ClusterCatalog (OLM v1, 4.18 and newer) per mirrored catalog. @throws AirlockError NESTED_PATHS_INVALID */
export function clusterCatalogs(
  catalogs: readonly MirroredCatalog[],
  target: MirrorTarget,
  provenance: Provenance,
): Resource[] {
  const nameOf = catalogNames(catalogs, target);
  return catalogs.map((catalog) => ({
    apiVersion: 'olm.operatorframework.io/v1',
    kind: 'ClusterCatalog',
    metadata: { name: `cc-${nameOf(catalog)}`, annotations: provenanceAnnotations(provenance) },
    spec: {
      priority: 0,
      source: { image: { ref: `${targetReference(catalog.repository, target)}:${catalog.tag}` }, type: 'Image' },
    },
  }));
}

/** Whether a template's text can serve: a gRPC CatalogSource without a configMap. */
export function isCatalogSourceTemplate(text: string): boolean {
  return Object.keys(findTemplate(text)).length > 0;
}

function findTemplate(text: string | undefined): Readonly<Record<string, unknown>> {
  if (text === undefined) return {};
  let value: unknown;
  try {
    value = parseYaml(text);
  } catch {
    return {};
  }
  const template = toRecord(value);
  const spec = toRecord(template['spec']);
  const usable =
    template['apiVersion'] === 'operators.coreos.com/v1alpha1' &&
    template['kind'] === 'CatalogSource' &&
    (spec['sourceType'] === undefined || spec['sourceType'] === '' || spec['sourceType'] === 'grpc') &&
    !spec['configMap'];
  return usable ? template : {};
}

function toRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function toTexts(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(toRecord(value)).map(([key, text]) => [key, String(text)]));
}
