import { isAirlockError } from '../core/errors.ts';
import { parseReference, type Reference } from '../oci/index.ts';
import type { ImageType, SelectedImage } from '../plan/index.ts';
import { type MirrorTarget, targetRepository } from './target.ts';

/** The groups in which oc-mirror writes mirror sets; `catalog` (catalogs and the graph image) stands in no mirror set, only in host files. */
export type MirrorCategory = 'release' | 'operator' | 'generic' | 'catalog';

/** One rewrite rule: what is pulled below `source` is found below each of `mirrors`. Both are `host[:port][/path]` without tag. */
export interface MirrorMapping {
  readonly category: MirrorCategory;
  /** Whether it serves pulls by digest (IDMS) or by tag (ITMS). */
  readonly pull: 'digest' | 'tag';
  readonly source: string;
  readonly mirrors: readonly string[];
}

const categories: Readonly<Record<ImageType, MirrorCategory>> = {
  ocpRelease: 'release',
  ocpReleaseContent: 'release',
  operatorBundle: 'operator',
  operatorRelatedImage: 'operator',
  generic: 'generic',
  helmImage: 'generic',
  operatorCatalog: 'catalog',
  cincinnatiGraph: 'catalog',
};

/** The order of the groups in files. */
export const mirrorCategories = ['release', 'operator', 'generic', 'catalog'] as const;

/**
 * The rewrite rules that the images need at the target, by oc-mirror's rules and with its scopes, sorted. Left out: images from `oci://`
 * folders and other origins without a registry host, which no cluster can ask for.
 * @throws AirlockError NESTED_PATHS_INVALID
 * @see oc-mirror v2, pkg/clusterresources
 */
export function mirrorMappings(images: readonly SelectedImage[], target: MirrorTarget): MirrorMapping[] {
  const rules: MirrorMapping[] = [];
  for (const image of images) {
    const origin = findOrigin(image.origin);
    if (!origin) continue;
    const category = categories[image.type];
    for (const { repository } of image.targets) {
      const { source, mirror } = scopePair(origin, repository, target);
      for (const pull of pullsOf(image.type, origin)) rules.push({ category, pull, source, mirrors: [mirror] });
    }
  }
  return mergeMirrorMappings(rules);
}

/**
 * The union of rules, for instance of several generations: mirrors of one source come together. The order is fixed: group, kind of pull,
 * source, mirror.
 */
export function mergeMirrorMappings(...lists: readonly (readonly MirrorMapping[])[]): MirrorMapping[] {
  const merged = new Map<string, MirrorMapping & { mirrors: string[] }>();
  for (const rule of lists.flat()) {
    const key = `${mirrorCategories.indexOf(rule.category)} ${rule.pull} ${rule.source}`;
    const known = merged.get(key) ?? { ...rule, mirrors: [] };
    merged.set(key, { ...known, mirrors: [...new Set([...known.mirrors, ...rule.mirrors])].sort() });
  }
  return [...merged.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, rule]) => rule);
}

function findOrigin(origin: string): Reference | undefined {
  if (origin.includes('://') && !origin.startsWith('docker://')) return undefined;
  try {
    return parseReference(origin);
  } catch (error) {
    if (isAirlockError(error)) return undefined;
    throw error;
  }
}

function pullsOf(type: ImageType, origin: Reference): MirrorMapping['pull'][] {
  const digestOnly = origin.digest !== undefined && origin.tag === undefined;
  // A release named by tag is pulled by digest too: the cluster version operator resolves it first.
  const byDigest = origin.digest !== undefined || type === 'ocpRelease';
  return [...(byDigest ? (['digest'] as const) : []), ...(digestOnly ? [] : (['tag'] as const))];
}

/**
 * Namespace scope where the target keeps the source's path, repository scope where it was renamed or nested. Whole path elements are
 * compared: oc-mirror compares characters, and so takes `xbar` for a renamed `bar` and writes a rule that finds nothing.
 */
function scopePair(
  origin: Reference,
  repository: string,
  target: MirrorTarget,
): { readonly source: string; readonly mirror: string } {
  const path = targetRepository(repository, target);
  const kept = path === origin.repository || path.endsWith(`/${origin.repository}`);
  if ((target.maxNestedPaths ?? 0) > 0 || !kept)
    return { source: `${origin.registry}/${origin.repository}`, mirror: `${target.registry}/${path}` };
  return {
    source: parentOf(`${origin.registry}/${origin.repository}`),
    mirror: parentOf(`${target.registry}/${path}`),
  };
}

function parentOf(name: string): string {
  return name.slice(0, name.lastIndexOf('/'));
}
