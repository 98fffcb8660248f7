import type { ErrorTable } from '../core/errors.ts';

/** Codes of `fetch`: files by URL. */
export const fetchErrors: ErrorTable = {
  FETCH_FAILED: { exit: 'environment', summary: 'A file could not be downloaded.' },
  FETCH_NOT_FOUND: { exit: 'incomplete', summary: 'The server does not have the file.' },
  FETCH_NO_LENGTH: {
    exit: 'environment',
    summary: 'The server does not say how large a file is, so nothing can be planned.',
  },
  FETCH_SIZE_MISMATCH: { exit: 'environment', summary: 'A file has another size than was planned.' },
  FETCH_DIGEST_MISMATCH: { exit: 'environment', summary: 'A file does not have the published SHA-256.' },
  FETCH_RANGE_IGNORED: {
    exit: 'environment',
    summary: 'The server does not give the part of a file that it was asked for.',
  },
  FETCH_CHANGED: { exit: 'environment', summary: 'The file was changed at the server while it was downloaded.' },
};
