import type { SelectedCatalog, SelectedImage, SelectedRelease } from '../plan/index.ts';
import { catalogSources, clusterCatalogs } from './catalogs.ts';
import { type MirrorMapping, mergeMirrorMappings, mirrorMappings } from './mirror-mappings.ts';
import { imageDigestMirrorSets, imageTagMirrorSets, type Provenance } from './mirror-sets.ts';
import { type Resource, renderResource, renderResources } from './resource.ts';
import { type ReleaseSignature, signatureConfigMap } from './signatures.ts';
import type { MirrorTarget } from './target.ts';
import { updateService } from './update-service.ts';

/** What lies in a registry, and where. */
export interface MirroredContent {
  /** Of every generation that the registry holds. */
  readonly images: readonly SelectedImage[];
  readonly releases: readonly SelectedRelease[];
  readonly catalogs: readonly SelectedCatalog[];
  readonly signatures: readonly ReleaseSignature[];
  readonly target: MirrorTarget;
  /** Rules of earlier runs that are kept beside those of `images`. */
  readonly earlier?: readonly MirrorMapping[];
  readonly provenance: Provenance;
}

/** A file by name, without folder. */
export interface NamedFile {
  readonly name: string;
  readonly content: string;
}

/** The objects of `renderClusterResources`, by kind. */
export interface ClusterResources {
  readonly mappings: readonly MirrorMapping[];
  readonly digestMirrorSets: readonly Resource[];
  readonly tagMirrorSets: readonly Resource[];
  readonly catalogSources: readonly Resource[];
  readonly clusterCatalogs: readonly Resource[];
  readonly updateService: Resource | undefined;
  readonly signatures: Resource | undefined;
}

/** The cluster resources that oc-mirror would write for this content, as objects. @throws AirlockError NESTED_PATHS_INVALID */
export function clusterResources(content: MirroredContent): ClusterResources {
  const { images, target, provenance } = content;
  const mappings = mergeMirrorMappings(content.earlier ?? [], mirrorMappings(images, target));
  const catalogs = newestByName(content.catalogs);
  const graph = images.find((image) => image.type === 'cincinnatiGraph')?.targets[0];
  const release = content.releases[0]?.repository ?? images.find((image) => image.type === 'ocpRelease')?.repository;
  return {
    mappings,
    digestMirrorSets: imageDigestMirrorSets(mappings, provenance),
    tagMirrorSets: imageTagMirrorSets(mappings, provenance),
    catalogSources: catalogSources(catalogs, target, provenance),
    clusterCatalogs: clusterCatalogs(catalogs, target, provenance),
    updateService:
      graph && release
        ? updateService({ releases: release, graph: graph.repository, graphTag: graph.tag }, target, provenance)
        : undefined,
    signatures: signatureConfigMap(signaturesOf(content), provenance),
  };
}

/**
 * The files that oc-mirror writes into `working-dir/cluster-resources`, with its names, grouping and form; those that would be empty are left
 * out. Same input, same bytes.
 * @throws AirlockError NESTED_PATHS_INVALID
 * @see oc-mirror v2, pkg/clusterresources
 */
export function renderClusterResources(content: MirroredContent): NamedFile[] {
  const made = clusterResources(content);
  const files: NamedFile[] = [];
  if (made.digestMirrorSets.length > 0)
    files.push({ name: 'idms-oc-mirror.yaml', content: renderResources(made.digestMirrorSets) });
  if (made.tagMirrorSets.length > 0)
    files.push({ name: 'itms-oc-mirror.yaml', content: renderResources(made.tagMirrorSets) });
  for (const resource of [...made.catalogSources, ...made.clusterCatalogs])
    files.push({ name: `${resource.metadata.name}.yaml`, content: renderResource(resource) });
  if (made.updateService) files.push({ name: 'updateService.yaml', content: renderResource(made.updateService) });
  if (made.signatures) {
    files.push({ name: 'signature-configmap.json', content: JSON.stringify(made.signatures) });
    files.push({ name: 'signature-configmap.yaml', content: renderResource(made.signatures) });
  }
  return files;
}

/** A release that was left out, by a pattern in blockedImages, has no signature at the site either. */
function signaturesOf({ images, signatures }: MirroredContent): ReleaseSignature[] {
  const carried = new Set(images.filter((image) => image.type === 'ocpRelease').map((image) => image.digest));
  return signatures.filter((signature) => carried.has(signature.digest));
}

// Generations carry the same catalog again and again under one name; the last one is what the name means now.
function newestByName(catalogs: readonly SelectedCatalog[]): SelectedCatalog[] {
  return [...new Map(catalogs.map((catalog) => [`${catalog.repository}:${catalog.tag}`, catalog])).values()].sort(
    (a, b) => (`${a.repository}:${a.tag}` < `${b.repository}:${b.tag}` ? -1 : 1),
  );
}
