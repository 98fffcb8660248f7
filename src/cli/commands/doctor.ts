import { hasErrors } from '../../core/findings.ts';
import { quoteWord } from '../../core/shell-word.ts';
import { type DoctorResult, doctor } from '../../workflow/index.ts';
import { argument, type Invocation, type Outcome } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { renderFindings } from '../render/findings.ts';
import { renderNext, siteWords } from '../render/next.ts';
import { plural } from '../render/table.ts';
import { engineSearch, getSiteFile, userPath } from '../settings.ts';

export async function runDoctor(invocation: Invocation): Promise<Outcome> {
  const bundle = argument(invocation, 0);
  const result = await doctor(
    {
      siteFile: await getSiteFile(invocation),
      bundle: bundle === undefined ? undefined : userPath(invocation, bundle),
      engine: engineSearch(invocation),
    },
    invocation.run,
  );
  const text = renderDoctor(result);
  if (hasErrors(result.findings)) return { exitCode: exitCodes.no, result, text };
  const load = `airlock load ${bundle === undefined ? 'BUNDLE' : quoteWord(bundle)}${siteWords(invocation.flags)}`;
  return { exitCode: exitCodes.done, result, text: `${text}\n${renderNext(load)}` };
}

function renderDoctor({ findings, counts }: DoctorResult): string {
  const { files, folders, listeners, bundles } = counts;
  const looked = [plural(files, 'file'), plural(folders, 'folder'), `${listeners} addresses with ports`];
  return [
    renderFindings(findings),
    `looked at ${looked.join(', ')}${bundles > 0 ? `, room for ${plural(bundles, 'bundle')}` : ''}`,
    hasErrors(findings) ? 'this host is NOT ready to be the bastion' : 'this host can be the bastion',
  ].join('\n');
}
