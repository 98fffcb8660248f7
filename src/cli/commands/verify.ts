import os from 'node:os';
import path from 'node:path';
import { quoteWord } from '../../core/shell-word.ts';
import { formatBytes } from '../../core/units.ts';
import { describeSignature, type VerifyRequest, type VerifyResult, verify } from '../../workflow/index.ts';
import { argument, type Invocation, type Outcome } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { renderFindings } from '../render/findings.ts';
import { renderNext } from '../render/next.ts';
import { pathFlag, userPath } from '../settings.ts';

export async function runVerify(invocation: Invocation): Promise<Outcome> {
  const bundle = argument(invocation, 0) ?? '.';
  const result = await verify(verifyRequest(invocation, bundle), invocation.run);
  const text = renderVerify(result);
  if (!result.whole) {
    const files = result.needLists.map(quoteWord);
    const builds = files.map((file) => `airlock build --parts ${quoteWord(path.basename(file))}`);
    const next = files.length > 0 ? `\n${renderNext(`carry ${files.join(' ')} to the connected host`, ...builds)}` : '';
    return { exitCode: exitCodes.no, result, text: `${text}${next}` };
  }
  const media = invocation.flags.text('media');
  const load = renderNext(
    `airlock load ${quoteWord(bundle)}${media === undefined ? '' : ` --media ${quoteWord(media)}`}`,
  );
  return { exitCode: exitCodes.done, result, text: `${text}\n${load}` };
}

/** What the flags of `verify` ask for. */
export function verifyRequest(invocation: Invocation, bundle: string): VerifyRequest {
  const { env, uid } = invocation.world;
  return {
    bundle: userPath(invocation, bundle),
    media: mediaFlag(invocation),
    keyFile: pathFlag(invocation, 'key'),
    reportFolder: pathFlag(invocation, 'report'),
    needListFile: pathFlag(invocation, 'needList'),
    verifiedBy: `${env['SUDO_USER'] ?? userName() ?? env['USER'] ?? `user ${uid ?? 'unknown'}`} on ${os.hostname()}`,
  };
}

/** The name that goes with the process's number; undefined where the system has none for it, as in some containers. */
function userName(): string | undefined {
  try {
    return os.userInfo().username;
  } catch {
    return undefined;
  }
}

/** `--media DIR,…`: further folders with parts of the same bundle. */
export function mediaFlag(invocation: Invocation): string[] {
  return (invocation.flags.list('media') ?? []).map((folder) => userPath(invocation, folder));
}

/** The first names of a list that may have thousands. */
function shorten(names: readonly string[]): string {
  const shown = names.slice(0, 10).join(', ');
  return names.length > 10 ? `${shown} … ${names.length} in all; --need-list FILE writes them down` : shown;
}

/** What was found, for people. */
export function renderVerify(result: VerifyResult): string {
  const bundles = result.bundles.map((report) => {
    const head = `generation ${report.generation} in ${report.folder}: ${report.whole ? 'whole' : 'NOT WHOLE'}, ${formatBytes(report.checkedBytes)} read, ${describeSignature(report.signature)}`;
    return report.findings.length > 0 ? `${head}\n${renderFindings(report.findings)}` : head;
  });
  const needs = result.needed.map(
    (list) => `needed of generation ${list.generation}: ${shorten(list.needs.map((need) => need.name))}`,
  );
  return [...bundles, ...needs, ...result.written.map((file) => `wrote ${file}`)].join('\n');
}
