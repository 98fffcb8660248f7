import { spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AirlockError } from '../../core/errors.ts';
import { findFile, writeFileAtomic } from '../../core/files.ts';
import { prettyJson } from '../../core/json.ts';
import { assertRunning, type Run } from '../../core/run.ts';

/** What the background process wrote when it was ready: `STATE/run/services.json`. */
export interface ServicesRecord {
  readonly pid: number;
  /** Start time of the process in clock ticks since boot: tells it from a later process with the same pid. */
  readonly processStart: string;
  readonly startedAt: string;
  /** Digest of the settings it runs with: `up` leaves it alone when they are still the same. */
  readonly settingsDigest: string;
  readonly endpoints: readonly ServiceEndpoint[];
  readonly logFile: string;
}

export interface ServiceEndpoint {
  readonly service: 'registry' | 'web' | 'dns';
  /** `https://host:port`, `dns://host:port`. */
  readonly url: string;
}

export interface BackgroundPaths {
  readonly record: string;
  readonly settings: string;
  readonly log: string;
}

export function backgroundPaths(stateFolder: string): BackgroundPaths {
  return {
    record: path.join(stateFolder, 'run', 'services.json'),
    settings: path.join(stateFolder, 'run', 'settings.json'),
    log: path.join(stateFolder, 'log', 'services.log'),
  };
}

/** The record of services that are running now; undefined when there is none or its process is gone. */
export async function findRunningServices(stateFolder: string, run: Run): Promise<ServicesRecord | undefined> {
  const bytes = await findFile(backgroundPaths(stateFolder).record, run);
  if (!bytes) return undefined;
  const record = JSON.parse(bytes.toString()) as ServicesRecord;
  return (await processStart(record.pid)) === record.processStart ? record : undefined;
}

/** Written by the background process itself once everything listens. */
export async function writeServicesRecord(
  stateFolder: string,
  record: Omit<ServicesRecord, 'pid' | 'processStart' | 'logFile'>,
  run: Run,
): Promise<void> {
  const paths = backgroundPaths(stateFolder);
  const own = { pid: process.pid, processStart: (await processStart(process.pid)) ?? '', logFile: paths.log };
  await writeFileAtomic(paths.record, prettyJson({ ...record, ...own }), run);
}

/**
 * Starts `command` as a process of its own session with its output in the log, and waits until it wrote its record. It survives logout.
 * @throws AirlockError SERVICES_FAILED with the last lines of the log
 */
export async function startBackground(
  command: readonly string[],
  stateFolder: string,
  timeoutMs: number,
  run: Run,
): Promise<ServicesRecord> {
  const paths = backgroundPaths(stateFolder);
  await run.disk.makeDirectory(path.dirname(paths.log));
  await run.disk.makeDirectory(path.dirname(paths.record));
  await run.disk.remove(paths.record);
  const log = await open(paths.log, 'a', 0o640);
  const logStart = (await log.stat()).size;
  const [program = '', ...args] = command;
  const child = spawn(program, args, { detached: true, stdio: ['ignore', log.fd, log.fd] });
  const ended = { exitCode: undefined as number | null | undefined };
  child.on('exit', (code) => {
    ended.exitCode = code;
  });
  child.on('error', () => {
    ended.exitCode = -1;
  });
  child.unref();
  await log.close();
  for (const end = Date.now() + timeoutMs; Date.now() < end; await sleep(50)) {
    assertRunning(run);
    const record = await findRunningServices(stateFolder, run);
    if (record) return record;
    if (ended.exitCode !== undefined) break;
  }
  child.kill('SIGTERM');
  const tail = (await readFile(paths.log)).subarray(logStart).toString().trim().split('\n').slice(-8).join('\n  ');
  throw new AirlockError('SERVICES_FAILED', `the services did not come up:\n  ${tail || 'no output'}`, {
    hint: `the whole log is ${paths.log}`,
  });
}

/** Ends the services that the record names, and nothing else. Returns whether there were any. */
export async function stopBackground(stateFolder: string, run: Run, graceMs = 5000): Promise<boolean> {
  const record = await findRunningServices(stateFolder, run);
  const paths = backgroundPaths(stateFolder);
  if (record) {
    process.kill(record.pid, 'SIGTERM');
    const end = Date.now() + graceMs;
    while ((await processStart(record.pid)) === record.processStart) {
      if (Date.now() > end) process.kill(record.pid, 'SIGKILL');
      await sleep(30);
    }
  }
  await run.disk.remove(paths.record);
  return record !== undefined;
}

/** Field 22 of /proc/PID/stat; undefined when there is no such process. A zombie counts as gone. */
async function processStart(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The command name in parentheses may hold blanks and parentheses: count fields after the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
