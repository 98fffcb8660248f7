import type { ErrorTable } from '../core/errors.ts';

/** Codes of `manifests`. */
export const manifestsErrors: ErrorTable = {
  NESTED_PATHS_INVALID: { exit: 'usage', summary: 'The limit of nested paths leaves no room for a repository.' },
  SITE_CONTENT_MISSING: { exit: 'no', summary: 'The site asks for a release, image or package that was not mirrored.' },
  SITE_TEXT_MISSING: { exit: 'usage', summary: 'A file that the site names was not read.' },
  SITE_SECRET_MISSING: { exit: 'usage', summary: 'A secret that has to be kept across runs was not given.' },
  PULL_SECRET_FILE_INVALID: { exit: 'usage', summary: 'The pull secret file of the site is not JSON.' },
  BMC_CREDENTIALS_INVALID: { exit: 'usage', summary: 'A BMC credentials file does not hold a user and a password.' },
  NMSTATE_INVALID: {
    exit: 'usage',
    summary: 'An nmstate file is no nmstate, or has a card whose MAC address nothing tells.',
  },
  MANIFEST_FILE_INVALID: { exit: 'usage', summary: 'A file with Kubernetes objects cannot be read as such.' },
};
