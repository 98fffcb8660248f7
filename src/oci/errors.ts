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
  REGISTRY_UNREACHABLE: { exit: 'environment', summary: 'A registry could not be reached, or the connection broke.' },
  REGISTRY_CERTIFICATE: { exit: 'environment', summary: 'The certificate of a registry is not trusted.' },
  REGISTRY_UNAUTHORIZED: { exit: 'environment', summary: 'A registry refused the credentials, or wants some.' },
  REGISTRY_FAILED: {
    exit: 'environment',
    summary: 'A registry refused a request or answered in a way that it should not.',
  },
  RATE_LIMITED: { exit: 'environment', summary: 'A registry takes no more requests for now.' },
  RANGE_IGNORED: { exit: 'environment', summary: 'A registry does not give the part of a blob that it was asked for.' },
  REGISTRY_BLOCKED: { exit: 'environment', summary: 'registries.conf forbids a registry.' },
  REGISTRIES_CONF_INVALID: { exit: 'usage', summary: 'A registries.conf cannot be understood.' },
  AUTHFILE_UNREADABLE: { exit: 'usage', summary: 'A file of credentials that was named cannot be read.' },
  AUTHFILE_INVALID: { exit: 'usage', summary: 'A file of credentials is not what the containers tools write.' },
  CREDENTIAL_HELPER_FAILED: { exit: 'environment', summary: 'A credential helper gave no usable answer.' },
};
