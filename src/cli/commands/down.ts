import { down } from '../../workflow/index.ts';
import type { Invocation, Outcome } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { engineSearch, getSiteFile } from '../settings.ts';

export async function runDown(invocation: Invocation): Promise<Outcome> {
  const result = await down(await getSiteFile(invocation), engineSearch(invocation), invocation.run);
  const stopped = [
    ...(result.services ? ['services'] : []),
    ...(result.container ? ['registry container'] : []),
    ...result.closedPorts,
  ];
  return {
    exitCode: exitCodes.done,
    result,
    text: stopped.length > 0 ? `stopped: ${stopped.join(', ')}` : 'nothing was running',
  };
}
