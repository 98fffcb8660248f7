import { type Digest, digestAlgorithm, digestHex } from '../digest.ts';

/**
 * Distribution's filesystem layout below a storage root (registry/storage/paths.go of distribution 2.x and 3.x):
 *
 *   docker/registry/v2/blobs/<algorithm>/<2 hex>/<hex>/data
 *   docker/registry/v2/repositories/<name>/_layers/<algorithm>/<hex>/link
 *   docker/registry/v2/repositories/<name>/_manifests/revisions/<algorithm>/<hex>/link
 *   docker/registry/v2/repositories/<name>/_manifests/tags/<tag>/current/link
 *   docker/registry/v2/repositories/<name>/_manifests/tags/<tag>/index/<algorithm>/<hex>/link
 *
 * A link file is exactly the digest text: no newline.
 */
export const storageRoot = 'docker/registry/v2';

export function blobPath(digest: Digest): string {
  const hex = digestHex(digest);
  return `${storageRoot}/blobs/${digestAlgorithm(digest)}/${hex.slice(0, 2)}/${hex}/data`;
}

export function repositoryPath(repository: string): string {
  return `${storageRoot}/repositories/${repository}`;
}

export function layersPath(repository: string): string {
  return `${repositoryPath(repository)}/_layers`;
}

export function revisionsPath(repository: string): string {
  return `${repositoryPath(repository)}/_manifests/revisions`;
}

export function tagsPath(repository: string): string {
  return `${repositoryPath(repository)}/_manifests/tags`;
}

export function tagPath(repository: string, tag: string): string {
  return `${tagsPath(repository)}/${tag}`;
}

export function layerLinkPath(repository: string, digest: Digest): string {
  return `${repositoryPath(repository)}/_layers/${digestAlgorithm(digest)}/${digestHex(digest)}/link`;
}

export function revisionLinkPath(repository: string, digest: Digest): string {
  return `${repositoryPath(repository)}/_manifests/revisions/${digestAlgorithm(digest)}/${digestHex(digest)}/link`;
}

export function tagLinkPath(repository: string, tag: string): string {
  return `${repositoryPath(repository)}/_manifests/tags/${tag}/current/link`;
}

export function tagIndexLinkPath(repository: string, tag: string, digest: Digest): string {
  return `${repositoryPath(repository)}/_manifests/tags/${tag}/index/${digestAlgorithm(digest)}/${digestHex(digest)}/link`;
}
