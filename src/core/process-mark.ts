import { readFile } from 'node:fs/promises';

/** A process that is told from a later one with the same number, also over a reboot. */
export interface ProcessMark {
  readonly pid: number;
  /** Start time in clock ticks since boot, and the boot's id. */
  readonly processStart: string;
}

/** The mark of a running process; undefined when there is none. A zombie counts as gone. @see proc(5), field 22 of /proc/PID/stat */
export async function findProcess(pid: number): Promise<ProcessMark | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The command name in parentheses may hold blanks and parentheses: count fields after the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim();
    return { pid, processStart: `${fields[19]}@${boot}` };
  } catch {
    return undefined;
  }
}

/** Whether the process of a mark still runs. */
export async function isRunning(mark: ProcessMark): Promise<boolean> {
  return (await findProcess(mark.pid))?.processStart === mark.processStart;
}

/** The mark of this process. */
export async function ownProcess(): Promise<ProcessMark> {
  return { pid: process.pid, processStart: (await findProcess(process.pid))?.processStart ?? '' };
}

/** The mark of the parent process, if it is one that was started with such words. */
export async function findParent(isMeant: (words: readonly string[]) => boolean): Promise<ProcessMark | undefined> {
  const { ppid } = process;
  const words = await readFile(`/proc/${ppid}/cmdline`, 'utf8').catch(() => '');
  return isMeant(words.split('\0')) ? findProcess(ppid) : undefined;
}
