import type { ErrorTable } from '../core/errors.ts';

/** Codes of `plan`. */
export const planErrors: ErrorTable = {
  PLAN_INVALID: { exit: 'usage', summary: 'A plan file is not one that this version of Airlock wrote.' },
  SPACE_SHORT: { exit: 'no', summary: 'A folder has not the space that the run needs.' },
};
