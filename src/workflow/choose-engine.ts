import path from 'node:path';
import { findInterruptedBuild } from '../bundle/index.ts';
import { AirlockError, errorText, isAirlockError } from '../core/errors.ts';
import type { Run } from '../core/run.ts';
import {
  assertFolder,
  findOcMirror,
  isBefore,
  noOcMirror,
  type OcMirrorBinary,
  openOcMirror,
} from '../mirror/index.ts';
import { workspaceOf } from './plan-image-set.ts';
import type { PlanRequest } from './requests.ts';

/** What drives a build, and where the real binary and its cache are. */
export interface EngineSettings {
  /** `auto`: oc-mirror where it is installed, else the built-in one. */
  readonly engine: 'builtin' | 'oc-mirror' | 'auto';
  /** `--oc-mirror PATH`; left out: `OC_MIRROR`, then PATH. */
  readonly program?: string | undefined;
  /** `--cache-dir`. */
  readonly cacheFolder?: string | undefined;
}

/** Beside the archive of a run of oc-mirror that was finished. */
export const ocMirrorStateName = 'oc-mirror.json';

/** What of a build matters here. */
type EngineRequest = PlanRequest & {
  readonly planFile?: string | undefined;
  readonly replan: boolean;
  /** Where an archive goes: oc-mirror does not take every path. */
  readonly archiveFolder?: string | undefined;
};

/**
 * The binary that a build uses; undefined: the built-in engine. Unless oc-mirror was asked for, whatever keeps it from being used is a log
 * line and no error.
 * @throws AirlockError OC_MIRROR_NOT_FOUND, OC_MIRROR_UNUSABLE, OC_MIRROR_FLAG_REFUSED, OC_MIRROR_FOLDER_REFUSED when `--engine oc-mirror` was asked for, ENGINE_DIFFERS
 */
export async function chooseEngine(
  settings: EngineSettings | undefined,
  request: EngineRequest,
  run: Run,
): Promise<OcMirrorBinary | undefined> {
  const begun = request.replan ? undefined : await findBegun(request, run);
  const wanted = settings?.engine ?? 'builtin';
  if (begun !== undefined && wanted !== 'auto' && begun !== wanted) throw otherEngine(begun);
  if (!settings || wanted === 'builtin' || (begun ?? wanted) === 'builtin') return undefined;
  if (wanted === 'auto' && begun === undefined && (await run.disk.stat(path.join(workspaceOf(request), 'plan.json')))) {
    say(run, 'using the built-in engine: a plan of it lies in the workspace');
    return undefined;
  }
  const isAsked = wanted === 'oc-mirror' || begun === 'oc-mirror';
  const { env } = request.source;
  try {
    const program = await findOcMirror({ program: settings.program, env }, run);
    if (program === undefined) throw noOcMirror();
    assertFollows(findRefused(request));
    if (request.archiveFolder !== undefined) assertFolder(request.archiveFolder);
    const binary = await openOcMirror({ program, env }, run);
    if (request.selection.ignoreReleaseSignature && isBefore(binary.version, '4.19'))
      assertFollows('--ignore-release-signature (4.19 is the first that knows it)');
    say(run, `using oc-mirror ${binary.version} (${path.resolve(program)}); --engine builtin does without it`);
    return binary;
  } catch (error) {
    const isOurs = isAirlockError(error, ...unusable);
    // A binary that the user named has to be there.
    if (isAsked || !isOurs || settings.program !== undefined) throw error;
    say(run, `using the built-in engine: ${errorText(error)}`);
    return undefined;
  }
}

/** Why oc-mirror cannot be taken: an error for whoever asked for it, else the reason for the built-in engine. */
const unusable = ['OC_MIRROR_NOT_FOUND', 'OC_MIRROR_UNUSABLE', 'OC_MIRROR_FLAG_REFUSED', 'OC_MIRROR_FOLDER_REFUSED'];

/** The engine of a build that was interrupted. Its work is not thrown away because another one was chosen. */
async function findBegun(request: EngineRequest, run: Run): Promise<'builtin' | 'oc-mirror' | undefined> {
  const interrupted = await findInterruptedBuild(request.folder, run);
  if (interrupted) return interrupted.plan.engine;
  for (const { name } of await run.disk.list(request.folder)) {
    const state = path.join(request.folder, name, ocMirrorStateName);
    if (/^gen-[0-9]{6}\.partial$/.test(name) && (await run.disk.stat(state))) return 'oc-mirror';
  }
  return undefined;
}

function otherEngine(begun: 'builtin' | 'oc-mirror'): AirlockError {
  return new AirlockError('ENGINE_DIFFERS', `the next generation was begun with --engine ${begun}`, {
    hint: `finish it with --engine ${begun}, or drop what it fetched with --replan`,
  });
}

/** @throws AirlockError OC_MIRROR_FLAG_REFUSED */
export function assertFollows(refused: string | undefined): void {
  if (refused === undefined) return;
  throw new AirlockError('OC_MIRROR_FLAG_REFUSED', `oc-mirror cannot do what ${refused} asks for`, {
    hint: `leave ${refused.replace(/ .*/, '')} out, or use --engine builtin`,
  });
}

/** Flags that only the built-in engine can follow. */
function findRefused(request: EngineRequest): string | undefined {
  const { source, volumeSizeBytes, planFile } = request;
  if (planFile !== undefined) return '--plan';
  if (volumeSizeBytes !== undefined) return '--volume-size (archiveSize of the ImageSetConfiguration counts)';
  if (source.maxBytesPerSecond !== undefined) return '--max-bandwidth';
  return source.caFile === undefined ? undefined : '--src-ca-file (put the CA into the trust of this host)';
}

function say(run: Run, message: string): void {
  run.report({ stage: 'build', state: 'log', level: 'info', message });
}
