import { formatBytes } from '../../core/units.ts';
import { verify } from '../../workflow/index.ts';
import { argument, type Invocation, type Outcome } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { renderFindings } from '../render/findings.ts';
import { pathFlag, userPath } from '../settings.ts';

export async function runVerify(invocation: Invocation): Promise<Outcome> {
  const reports = await verify(
    userPath(invocation, argument(invocation, 0) ?? '.'),
    pathFlag(invocation, 'key'),
    invocation.run,
  );
  const whole = reports.every((report) => report.whole);
  const text = reports.map((report) => {
    const head = `generation ${report.generation} in ${report.folder}: ${report.whole ? 'whole' : 'DAMAGED'}, ${formatBytes(report.checkedBytes)} read, ${signatureText(report.signature)}`;
    return report.findings.length > 0 ? `${head}\n${renderFindings(report.findings)}` : head;
  });
  return {
    exitCode: whole ? exitCodes.done : exitCodes.no,
    result: { whole, bundles: reports },
    text: text.join('\n'),
  };
}

function signatureText(signature: object & { readonly state: string }): string {
  const fingerprint = 'fingerprint' in signature ? ` ${String(signature.fingerprint)}` : '';
  const words: Readonly<Record<string, string>> = {
    signed: `signed by${fingerprint}`,
    'unknown-key': `signed by an unknown key${fingerprint}`,
    unsigned: 'unsigned',
    bad: 'BAD SIGNATURE',
  };
  return words[signature.state] ?? signature.state;
}
