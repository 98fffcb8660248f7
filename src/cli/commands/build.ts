import path from 'node:path';
import { AirlockError } from '../../core/errors.ts';
import { quoteWord } from '../../core/shell-word.ts';
import { formatBytes, formatDuration } from '../../core/units.ts';
import {
  buildInParts,
  type EngineSettings,
  type MirrorResult,
  makeNeeded,
  type NeededResult,
  type PartsResult,
} from '../../workflow/index.ts';
import { argument, type Invocation, type Outcome } from '../command.ts';
import { missingExitCode } from '../error-codes.ts';
import { exitCodes } from '../exit-codes.ts';
import { renderNext } from '../render/next.ts';
import { renderMissing } from '../render/plan.ts';
import { plural } from '../render/table.ts';
import { pathFlag, planRequest, userPath } from '../settings.ts';
import { defaultBundleFolder } from './plan.ts';

export async function runBuild(invocation: Invocation): Promise<Outcome> {
  const { flags } = invocation;
  if (flags.text('parts') !== undefined) return runNeeded(invocation);
  const request = {
    ...(await planRequest(invocation, argument(invocation, 0) ?? defaultBundleFolder)),
    planFile: pathFlag(invocation, 'plan'),
    replan: flags.on('replan'),
    signingKeyFile: pathFlag(invocation, 'signingKey'),
    engine: engineSettings(invocation),
  };
  const result = await buildInParts(request, invocation.run);
  if (result.state === 'complete' && request.toolFile === undefined && flags.text('tool') === undefined)
    invocation.run.report({ stage: 'build', state: 'log', level: 'info', message: noTool });
  const { parts } = result;
  const lines = [renderResult(result)];
  if (parts) lines.push(renderParts(parts));
  const carried = parts ? (parts.made.length > 0 ? parts.folder : undefined) : result.folder;
  if (carried !== undefined && (parts || result.state === 'complete')) lines.push(renderCarry(carried));
  return { exitCode: buildExitCode(result), result, text: lines.join('\n') };
}

const noTool =
  'this tool does not go along as an executable, so the bastion needs Node: npm run package makes one, --tool FILE names one, --tool none says that none is wanted';

/** `build --parts LIST`: nothing is planned and nothing else is made. */
async function runNeeded(invocation: Invocation): Promise<Outcome> {
  const result = await makeNeeded(
    {
      folder: userPath(invocation, argument(invocation, 0) ?? defaultBundleFolder),
      needListFile: pathFlag(invocation, 'parts') ?? '',
      partsFolder: pathFlag(invocation, 'partsDir'),
      workspace: pathFlag(invocation, 'workspace'),
    },
    invocation.run,
  );
  return { exitCode: exitCodes.done, result, text: renderNeeded(result) };
}

/** What to do with a folder that goes across the gap. */
function renderCarry(folder: string): string {
  const name = quoteWord(path.basename(folder));
  return renderNext(`carry ${folder} across`, `there: airlock verify ${name}`, `airlock load ${name}`);
}

function renderParts({ made, parts, folder }: PartsResult): string {
  const there = parts - made.length;
  if (made.length === 0) return `${plural(parts, 'part')} lie in ${folder} already`;
  const others = there > 0 ? `; the others lie there already and are right` : '';
  return `${plural(made.length, 'part')} of ${parts} made in ${folder}${others}`;
}

/** The pieces that the far side waits for; the small files beside them let it read them alone. */
function renderNeeded({ made, kept, parts, partSizeBytes, folder }: NeededResult): string {
  const piece = partSizeBytes === undefined ? 'volume' : 'part';
  const lines = [`${plural(made.length, piece)} of ${parts} made in ${folder}`];
  if (kept.length > 0)
    lines.push(`${plural(kept.length, piece)} lay there already and ${kept.length === 1 ? 'is' : 'are'} right`);
  const names = [...made, ...kept].sort();
  const shown = names.length > 5 ? `${names.slice(0, 4).join(', ')} … ${names.at(-1)}` : names.join(', ');
  return [...lines, renderNext(`carry ${shown} across, with the small files in ${folder}`)].join('\n');
}

/** `--engine`, and what belongs to the real binary. @throws AirlockError USAGE for its flags beside the built-in engine */
export function engineSettings(invocation: Invocation): EngineSettings {
  const program = pathFlag(invocation, 'ocMirror');
  const cacheFolder = pathFlag(invocation, 'cacheDir');
  const engine = invocation.flags.text('engine');
  if (engine === 'builtin' && (program ?? cacheFolder) !== undefined) {
    throw new AirlockError('USAGE', `${program ? '--oc-mirror' : '--cache-dir'} goes with --engine oc-mirror only`);
  }
  // Whoever names the binary wants it.
  const wanted = engine ?? (program === undefined ? 'auto' : 'oc-mirror');
  return { engine: wanted === 'builtin' || wanted === 'oc-mirror' ? wanted : 'auto', program, cacheFolder };
}

/** 0 done or nothing new, 3 a release image is missing or a service failed, 5 anything else is missing. */
export function buildExitCode(result: MirrorResult): number {
  if (result.state === 'failed') return exitCodes.environment;
  return result.state === 'incomplete' ? missingExitCode(result.missing) : exitCodes.done;
}

function tookMs({ startedAt, finishedAt }: MirrorResult): number {
  return Math.max(0, Date.parse(finishedAt) - Date.parse(startedAt));
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
    lines.push(
      `${plural(result.volumes.length, 'volume')}, ${formatBytes(bytes)}, in ${formatDuration(tookMs(result))}: ${result.folder}`,
    );
  else
    lines.push(
      'nothing was sealed; run the same command again to go on: what was fetched is kept, what planning did not find is looked for again',
      `the result is in ${result.folder}`,
    );
  return lines.join('\n');
}
