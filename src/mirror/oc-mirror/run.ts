import path from 'node:path';
import type { Stage } from '../../core/events.ts';
import { diskError, findFile } from '../../core/files.ts';
import type { Run } from '../../core/run.ts';
import { type CommandResult, runCommand } from '../../core/run-command.ts';
import type { OcMirrorBinary } from './binary.ts';
import {
  type CommandSettings,
  type DeletionSettings,
  deleteListArguments,
  exit,
  mirrorToDiskArguments,
  mirrorToMirrorArguments,
  places,
} from './dialect.ts';
import { childEnvironment, type EnvironmentSettings, findAuthFile } from './environment.ts';
import { watchGrowth } from './growth.ts';
import { OutputReader, type ReadOutput } from './output.ts';
import { findFreePort } from './port.ts';

/** What the binary is asked to do. */
export interface OcMirrorJob {
  readonly binary: OcMirrorBinary;
  /** The ImageSetConfiguration, as the user wrote it: it travels in the archive, byte for byte. */
  readonly configFile: string;
  /** Where its working-dir goes and, without a target, its archive: earlier archives there are deleted by it, so nothing else may lie there. */
  readonly folder: string;
  /** `HOST[:PORT][/PREFIX]`: straight to this registry; left out: to disk. */
  readonly target?: string | undefined;
  /** With a target: nothing is mirrored, the list of a DeleteImageSetConfiguration is made. */
  readonly deletion?: DeletionSettings | undefined;
  readonly settings: Omit<CommandSettings, 'port' | 'version'>;
  /** The user's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly environment: EnvironmentSettings;
  /** Its output and its own logs are kept here, in a folder for each run. */
  readonly logsFolder: string;
  readonly stage: Stage;
}

/** How a run ended. */
export interface OcMirrorEnd {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly output: ReadOutput;
  /** Holds `output.log` (both streams, as they came) and the binary's own logs. */
  readonly logFolder: string;
}

const portAttempts = 3;

/**
 * Runs the binary to its end, with events on the way: umask 022, its own environment, a free port. How it ended is judged by `judgeEnd`.
 * @throws AirlockError CANCELLED, COMMAND_FAILED, FILE_UNWRITABLE
 */
export async function runOcMirror(job: OcMirrorJob, run: Run): Promise<OcMirrorEnd> {
  for (let attempt = 1; ; attempt += 1) {
    const end = await runOnce(job, run);
    // Somebody took the port between our look and its start.
    if (!end.output.portBusy || end.exitCode !== exit.generic || attempt >= portAttempts) return end;
  }
}

async function runOnce(job: OcMirrorJob, run: Run): Promise<OcMirrorEnd> {
  const settings = {
    ...job.settings,
    version: job.binary.version,
    authFile: findAuthFile(job.settings.authFile, job.env),
    port: await findFreePort(),
  };
  const args = argumentsOf(job, settings);
  const logFolder = path.join(
    job.logsFolder,
    run
      .now()
      .toISOString()
      .replace(/[-:]|\.\d+Z$/g, ''),
  );
  const log = await OutputLog.open(path.join(logFolder, 'output.log'), run);
  const reader = new OutputReader(job.stage, run);
  const watch = watchGrowth(
    { cache: settings.cacheFolder, ...(job.target === undefined ? { archive: job.folder } : {}) },
    job.stage,
    run,
  );
  log.write(`${job.binary.program} ${args.join(' ')}`);
  let result: CommandResult;
  try {
    const onLine = (line: string): void => {
      log.write(line);
      reader.push(line);
    };
    const env = childEnvironment(job.env, job.environment);
    // In our own working folder: paths in the environment and in the configuration count from there.
    // A shell only for the umask, which Node cannot set for a child; the arguments never pass through its parser.
    const shell = ['-c', 'umask 022 && exec "$0" "$@"', job.binary.program, ...args];
    result = await runCommand('/bin/sh', shell, { env, onLine }, run);
  } finally {
    await watch.stop();
    await log.close();
    await keepLogs(job.folder, logFolder, run);
  }
  for (const { name } of await run.disk.list(logFolder)) {
    const bytes = places.errorsFile.test(name) ? await findFile(path.join(logFolder, name), run) : undefined;
    if (bytes) reader.pushErrorsFile(bytes.toString('utf8'));
  }
  return { exitCode: result.exitCode, signal: result.signal, output: reader.end(), logFolder };
}

function argumentsOf({ configFile, folder, target, deletion }: OcMirrorJob, settings: CommandSettings): string[] {
  if (target === undefined) return mirrorToDiskArguments(configFile, folder, settings);
  if (deletion !== undefined) return deleteListArguments(configFile, folder, target, deletion, settings);
  return mirrorToMirrorArguments(configFile, folder, target, settings);
}

/** Moves the binary's own logs out of a folder that will go away. Where a rename cannot reach they stay where they are. */
async function keepLogs(folder: string, logFolder: string, run: Run): Promise<void> {
  const own = path.join(folder, places.logs);
  for (const { name } of await run.disk.list(own))
    await run.disk.rename(path.join(own, name), path.join(logFolder, name)).catch(() => {});
}

/** Lines in the order in which they came. */
class OutputLog {
  readonly #file: string;
  readonly #handle: Awaited<ReturnType<Run['disk']['open']>>;
  #writing: Promise<void> = Promise.resolve();
  #position = 0;

  private constructor(file: string, handle: Awaited<ReturnType<Run['disk']['open']>>) {
    this.#file = file;
    this.#handle = handle;
  }

  static async open(file: string, run: Run): Promise<OutputLog> {
    try {
      await run.disk.makeDirectory(path.dirname(file));
      await run.disk.remove(file);
      return new OutputLog(file, await run.disk.open(file, 'create', 0o600));
    } catch (error) {
      throw diskError(error, file, 'write');
    }
  }

  write(line: string): void {
    const bytes = Buffer.from(`${line}\n`);
    const position = this.#position;
    this.#position += bytes.length;
    this.#writing = this.#writing.then(() => this.#handle.write(bytes, position));
    // A full disk shows when the log is closed; it must not count as unhandled until then.
    this.#writing.catch(() => {});
  }

  async close(): Promise<void> {
    try {
      await this.#writing;
    } catch (error) {
      throw diskError(error, this.#file, 'write');
    } finally {
      await this.#handle.close();
    }
  }
}
