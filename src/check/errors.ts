import type { ErrorTable } from '../core/errors.ts';

/** Codes of `check`. What a check has to say of the site are findings (`codes.ts`), not errors. */
export const checkErrors: ErrorTable = {
  NAME_UNKNOWN: { exit: 'environment', summary: 'The DNS server of the site does not know a name.' },
  PULL_SECRET_INVALID: { exit: 'usage', summary: 'A pull secret is not a docker config JSON object.' },
};
