import type { ErrorTable } from '../core/errors.ts';

/** Codes that loading a configuration may throw. */
export const configErrors: ErrorTable = {
  CONFIG_INVALID: { exit: 'usage', summary: 'A configuration file has faults; each is listed with its line.' },
  CONFIG_NOT_FOUND: { exit: 'usage', summary: 'A configuration file does not exist.' },
};
