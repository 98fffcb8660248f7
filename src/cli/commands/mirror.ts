import { AirlockError } from '../../core/errors.ts';
import { formatBytes } from '../../core/units.ts';
import { type MirrorOutcome, mirror, mirrorWithOcMirror } from '../../workflow/index.ts';
import { argument, type Invocation, type Outcome } from '../command.ts';
import { renderMissing } from '../render/plan.ts';
import { plural } from '../render/table.ts';
import { loadTarget, pathFlag, planRequest, targetSettings, userPath } from '../settings.ts';
import { buildExitCode, engineSettings } from './build.ts';

export async function runMirror(invocation: Invocation): Promise<Outcome> {
  const target = loadTarget(invocation, argument(invocation, 0) ?? '');
  if (target.kind !== 'registry')
    throw new AirlockError('USAGE', 'mirror goes to a registry', {
      hint: 'write docker://HOST[:PORT][/PREFIX]; to fill a storage folder use build and load',
    });
  const { kind: _, ...mirrorTarget } = target;
  const request = {
    ...(await planRequest(invocation, '.')),
    target: mirrorTarget,
    targetSettings: targetSettings(invocation),
    outputFolder: pathFlag(invocation, 'outputDir') ?? userPath(invocation, 'working-dir/cluster-resources'),
    webFolder: pathFlag(invocation, 'webDir'),
  };
  const engine = engineSettings(invocation);
  if (engine.engine === 'auto')
    invocation.run.report({
      stage: 'mirror',
      state: 'log',
      level: 'info',
      message: 'using the built-in engine; --engine oc-mirror drives the real binary',
    });
  const result =
    engine.engine === 'oc-mirror'
      ? await mirrorWithOcMirror({ ...request, engine }, invocation.run)
      : await mirror(request, invocation.run);
  return { exitCode: buildExitCode(result), result, text: renderMirror(result) };
}

function renderMirror(result: MirrorOutcome): string {
  const { copied } = result;
  return [
    result.state === 'nothing-new'
      ? `nothing new: ${result.target} has all of it`
      : `${result.state}: ${result.target}`,
    `${plural(copied.pushedBlobs, 'blob')} pushed (${formatBytes(copied.pushedBytes)}), ${copied.mountedBlobs} mounted, ${copied.presentBlobs} there before, ${plural(copied.pushedManifests, 'manifest')}, ${plural(copied.pushedTags, 'tag')}`,
    ...result.uncheckedReleases.map((release) => `release ${release}: SIGNATURE NOT CHECKED`),
    ...renderMissing(result.missing),
    ...result.notes.map((note) => `note: ${note.subject}: ${note.message}`),
    ...result.clusterResources.map((file) => `wrote ${file}`),
  ].join('\n');
}
