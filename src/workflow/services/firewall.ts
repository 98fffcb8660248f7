import path from 'node:path';
import { AirlockError, isAirlockError } from '../../core/errors.ts';
import { findFile, writeFileAtomic } from '../../core/files.ts';
import { prettyJson } from '../../core/json.ts';
import type { Run } from '../../core/run.ts';
import { runCommand } from '../../core/run-command.ts';

/** A port as firewalld writes it: `5000/tcp`. */
export type FirewallPort = `${number}/${'tcp' | 'udp'}`;

/** What was done about the host's firewall. */
export interface FirewallResult {
  /** `none`: firewalld does not run here. */
  readonly state: 'none' | 'opened' | 'unchanged';
  readonly ports: readonly FirewallPort[];
  /** The same as commands, for another firewall or another host. */
  readonly commands: readonly string[];
}

/** The commands that open ports, now and at the next boot. */
export function firewallCommands(ports: readonly FirewallPort[]): string[] {
  const flags = ports.map((port) => `--add-port=${port}`).join(' ');
  return [`firewall-cmd ${flags}`, `firewall-cmd --permanent ${flags}`];
}

/**
 * Opens ports in firewalld where it runs, at run time and permanently. Those that were open before are left out of the record that
 * `closeFirewall` goes by.
 * @throws AirlockError COMMAND_FAILED
 */
export async function openFirewall(
  ports: readonly FirewallPort[],
  stateFolder: string,
  run: Run,
): Promise<FirewallResult> {
  const commands = firewallCommands(ports);
  if (!(await isFirewalldRunning(run))) return { state: 'none', ports, commands };
  const opened = new Set(await readOpened(stateFolder, run));
  const closed: FirewallPort[] = [];
  for (const port of ports) if (!(await isOpen(port, run))) closed.push(port);
  for (const port of closed) {
    // On disk before it is done: a crash between the two must not leave a port open that nobody closes.
    opened.add(port);
    await writeFileAtomic(recordFile(stateFolder), prettyJson([...opened]), run);
    await call([`--add-port=${port}`], run);
    await call(['--permanent', `--add-port=${port}`], run);
  }
  return { state: closed.length > 0 ? 'opened' : 'unchanged', ports, commands };
}

/** Closes what `openFirewall` opened; returns those ports. */
export async function closeFirewall(stateFolder: string, run: Run): Promise<readonly FirewallPort[]> {
  const opened = await readOpened(stateFolder, run);
  if (opened.length === 0 || !(await isFirewalldRunning(run))) return [];
  for (const port of opened) {
    await call([`--remove-port=${port}`], run);
    await call(['--permanent', `--remove-port=${port}`], run);
  }
  await run.disk.remove(recordFile(stateFolder));
  return opened;
}

function recordFile(stateFolder: string): string {
  return path.join(stateFolder, 'firewall.json');
}

async function readOpened(stateFolder: string, run: Run): Promise<FirewallPort[]> {
  const bytes = await findFile(recordFile(stateFolder), run);
  return bytes ? (JSON.parse(bytes.toString()) as FirewallPort[]) : [];
}

async function isFirewalldRunning(run: Run): Promise<boolean> {
  try {
    return (await runCommand('firewall-cmd', ['--state'], {}, run)).exitCode === 0;
  } catch (error) {
    if (isAirlockError(error, 'COMMAND_NOT_FOUND', 'COMMAND_FAILED')) return false;
    throw error;
  }
}

async function isOpen(port: FirewallPort, run: Run): Promise<boolean> {
  return (await runCommand('firewall-cmd', [`--query-port=${port}`], {}, run)).exitCode === 0;
}

async function call(args: readonly string[], run: Run): Promise<void> {
  const result = await runCommand('firewall-cmd', args, {}, run);
  if (result.exitCode === 0) return;
  throw new AirlockError('COMMAND_FAILED', `${result.command} failed: ${result.stderr.trim() || result.exitCode}`, {
    hint: 'run this as root, or open the port by hand: airlock up --print-firewall shows the commands',
  });
}
