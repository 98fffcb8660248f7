export {
  catalogSources,
  clusterCatalogs,
  isCatalogSourceTemplate,
  type MirroredCatalog,
} from './catalogs.ts';
export { normaliseCertificates } from './certificates.ts';
export {
  type ClusterResources,
  clusterResources,
  type MirroredContent,
  type NamedFile,
  renderClusterResources,
} from './cluster-resources.ts';
export { type EmitInput, emitSite, siteStages } from './emit.ts';
export { manifestsErrors } from './errors.ts';
export { type LintCode, lintCodes } from './lint/codes.ts';
export { lintManifest, lintManifests, type ManifestText } from './lint/lint.ts';
export { hasRegistryTables, type LintConfOptions, lintRegistriesConf } from './lint/registries-conf.ts';
export { type MirrorCategory, type MirrorMapping, mergeMirrorMappings, mirrorMappings } from './mirror-mappings.ts';
export { imageDigestMirrorSets, imageTagMirrorSets, type Provenance } from './mirror-sets.ts';
export { getRelease, releaseImage } from './mirrored-release.ts';
export { type PullReference, pullReferences } from './pull-references.ts';
export { type DockerConfig, mergeDockerConfigs, registryAuth } from './pull-secret.ts';
export { type RegistriesConfOptions, renderRegistriesConf } from './registries-conf.ts';
export { imageConfig, registryConfig, registryConfigKey } from './registry-trust.ts';
export { describeResource, type EmittedFile, type Resource, renderResource, renderResources } from './resource.ts';
export { knownKinds } from './schema/kinds.ts';
export { type KindSchema, readCrd, type StructuralSchema } from './schema/structural.ts';
export { type SchemaFault, validateResource } from './schema/validate.ts';
export { type ReleaseSignature, signatureConfigMap } from './signatures.ts';
export {
  describeGate,
  type ManifestStage,
  renderStages,
  type StageFile,
  toApplyStages,
} from './stages.ts';
export { type MirrorTarget, targetReference, targetRepository } from './target.ts';
export { type SiteTexts, siteTextFiles } from './texts.ts';
export { updateService } from './update-service.ts';
export { emitCodes, validateStages } from './validate.ts';
export { compareMinor, ruleApplies, type VersionRule, versionRules } from './version-rules.ts';
export { versionFindings } from './version-window.ts';
