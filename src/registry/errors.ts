import type { ErrorTable } from '../core/errors.ts';

/** Codes of `registry`: the local registry, embedded or in Podman. */
export const registryErrors: ErrorTable = {
  LISTEN_FAILED: { exit: 'environment', summary: 'The registry could not listen on an address.' },
  TLS_INVALID: { exit: 'usage', summary: 'A certificate and key cannot be used for TLS.' },
  HTPASSWD_INVALID: { exit: 'usage', summary: 'An htpasswd file has a line that is no bcrypt credential.' },
};
