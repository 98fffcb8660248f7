import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { AirlockError, findErrno } from '../core/errors.ts';
import { diskError, findFile } from '../core/files.ts';
import type { Run } from '../core/run.ts';

/** Who holds a workspace. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  readonly command: string;
  /** RFC 3339. */
  readonly since: string;
  /** Start time of the process as the kernel counts it, so that a new process with an old number is not taken for the holder. */
  readonly processStart?: string;
}

/** A held lock. */
export interface Lock {
  release(): Promise<void>;
}

/**
 * Takes the lock of a folder (`<folder>/lock`), so that two runs cannot meet. One left by a process of this host that is gone is taken over.
 * @throws AirlockError WORKSPACE_LOCKED, with the holder in its message and details
 */
export async function acquireLock(folder: string, command: string, run: Run): Promise<Lock> {
  const file = path.join(folder, 'lock');
  const holder: LockHolder = {
    pid: process.pid,
    host: os.hostname(),
    command,
    since: run.now().toISOString(),
    ...optional('processStart', await processStart(process.pid)),
  };
  await run.disk.makeDirectory(folder);
  for (let attempt = 0; ; attempt += 1) {
    if (await tryCreate(file, holder, run)) {
      await removeLeftovers(file, run);
      return { release: () => release(file, holder, run) };
    }
    const there = await readHolder(file, run);
    if (there === 'gone') continue;
    if (attempt < 5 && (there === 'torn' || !(await isAlive(there)))) await removeStale(file, there, run);
    else throw locked(file, there);
  }
}

/** A lock file that holds all its text from the moment it has its name: written beside, then linked. */
async function tryCreate(file: string, holder: LockHolder, run: Run): Promise<boolean> {
  const own = `${file}.${randomUUID()}`;
  try {
    const handle = await run.disk.open(own, 'create');
    try {
      await handle.write(Buffer.from(`${JSON.stringify(holder)}\n`), 0);
    } finally {
      await handle.close();
    }
    await run.disk.link(own, file);
    return true;
  } catch (error) {
    if (findErrno(error) === 'EEXIST') return false;
    throw diskError(error, file, 'write');
  } finally {
    await run.disk.remove(own).catch(() => {});
  }
}

/** What runs left that were killed while they took the lock: files of dead processes, by what stands in them. */
async function removeLeftovers(file: string, run: Run): Promise<void> {
  const folder = path.dirname(file);
  for (const { name } of await run.disk.list(folder)) {
    if (!name.startsWith(`${path.basename(file)}.`)) continue;
    const leftover = path.join(folder, name);
    const holder = await readHolder(leftover, run);
    // Of one without its text nothing is known, but that it takes no minute to write that.
    const ageMs = run.now().getTime() - ((await run.disk.stat(leftover))?.modifiedAt.getTime() ?? 0);
    if (typeof holder === 'object' ? !(await isAlive(holder)) : ageMs > 60_000) await run.disk.remove(leftover);
  }
}

async function release(file: string, holder: LockHolder, run: Run): Promise<void> {
  const there = await readHolder(file, run);
  if (typeof there === 'object' && isSame(there, holder)) await run.disk.remove(file);
}

async function readHolder(file: string, run: Run): Promise<LockHolder | 'gone' | 'torn'> {
  const text = await findFile(file, run, 1 << 16);
  if (!text) return 'gone';
  try {
    const value = JSON.parse(text.toString('utf8')) as LockHolder;
    return typeof value.pid === 'number' && typeof value.host === 'string' ? value : 'torn';
  } catch {
    return 'torn';
  }
}

/** Moves the stale lock away first: of two runs that find it only one gets it, and a lock that was renewed meanwhile is put back. */
async function removeStale(file: string, stale: LockHolder | 'torn', run: Run): Promise<void> {
  const aside = `${file}.stale-${randomUUID()}`;
  try {
    await run.disk.rename(file, aside);
  } catch (error) {
    if (findErrno(error) === 'ENOENT') return;
    throw diskError(error, file, 'write');
  }
  const moved = await readHolder(aside, run);
  if (typeof moved === 'object' && (stale === 'torn' || !isSame(moved, stale)))
    await run.disk.link(aside, file).catch(() => {});
  await run.disk.remove(aside);
}

async function isAlive(holder: LockHolder): Promise<boolean> {
  // A process of another host (a shared folder) cannot be asked; better to refuse than to meet.
  if (holder.host !== os.hostname()) return true;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return findErrno(error) === 'EPERM';
  }
  const start = await processStart(holder.pid);
  return start === undefined || holder.processStart === undefined || start === holder.processStart;
}

/** Field 22 of /proc/PID/stat; undefined where there is no such file. */
async function processStart(pid: number): Promise<string | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function isSame(a: LockHolder, b: LockHolder): boolean {
  return a.pid === b.pid && a.host === b.host && a.since === b.since;
}

function locked(file: string, holder: LockHolder | 'torn'): AirlockError {
  const who =
    holder === 'torn'
      ? 'another run'
      : `\`${holder.command}\` (process ${holder.pid} on ${holder.host}, since ${holder.since})`;
  return new AirlockError('WORKSPACE_LOCKED', `${path.dirname(file)} is in use by ${who}`, {
    hint: `wait for it to end; if it is certainly gone, remove ${file}`,
    details: holder === 'torn' ? {} : { holder },
  });
}

function optional<K extends string, V>(key: K, value: V | undefined): { [name in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [name in K]?: V });
}
