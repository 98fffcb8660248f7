import { AirlockError } from '../core/errors.ts';
import type { Invocation } from './command.ts';

/**
 * Asks before something is changed for good. `-y` answers yes; without a terminal the run fails and names the flag (design §2).
 * @throws AirlockError DECLINED (exit 1), USAGE
 */
export async function confirm(invocation: Invocation, question: string): Promise<void> {
  if (invocation.flags.on('yes')) return;
  if (!invocation.world.isTerminal)
    throw new AirlockError('USAGE', 'this asks before it changes anything, and there is no terminal to ask on', {
      hint: `${question} Answer with -y`,
    });
  if (!(await invocation.world.ask(question))) throw new AirlockError('DECLINED', 'declined; nothing was changed');
}
