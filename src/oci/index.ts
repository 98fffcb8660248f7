export { copyLooseBlobs, copyToTarget } from './copy.ts';
export {
  type CopyContent,
  type CopyFailure,
  type CopyOptions,
  type CopyResult,
  smallPerLarge,
  targetRepository,
} from './copy-content.ts';
export { type CopyForecast, forecastCopy } from './copy-forecast.ts';
export { contentFromSource, type SourceContentOptions } from './copy-source.ts';
export type { Descriptor } from './descriptor.ts';
export {
  type Digest,
  type DigestAlgorithm,
  digestAlgorithm,
  digestFromHex,
  digestHex,
  digestOf,
  isDigest,
  parseDigest,
} from './digest.ts';
export { ociErrors } from './errors.ts';
export { type ImageOptions, type WrittenImage, writeImage, writeIndex } from './image-writer.ts';
export { type Layer, type LayerEntry, renderLayer } from './layer.ts';
export {
  childManifests,
  type ImageIndex,
  type ImageManifest,
  type Manifest,
  manifestBlobs,
  manifestLimitBytes,
  parseManifest,
} from './manifest.ts';
export { isIndexType, isManifestType, manifestAccept, mediaTypes } from './media-types.ts';
export { formatPlatform, type Platform } from './platform.ts';
export {
  expandShortName,
  formatReference,
  isRegistry,
  isRepository,
  isTag,
  parseReference,
  type Reference,
} from './reference.ts';
export {
  type AuthFileOptions,
  type AuthUser,
  authEnvironment,
  createAuthFiles,
  credentialsFromAuthJson,
  describeCredentials,
} from './remote/auth-files.ts';
export { defaultCertsDirs } from './remote/certs-d.ts';
export {
  anonymous,
  type Credential,
  type CredentialSource,
  type FoundCredential,
  staticCredentials,
} from './remote/credentials.ts';
export { mapReference, type ReferenceCandidate, type ReferenceMapping } from './remote/map-reference.ts';
export type { RemoteOptions } from './remote/options.ts';
export {
  emptyRegistriesConf,
  mergeRegistriesConf,
  type PullFromMirror,
  parseRegistriesConf,
  type RegistriesConf,
  type RegistryMirror,
  type RegistryRule,
} from './remote/registries-conf.ts';
export { loadRegistriesConf, type RegistriesConfPlaces } from './remote/registries-conf-files.ts';
export { createRemote } from './remote/remote.ts';
export type { FetchedManifest, RepositoryName, Source, Target } from './source.ts';
export type { BlobHandle, BlobUpload, ContentStore, ContentWriter, ResumableUpload } from './storage/content-store.ts';
export { compareRepositories, type LinkFile, type RepositoryContent, repositoryLinks } from './storage/links.ts';
export {
  blobPath,
  layerLinkPath,
  layersPath,
  repositoryPath,
  revisionLinkPath,
  revisionsPath,
  storageRoot,
  tagIndexLinkPath,
  tagLinkPath,
  tagPath,
  tagsPath,
} from './storage/paths.ts';
export { findManifestBytes, ReferrersIndex, referrerDescriptor } from './storage/referrers.ts';
export { readSlice, sliceOfFile } from './storage/slice.ts';
export { openStorage, type Storage, type StorageOptions } from './storage/storage.ts';
export type { StoredBlob } from './storage/storage-reader.ts';
export { storageSource } from './storage/storage-source.ts';
