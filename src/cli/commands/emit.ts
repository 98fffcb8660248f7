import { emit } from '../../workflow/index.ts';
import { argument, type Invocation, type Outcome } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { plural } from '../render/table.ts';
import { getSiteFile, userPath } from '../settings.ts';

export async function runEmit(invocation: Invocation): Promise<Outcome> {
  const siteFile = await getSiteFile(invocation);
  const result = await emit(siteFile, userPath(invocation, argument(invocation, 0) ?? 'manifests'), invocation.run);
  const text = `${plural(result.files.length, 'file')} in ${result.folder}, for generations ${result.generations.join(', ')}; start with README.md there`;
  return { exitCode: exitCodes.done, result, text };
}
