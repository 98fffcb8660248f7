import { AirlockError } from '../../core/errors.ts';
import { argument, type CommandSpec, type Invocation, type Outcome } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { findShell, renderCompletion, shells } from '../render/completion.ts';

/** The command, for a command table: the table names it, so it cannot import the table. Throws USAGE for a shell that is not known. */
export function completionOf(specs: readonly CommandSpec[]) {
  return async (invocation: Invocation): Promise<Outcome> => {
    const name = argument(invocation, 0) ?? '';
    const shell = findShell(name);
    if (!shell)
      throw new AirlockError('USAGE', `"${name}" is not a shell known here`, { hint: `one of ${shells.join(', ')}` });
    const script = renderCompletion(shell, specs);
    return { exitCode: exitCodes.done, result: { shell, script }, text: script };
  };
}
