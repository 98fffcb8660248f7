import { formatBytes } from '../../core/units.ts';
import { mustGather } from '../../workflow/index.ts';
import { argument, type Invocation, type Outcome } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { engineSearch, findSiteFile, getSiteFile, pathFlag, userPath } from '../settings.ts';
import { defaultBundleFolder } from './plan.ts';

export async function runMustGather(invocation: Invocation): Promise<Outcome> {
  const { world, run } = invocation;
  const file = argument(invocation, 0);
  const builds = pathFlag(invocation, 'dir') ?? userPath(invocation, defaultBundleFolder);
  const buildFolder = (await run.disk.stat(builds))?.kind === 'directory' ? builds : undefined;
  // A connected host may have no site file.
  const siteFile = buildFolder === undefined ? await getSiteFile(invocation) : await findSiteFile(invocation);
  const result = await mustGather(
    {
      siteFile,
      imageSetFile: pathFlag(invocation, 'config'),
      buildFolder,
      logFile: pathFlag(invocation, 'logFile'),
      file: file === undefined ? undefined : userPath(invocation, file),
      folder: world.cwd,
      manifests: pathFlag(invocation, 'manifests') ?? userPath(invocation, 'manifests'),
      engine: engineSearch(invocation),
    },
    run,
  );
  const lacking = result.entries.filter((entry) => entry.problem !== undefined);
  const text = [
    `${result.file}: ${formatBytes(result.sizeBytes)}, sha256 ${result.sha256}`,
    ...lacking.map((entry) => `without ${entry.path} (${entry.what}): ${entry.problem}`),
    'credentials and keys are left out; look through it before you hand it on',
  ].join('\n');
  return { exitCode: exitCodes.done, result, text };
}
