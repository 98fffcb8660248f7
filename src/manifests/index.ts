export {
  catalogName,
  catalogSources,
  clusterCatalogs,
  isCatalogSourceTemplate,
  type MirroredCatalog,
} from './catalogs.ts';
export {
  type ClusterResources,
  clusterResources,
  type MirroredContent,
  type NamedFile,
  renderClusterResources,
} from './cluster-resources.ts';
export { manifestsErrors } from './errors.ts';
export { type MirrorCategory, type MirrorMapping, mergeMirrorMappings, mirrorMappings } from './mirror-mappings.ts';
export { imageDigestMirrorSets, imageTagMirrorSets, type Provenance } from './mirror-sets.ts';
export { type PullReference, pullReferences } from './pull-references.ts';
export { type RegistriesConfOptions, renderRegistriesConf } from './registries-conf.ts';
export { describeResource, type EmittedFile, type Resource, renderResource, renderResources } from './resource.ts';
export { type ReleaseSignature, signatureConfigMap } from './signatures.ts';
export { type MirrorTarget, targetReference, targetRepository } from './target.ts';
export { updateService } from './update-service.ts';
