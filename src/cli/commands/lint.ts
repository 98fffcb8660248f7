import { hasErrors } from '../../core/findings.ts';
import { lintFiles } from '../../workflow/index.ts';
import { argumentList, type Invocation, type Outcome } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { renderFindings } from '../render/findings.ts';

export async function runLint(invocation: Invocation): Promise<Outcome> {
  const files = argumentList(invocation, 0);
  const findings = await lintFiles(files, invocation.run);
  return {
    exitCode: hasErrors(findings) ? exitCodes.no : exitCodes.done,
    result: { files, findings },
    text: renderFindings(findings),
  };
}
