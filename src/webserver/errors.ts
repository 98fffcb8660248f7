import type { ErrorTable } from '../core/errors.ts';

/** Codes of `webserver`. */
export const webserverErrors: ErrorTable = {
  WEB_LISTEN_FAILED: { exit: 'environment', summary: 'The web server could not listen on an address and port.' },
  WEB_TLS_INVALID: { exit: 'usage', summary: 'Certificate and key of the web server cannot be used together.' },
  WEB_PATH_INVALID: { exit: 'usage', summary: 'A path to serve is not absolute, not clean, or given twice.' },
  WEB_FILE_MISSING: { exit: 'incomplete', summary: 'A file that the index names is not on disk.' },
  WEB_FILE_DAMAGED: { exit: 'no', summary: 'A file on disk is not the one that the index names.' },
};
