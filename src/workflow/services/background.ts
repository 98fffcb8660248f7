import { spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AirlockError, isAirlockError } from '../../core/errors.ts';
import { findFile, writeFileAtomic } from '../../core/files.ts';
import { prettyJson } from '../../core/json.ts';
import { isRunning, ownProcess, type ProcessMark } from '../../core/process-mark.ts';
import { assertRunning, type Run } from '../../core/run.ts';

/** How long a service may take to start: slow hosts take their time; one that ends is noticed long before. */
export const slowStartMs = 120_000;

/** What the process that serves wrote when it was ready: `STATE/run/services.json`. */
export interface ServicesRecord extends ProcessMark {
  readonly startedAt: string;
  /** Digest of the settings it runs with: `up` leaves it alone when they are still the same. */
  readonly settingsDigest: string;
  readonly endpoints: readonly ServiceEndpoint[];
  readonly logFile: string;
  /** What starts it anew when it ends, where that is a process of ours: its own record may have been lost. */
  readonly supervisor?: ProcessMark;
}

/** What the supervisor wrote: `STATE/run/supervisor.json`. */
export interface SupervisorRecord extends ProcessMark {
  readonly startedAt: string;
  /** The process that it started last, which may not be ready yet. */
  readonly worker: ProcessMark | undefined;
  /** How often it had to start it anew. */
  readonly restarts: number;
}

export interface ServiceEndpoint {
  readonly service: 'registry' | 'web' | 'dns';
  /** `https://host:port`, `dns://host:port`. */
  readonly url: string;
}

export interface BackgroundPaths {
  readonly record: string;
  readonly supervisor: string;
  /** Why the services did not start, as data. */
  readonly failure: string;
  readonly settings: string;
  readonly log: string;
  /** Who asked what of the services that run in the background. */
  readonly requests: { readonly registry: string; readonly web: string };
}

export function backgroundPaths(stateFolder: string): BackgroundPaths {
  const at = (name: string): string => path.join(stateFolder, 'run', name);
  return {
    record: at('services.json'),
    supervisor: at('supervisor.json'),
    failure: at('failure.json'),
    settings: at('settings.json'),
    log: path.join(stateFolder, 'log', 'services.log'),
    requests: {
      registry: path.join(stateFolder, 'log', 'registry-requests.log'),
      web: path.join(stateFolder, 'log', 'web-requests.log'),
    },
  };
}

/** The record of services that are running now; undefined when there is none or its process is gone. */
export async function findRunningServices(stateFolder: string, run: Run): Promise<ServicesRecord | undefined> {
  return findLive<ServicesRecord>(backgroundPaths(stateFolder).record, run);
}

/** The record of a supervisor that is running now. */
export async function findSupervisor(stateFolder: string, run: Run): Promise<SupervisorRecord | undefined> {
  return findLive<SupervisorRecord>(backgroundPaths(stateFolder).supervisor, run);
}

async function findLive<T extends ProcessMark>(file: string, run: Run): Promise<T | undefined> {
  const record = await readRecord<T>(file, run);
  return record && (await isRunning(record)) ? record : undefined;
}

/** A record that a crash cut short counts as none. */
async function readRecord<T>(file: string, run: Run): Promise<T | undefined> {
  const bytes = await findFile(file, run);
  try {
    return bytes && (JSON.parse(bytes.toString()) as T);
  } catch {
    return undefined;
  }
}

/** Written by the process itself once everything listens. */
export async function writeServicesRecord(
  stateFolder: string,
  record: Omit<ServicesRecord, 'pid' | 'processStart' | 'logFile'>,
  run: Run,
): Promise<void> {
  const paths = backgroundPaths(stateFolder);
  await run.disk.remove(paths.failure);
  await writeFileAtomic(paths.record, prettyJson({ ...record, ...(await ownProcess()), logFile: paths.log }), run);
}

/** Keeps why the services did not start, for the `up` that waits for them. */
export async function writeFailure(stateFolder: string, error: unknown, run: Run): Promise<void> {
  if (!isAirlockError(error)) return;
  const { code, message, hint } = error;
  await writeFileAtomic(backgroundPaths(stateFolder).failure, prettyJson({ code, message, hint }), run);
}

/** What was started, and how its end is noticed. */
export interface StartedServices {
  readonly ended: () => boolean | Promise<boolean>;
  /** Called when they did not come up. Waits until a process that is on its way out is gone: it takes its record away before it ends. */
  readonly gone: () => Promise<void>;
  /** Ends what was started, also before it wrote any record. Works for a run that was interrupted. */
  readonly stop: () => Promise<void>;
}

/**
 * Has `start` start the services, and waits until they wrote their record.
 * @throws AirlockError what kept them from starting, otherwise SERVICES_FAILED with the last lines of the log
 */
export async function awaitServices(
  stateFolder: string,
  start: () => Promise<StartedServices>,
  timeoutMs: number,
  run: Run,
): Promise<{ readonly record: ServicesRecord; readonly stop: () => Promise<void> }> {
  const paths = backgroundPaths(stateFolder);
  await run.disk.makeDirectory(path.dirname(paths.log));
  await run.disk.makeDirectory(path.dirname(paths.record));
  await run.disk.remove(paths.record);
  await run.disk.remove(paths.failure);
  const logStart = (await run.disk.stat(paths.log))?.sizeBytes ?? 0;
  assertRunning(run);
  const started = await start();
  for (const end = Date.now() + timeoutMs; Date.now() < end; await sleep(50)) {
    // Interrupted: what was not there before is not left behind half-started.
    if (run.signal.aborted) await stopStarted(stateFolder, started, run);
    assertRunning(run);
    const record = await findRunningServices(stateFolder, run);
    if (record) return { record, stop: () => stopStarted(stateFolder, started, run) };
    if ((await started.ended()) || (await run.disk.stat(paths.failure))) break;
  }
  await stopBackground(stateFolder, run);
  await started.gone();
  throw await startError(stateFolder, logStart, run);
}

/** The process first that was started: a supervisor that has written nothing yet would go on to start a worker. */
async function stopStarted(stateFolder: string, started: StartedServices, run: Run): Promise<void> {
  await started.stop();
  await stopBackground(stateFolder, run);
}

/** Why the services could not start at their last try; undefined when they could. */
export function findFailure(
  stateFolder: string,
  run: Run,
): Promise<{ readonly code: string; readonly message: string; readonly hint?: string } | undefined> {
  return readRecord(backgroundPaths(stateFolder).failure, run);
}

async function startError(stateFolder: string, logStart: number, run: Run): Promise<AirlockError> {
  const paths = backgroundPaths(stateFolder);
  const failure = await findFailure(stateFolder, run);
  if (failure) return new AirlockError(failure.code, failure.message, failure.hint ? { hint: failure.hint } : {});
  const log = (await readFile(paths.log).catch(() => Buffer.alloc(0))).subarray(logStart).toString();
  const tail = log.trim().split('\n').slice(-8).join('\n  ');
  return new AirlockError('SERVICES_FAILED', `the services did not come up:\n  ${tail || 'no output'}`, {
    hint: `the whole log is ${paths.log}`,
  });
}

/** Starts `command` as a process of a session of its own with its output in the log: it survives logout. */
export async function startDetached(
  command: readonly string[],
  stateFolder: string,
  run: Run,
): Promise<StartedServices> {
  const paths = backgroundPaths(stateFolder);
  await run.disk.makeDirectory(path.dirname(paths.log));
  const log = await open(paths.log, 'a', 0o640);
  const [program = '', ...args] = command;
  // The root folder as working folder keeps no file system from being unmounted.
  const child = spawn(program, args, { cwd: '/', detached: true, stdio: ['ignore', log.fd, log.fd] });
  let ended = false;
  child.on('exit', () => {
    ended = true;
  });
  child.on('error', () => {
    ended = true;
  });
  child.unref();
  await log.close();
  const gone = async (): Promise<void> => {
    for (const end = Date.now() + 5000; !ended && Date.now() < end; ) await sleep(20);
  };
  return {
    ended: () => ended,
    gone,
    async stop() {
      // A supervisor ends its worker first.
      child.kill('SIGTERM');
      await gone();
    },
  };
}

/** Ends the supervisor and the services that the records name, and nothing else. Returns whether there were any. */
export async function stopBackground(stateFolder: string, run: Run, graceMs = 5000): Promise<boolean> {
  const paths = backgroundPaths(stateFolder);
  const recorded = await findSupervisor(stateFolder, run);
  const supervisor = recorded ?? (await findRunningServices(stateFolder, run))?.supervisor;
  // The supervisor first, or it would start the services again. It may have started a worker since its record was read.
  const supervised = supervisor !== undefined && (await stopProcess(supervisor, graceMs));
  const left = await readRecord<SupervisorRecord>(paths.supervisor, run);
  const services = await findRunningServices(stateFolder, run);
  const workers = [left?.worker, recorded?.worker, services].filter((one) => one !== undefined);
  const stopped = await Promise.all(workers.map((one) => stopProcess(one, graceMs)));
  await run.disk.remove(paths.record);
  await run.disk.remove(paths.supervisor);
  return supervised || stopped.includes(true);
}

/** SIGTERM, then SIGKILL; false when it does not run any more. */
async function stopProcess(mark: ProcessMark, graceMs: number): Promise<boolean> {
  if (!(await isRunning(mark))) return false;
  sendSignal(mark, 'SIGTERM');
  for (const end = Date.now() + graceMs; await isRunning(mark); await sleep(30)) {
    if (Date.now() > end) sendSignal(mark, 'SIGKILL');
    if (Date.now() > end + graceMs)
      throw new AirlockError('SERVICES_FAILED', `process ${mark.pid} does not end`, {
        hint: 'it waits for a disk, or belongs to another user: run this as the user who ran up',
      });
  }
  return true;
}

function sendSignal({ pid }: ProcessMark, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EPERM')
      throw new AirlockError('SERVICES_FOREIGN', `process ${pid}, which serves this site, belongs to another user`, {
        hint: 'run this as the user who ran airlock up',
      });
  }
}
