import path from 'node:path';
import { AirlockError, errorText, isAirlockError } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import { runCommand } from '../../core/run-command.ts';
import { isBefore, oldestVersion, versionCommands } from './dialect.ts';
import { childEnvironment } from './environment.ts';

export interface BinarySearch {
  /** `--oc-mirror PATH`. */
  readonly program?: string | undefined;
  /** `OC_MIRROR` and `PATH` are read from it. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The binary, and what it calls its version (`v0.0.0-unknown` for one that was built by hand). */
export interface OcMirrorBinary {
  readonly program: string;
  readonly version: string;
}

/**
 * Where the binary is: the one that was named, then `OC_MIRROR`, then PATH. undefined: nowhere in PATH.
 * @throws AirlockError OC_MIRROR_NOT_FOUND when one was named and is not there
 */
export async function findOcMirror(search: BinarySearch, run: Run): Promise<string | undefined> {
  const named = search.program ?? (search.env['OC_MIRROR'] || undefined);
  if (named !== undefined) {
    if (await isFile(named, run)) return path.resolve(named);
    const who = search.program === undefined ? 'OC_MIRROR' : '--oc-mirror';
    throw new AirlockError('OC_MIRROR_NOT_FOUND', `there is no file ${named}, which ${who} names`, {
      hint: 'name the oc-mirror binary, or leave it out to use the built-in engine',
    });
  }
  for (const folder of (search.env['PATH'] ?? '').split(path.delimiter).filter(Boolean)) {
    const file = path.join(folder, 'oc-mirror');
    if (await isFile(file, run)) return file;
  }
  return undefined;
}

/** Links count: package managers put one into PATH. */
async function isFile(file: string, run: Run): Promise<boolean> {
  const stat = await run.disk.stat(file);
  return stat !== undefined && stat.kind !== 'directory';
}

/** @throws AirlockError OC_MIRROR_NOT_FOUND with what to do next */
export function noOcMirror(): AirlockError {
  return new AirlockError('OC_MIRROR_NOT_FOUND', 'there is no oc-mirror: not in PATH, and OC_MIRROR is not set', {
    hint: 'install it from https://mirror.openshift.com/pub/openshift-v4/clients/ocp/ and name it with --oc-mirror PATH, or use --engine builtin',
  });
}

/**
 * The binary that was asked for, opened.
 * @throws AirlockError OC_MIRROR_NOT_FOUND, OC_MIRROR_UNUSABLE
 */
export async function openNamedOcMirror(search: BinarySearch, run: Run): Promise<OcMirrorBinary> {
  const program = await findOcMirror(search, run);
  if (program === undefined) throw noOcMirror();
  return openOcMirror({ ...search, program }, run);
}

/**
 * Asks the binary what it is.
 * @throws AirlockError OC_MIRROR_UNUSABLE when it does not start, is something else, or too old; CANCELLED
 */
export async function openOcMirror(
  search: BinarySearch & { readonly program: string },
  run: Run,
): Promise<OcMirrorBinary> {
  const { program } = search;
  const version = await askVersion(search, run);
  if (version === undefined)
    throw unusable(program, 'it does not say which version it is', 'name the oc-mirror binary');
  if (isBefore(version, oldestVersion))
    throw unusable(
      program,
      `it is version ${version}`,
      `take ${oldestVersion} or newer: oc-mirror reads the images of older releases too`,
    );
  return { program, version };
}

/** What it calls itself; undefined when it says nothing of the kind. */
async function askVersion(search: BinarySearch & { readonly program: string }, run: Run): Promise<string | undefined> {
  let why = '';
  try {
    const env = childEnvironment(search.env, {});
    for (const args of versionCommands) {
      const { exitCode, signal, stdout, stderr } = await runCommand(search.program, args, { env }, run);
      const version = exitCode === 0 ? (parseVersion(stdout) ?? parseVersion(stderr)) : undefined;
      if (version !== undefined) return version;
      why ||= exitCode === 0 ? '' : `version ended with ${exitCode ?? signal}: ${lastLine(stderr)}`;
    }
  } catch (error) {
    if (!isAirlockError(error, 'COMMAND_FAILED', 'COMMAND_NOT_FOUND')) throw error;
    throw unusable(search.program, errorText(error), 'make it executable, and take the build for this machine', error);
  }
  if (why === '') return undefined;
  throw unusable(search.program, why, 'name a working oc-mirror binary for this machine');
}

/** The JSON in the text: warnings of the older ones may stand before it or behind it. */
function parseVersion(text: string): string | undefined {
  try {
    const json: unknown = JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1));
    const client: unknown = Reflect.get(json as object, 'clientVersion');
    const version: unknown = typeof client === 'object' && client !== null ? Reflect.get(client, 'gitVersion') : '';
    return typeof version === 'string' && version !== '' ? version : undefined;
  } catch {
    return undefined;
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

function unusable(program: string, why: string, hint: string, cause?: unknown): AirlockError {
  return new AirlockError('OC_MIRROR_UNUSABLE', `${program} cannot be used as oc-mirror: ${why}`, { hint, cause });
}
