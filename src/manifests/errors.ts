import type { ErrorTable } from '../core/errors.ts';

/** Codes of `manifests`. */
export const manifestsErrors: ErrorTable = {
  CATALOG_NAME_INVALID: {
    exit: 'usage',
    summary: 'No valid object name can be made from a catalog’s repository and tag.',
  },
  NESTED_PATHS_INVALID: { exit: 'usage', summary: 'The limit of nested paths leaves no room for a repository.' },
  SITE_CONTENT_MISSING: { exit: 'no', summary: 'The site asks for a release or file that was not mirrored.' },
};
