import { coreErrors, type ErrorTable, type ExitClass, isAirlockError } from '../core/errors.ts';
import { errorTables } from '../workflow/index.ts';
import { exitCodes } from './exit-codes.ts';

const byClass: Readonly<Record<ExitClass, number>> = {
  no: exitCodes.no,
  usage: exitCodes.usage,
  environment: exitCodes.environment,
  incomplete: exitCodes.incomplete,
  cancelled: exitCodes.interrupted,
};

/** All codes of all folders. */
export const errorCodes: ErrorTable = Object.assign({}, coreErrors, ...errorTables);

/** The code of a run with missing content: 3 where a service failed on the way, 5 where content is simply not there. */
export function missingExitCode(missing: readonly { readonly code: string }[]): number {
  const failed = missing.some(({ code }) => errorCodes[code]?.exit === 'environment');
  return failed ? exitCodes.environment : exitCodes.incomplete;
}

/** The exit code for a thrown value: by the code's class; a bug for anything that is not an AirlockError of a known code. */
export function exitCodeOf(error: unknown): number {
  if (!isAirlockError(error)) return exitCodes.bug;
  const row = errorCodes[error.code];
  return row ? byClass[row.exit] : exitCodes.bug;
}
