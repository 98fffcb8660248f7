import { AirlockError } from '../../core/errors.ts';
import { hasErrors } from '../../core/findings.ts';
import { type RefreshResult, refreshBastion } from '../../workflow/index.ts';
import { argument, type Invocation, type Outcome } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { renderFindings } from '../render/findings.ts';
import { renderNext } from '../render/next.ts';
import { plural } from '../render/table.ts';
import { findSiteFile, getSiteFile, pathFlag, userPath } from '../settings.ts';
import { runBuild } from './build.ts';
import { renderCheck } from './check.ts';
import { loadRequest, renderLoad } from './load.ts';
import { renderVerify, verifyRequest } from './verify.ts';

/** With a bundle: the bastion's half. Without: the connected host's, which is a build of the next generation. */
export async function runRefresh(invocation: Invocation): Promise<Outcome> {
  const bundle = argument(invocation, 0);
  if (bundle === undefined) return runConnected(invocation);
  if (invocation.flags.text('config') !== undefined) {
    throw new AirlockError('USAGE', 'a bundle and an ImageSetConfiguration at once', {
      hint: 'on the connected host leave the bundle out, on the bastion leave out -c',
    });
  }
  const siteFile = await getSiteFile(invocation);
  const result = await refreshBastion(
    {
      siteFile,
      verify: verifyRequest(invocation, bundle),
      load: { ...(await loadRequest(invocation, bundle, undefined)), siteFile },
      manifestsFolder: pathFlag(invocation, 'manifests') ?? userPath(invocation, 'manifests'),
      hashFiles: invocation.flags.boolean('hash') !== false,
    },
    invocation.run,
  );
  return { exitCode: bastionExitCode(result), result, text: renderBastion(result) };
}

async function runConnected(invocation: Invocation): Promise<Outcome> {
  if ((await findSiteFile(invocation)) === undefined && invocation.flags.text('config') === undefined) {
    throw new AirlockError('USAGE', 'neither a bundle nor an ImageSetConfiguration', {
      hint: 'on the connected host name one with -c FILE or a site file with -f FILE; on the bastion name the bundle',
    });
  }
  return runBuild({ ...invocation, args: [invocation.flags.text('dir')] });
}

function bastionExitCode({ verified, loaded, emitted, checked }: RefreshResult): number {
  if (!verified.whole) return exitCodes.no;
  if (loaded?.state === 'partial') return exitCodes.incomplete;
  return hasErrors([...(emitted?.findings ?? []), ...(checked?.findings ?? [])]) ? exitCodes.no : exitCodes.done;
}

function renderBastion({ verified, loaded, emitted, checked }: RefreshResult): string {
  const lines = [renderVerify(verified)];
  if (!verified.whole) lines.push('nothing was loaded');
  if (loaded) lines.push(renderLoad(loaded));
  if (emitted) {
    if (emitted.findings.length > 0) lines.push(renderFindings(emitted.findings));
    lines.push(`${plural(emitted.files.length, 'file')} in ${emitted.folder}`);
  }
  if (checked) lines.push(renderCheck(checked));
  // What the nodes cannot pull is not for the cluster to hear of.
  if (checked && !hasErrors(checked.findings)) lines.push(renderNext('airlock apply'));
  return lines.join('\n');
}
