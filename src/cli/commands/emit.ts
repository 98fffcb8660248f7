import { hasErrors } from '../../core/findings.ts';
import { emit } from '../../workflow/index.ts';
import { argument, type Invocation, type Outcome } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { renderFindings } from '../render/findings.ts';
import { plural } from '../render/table.ts';
import { getSiteFile, userPath } from '../settings.ts';

export async function runEmit(invocation: Invocation): Promise<Outcome> {
  const siteFile = await getSiteFile(invocation);
  const result = await emit(siteFile, userPath(invocation, argument(invocation, 0) ?? 'manifests'), invocation.run);
  const text = `${plural(result.files.length, 'file')} in ${result.folder}, for generations ${result.generations.join(', ')}; start with README.md there`;
  const found = result.findings.length > 0 ? [renderFindings(result.findings)] : [];
  return {
    exitCode: hasErrors(result.findings) ? exitCodes.no : exitCodes.done,
    result,
    text: [...found, text].join('\n'),
  };
}
