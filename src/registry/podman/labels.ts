import { isAirlockError } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import { runCommand } from '../../core/run-command.ts';
import type { RegistryFolders } from '../settings.ts';

/** The type of files that containers may use, in the policies of every distribution that has Podman. @see container_selinux(8) */
const containerType = 'container_file_t';

/**
 * Gives the registry's folders the SELinux type of container files where SELinux is on and they have another one; what is made in them later
 * inherits it. Podman sets the categories of its container by itself, but as a service of systemd it may not take files of any type (Debian's
 * policy refuses `usr_t`, which is what `/opt` gives). Returns whether labels were changed; where they cannot be, Podman says what that means.
 */
export async function labelRegistryFolders(folders: RegistryFolders, run: Run): Promise<boolean> {
  if ((await run.disk.stat('/sys/fs/selinux/enforce')) === undefined) return false;
  const own = [folders.data, folders.certs, folders.auth, folders.conf];
  const labels = (await ask('stat', ['--format=%C', ...own], run)).trim().split('\n');
  // user:role:type:level
  const others = own.filter((_, at) => labels[at] !== undefined && labels[at].split(':')[2] !== containerType);
  if (labels.length !== own.length || others.length === 0) return false;
  await ask('chcon', ['--recursive', `--type=${containerType}`, ...others], run);
  return true;
}

async function ask(program: string, args: readonly string[], run: Run): Promise<string> {
  try {
    return (await runCommand(program, args, {}, run)).stdout;
  } catch (error) {
    if (isAirlockError(error, 'COMMAND_NOT_FOUND', 'COMMAND_FAILED')) return '';
    throw error;
  }
}
