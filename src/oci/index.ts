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
export { formatReference, isRegistry, isRepository, isTag, parseReference, type Reference } from './reference.ts';
export type { FetchedManifest, RepositoryName, Source, Target } from './source.ts';
export { compareRepositories, type LinkFile, type RepositoryContent, repositoryLinks } from './storage/links.ts';
export {
  blobPath,
  layerLinkPath,
  repositoryPath,
  revisionLinkPath,
  storageRoot,
  tagIndexLinkPath,
  tagLinkPath,
} from './storage/paths.ts';
