import type { ErrorTable } from '../core/errors.ts';

/** Codes of `registry`: the local registry, embedded or in Podman. */
export const registryErrors: ErrorTable = {
  LISTEN_FAILED: { exit: 'environment', summary: 'The registry could not listen on an address.' },
  TLS_INVALID: { exit: 'usage', summary: 'A certificate and key cannot be used for TLS.' },
  HTPASSWD_INVALID: { exit: 'usage', summary: 'An htpasswd file has a line that is no bcrypt credential.' },
  PODMAN_UNREACHABLE: { exit: 'environment', summary: "Podman's API does not answer on its socket." },
  PODMAN_FAILED: { exit: 'environment', summary: "Podman's API refused a request." },
  IMAGE_ARCHIVE_INVALID: { exit: 'environment', summary: 'An image archive is damaged or of no known format.' },
  IMAGE_NOT_LOADED: { exit: 'incomplete', summary: 'The registry image is not in Podman, and nothing is ever pulled.' },
  MOUNT_MISSING: { exit: 'usage', summary: 'A folder that the registry container needs does not exist.' },
  STORAGE_DAMAGED: { exit: 'no', summary: 'A registry storage holds content that is not what its digest says.' },
  LOGIN_FILE_INVALID: { exit: 'usage', summary: 'A file of registry credentials is not what containers tools write.' },
  REGISTRY_UNHEALTHY: { exit: 'environment', summary: 'The registry was started but does not answer as it should.' },
};
