import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';

// What the suites that set a server beside another measure with.

/** The processes below another one, directly. */
export async function childrenOf(parent: number): Promise<number[]> {
  const all = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  return all.filter((pid) => statFields(pid)[1] === String(parent));
}

// The fields of /proc/PID/stat after the program's name, which may hold spaces: state, parent, …
function statFields(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
  } catch {
    return [];
  }
}

const ticks = Number(execFileSync('getconf', ['CLK_TCK']).toString());

/** CPU time of the processes that this one started and that have ended. */
export function endedCpuSeconds(): number {
  const [, , , , , , , , , , , , , user, system] = statFields(process.pid);
  return (Number(user) + Number(system)) / ticks;
}

/** CPU time that the processes used until now. */
export async function cpuSeconds(pids: readonly number[]): Promise<number> {
  const used = pids.map((pid) => Number(statFields(pid)[11] ?? 0) + Number(statFields(pid)[12] ?? 0));
  return used.reduce((sum, one) => sum + one, 0) / ticks;
}

/** The largest resident memory that one of the processes had. */
export async function peakMiB(pids: readonly number[]): Promise<number> {
  const peaks = pids.map((pid) => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0));
  return Math.round(Math.max(...peaks) / 1024);
}

/** A file of bytes that do not compress. */
export async function writeTestFile(file: string, sizeBytes: number): Promise<void> {
  // The same pseudo-random megabyte over and over: nothing here compresses, and the page cache does not care.
  const block = Buffer.alloc(1 << 20);
  for (let offset = 0, seed = createHash('sha256').update('airlock').digest(); offset < block.length; offset += 32) {
    seed.copy(block, offset);
    seed = createHash('sha256').update(seed).digest();
  }
  const stream = createWriteStream(file, { mode: 0o644 });
  for (let left = sizeBytes; left > 0; left -= block.length)
    if (!stream.write(block.subarray(0, Math.min(left, block.length)))) await once(stream, 'drain');
  stream.end();
  await once(stream, 'close');
}

export function push(table: Map<string, number[]>, key: string, value: number): void {
  table.set(key, [...(table.get(key) ?? []), value]);
}

export function median(values: readonly number[] = []): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
