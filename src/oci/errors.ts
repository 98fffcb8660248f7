import type { ErrorTable } from '../core/errors.ts';

/** Codes of `oci`: references, manifests, registries and storage. */
export const ociErrors: ErrorTable = {
  DIGEST_INVALID: { exit: 'usage', summary: 'Text is not a digest.' },
  DIGEST_MISMATCH: { exit: 'environment', summary: 'Content does not have the digest it was asked by.' },
  SIZE_MISMATCH: { exit: 'environment', summary: 'Content does not have the size that its descriptor names.' },
  REFERENCE_INVALID: { exit: 'usage', summary: 'Text is not an image reference.' },
  REFERENCE_SHORT: { exit: 'usage', summary: 'An image reference names no registry host.' },
  MANIFEST_INVALID: { exit: 'environment', summary: 'A manifest is not what the OCI or Docker specification says.' },
  MANIFEST_UNKNOWN: { exit: 'incomplete', summary: 'The registry does not have the manifest.' },
  BLOB_UNKNOWN: { exit: 'incomplete', summary: 'The registry or storage does not have the blob.' },
  IMAGE_INCOMPLETE: { exit: 'incomplete', summary: 'An image was not copied because one of its parts could not be.' },
  REPOSITORY_UNKNOWN: { exit: 'incomplete', summary: 'The registry or storage does not have the repository.' },
};
