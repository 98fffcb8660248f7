import { hasErrors } from '../../core/findings.ts';
import { formatBytes } from '../../core/units.ts';
import { check, type SiteCheck } from '../../workflow/index.ts';
import type { Invocation, Outcome } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { renderFindings } from '../render/findings.ts';
import { getSiteFile, pathFlag, userPath } from '../settings.ts';

export async function runCheck(invocation: Invocation): Promise<Outcome> {
  const result = await check(
    await getSiteFile(invocation),
    {
      hashFiles: invocation.flags.boolean('hash') !== false,
      manifests: pathFlag(invocation, 'manifests') ?? userPath(invocation, 'manifests'),
    },
    invocation.run,
  );
  return { exitCode: hasErrors(result.findings) ? exitCodes.no : exitCodes.done, result, text: renderCheck(result) };
}

/** What was looked at, and what was found. */
export function renderCheck(result: SiteCheck): string {
  const { counts } = result;
  const looked = `looked at ${counts.names} names, ${counts.connections} connections, ${counts.images} images (${counts.manifests} manifests, ${counts.blobs} blobs), ${counts.files} files (${formatBytes(counts.fileBytes)})`;
  return [
    renderFindings(result.findings),
    looked,
    hasErrors(result.findings) ? 'the site is NOT ready' : 'the site is ready',
  ].join('\n');
}
