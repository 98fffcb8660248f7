import { quietRun } from '../../src/core/run.ts';
import { type CommandResult, runCommand } from '../../src/core/run-command.ts';
import type { DnsAddress } from '../../src/dns/index.ts';
import { findProgram } from '../helpers/real.ts';

/** Runs an installed program with a C locale. */
export function program(name: string, ...args: string[]): Promise<CommandResult> {
  return runCommand(findProgram(name) ?? name, args, { env: { LC_ALL: 'C' } }, quietRun());
}

/** The lines that dig prints, without comments and blank ones. */
export async function dig(server: DnsAddress, ...args: string[]): Promise<string[]> {
  const { stdout } = await program(
    'dig',
    '-p',
    String(server.port),
    `@${server.address}`,
    '+noall',
    '+answer',
    ...args,
  );
  return stdout.split('\n').filter((line) => line !== '' && !line.startsWith(';'));
}
