import { formatBytes } from '../../core/units.ts';
import { build, type MirrorResult } from '../../workflow/index.ts';
import { argument, type Invocation, type Outcome } from '../command.ts';
import { exitCodes, missingExitCode } from '../exit-codes.ts';
import { renderMissing } from '../render/plan.ts';
import { plural } from '../render/table.ts';
import { pathFlag, planRequest } from '../settings.ts';
import { defaultBundleFolder } from './plan.ts';

export async function runBuild(invocation: Invocation): Promise<Outcome> {
  const { flags } = invocation;
  const request = {
    ...(await planRequest(invocation, argument(invocation, 0) ?? defaultBundleFolder)),
    planFile: pathFlag(invocation, 'plan'),
    replan: flags.on('replan'),
    signingKeyFile: pathFlag(invocation, 'signingKey'),
  };
  const result = await build(request, invocation.run);
  return { exitCode: buildExitCode(result), result, text: renderResult(result) };
}

/** 0 done or nothing new, 3 a release image is missing or a service failed, 5 anything else is missing. */
export function buildExitCode(result: MirrorResult): number {
  if (result.state === 'failed') return exitCodes.environment;
  return result.state === 'incomplete' ? missingExitCode(result.missing) : exitCodes.done;
}

function renderResult(result: MirrorResult): string {
  if (result.state === 'nothing-new') return 'nothing new: the last generation carries all of it; no bundle was made';
  const { carried, selected, assumed } = result.totals;
  const bytes = result.volumes.reduce((sum, volume) => sum + volume.sizeBytes, 0);
  const lines = [
    `generation ${result.generation}: ${result.state}`,
    `selected ${plural(selected.images, 'image')} (${formatBytes(selected.bytes)}), already carried ${plural(assumed.blobs, 'blob')} (${formatBytes(assumed.bytes)}), in this bundle ${plural(carried.blobs, 'blob')} (${formatBytes(carried.bytes)})`,
    ...result.uncheckedReleases.map((release) => `release ${release}: SIGNATURE NOT CHECKED`),
    ...renderMissing(result.missing),
    ...result.notes.map((note) => `note: ${note.subject}: ${note.message}`),
  ];
  if (result.state === 'complete')
    lines.push(`${plural(result.volumes.length, 'volume')}, ${formatBytes(bytes)}: ${result.folder}`);
  else
    lines.push(`nothing was sealed; run the same command again to go on, what was fetched is kept in ${result.folder}`);
  return lines.join('\n');
}
