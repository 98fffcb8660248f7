import path from 'node:path';
import { AirlockError } from '../../core/errors.ts';
import { findFile, writeFileAtomic } from '../../core/files.ts';
import type { Run } from '../../core/run.ts';
import { runCommand } from '../../core/run-command.ts';
import type { ContainerSpec } from './engine.ts';
import { renderQuadlet, renderSystemdUnit } from './units.ts';

/** A unit that starts the registry container at boot. */
export interface ServiceUnit {
  readonly file: string;
  readonly text: string;
  /** What systemctl calls it. */
  readonly service: string;
  /** Of the user's own systemd, not the system's. */
  readonly user: boolean;
}

export interface UnitOptions {
  /** The engine's version: Quadlet needs 4.6. */
  readonly podmanVersion: string;
  /** The home folder of a user who runs Podman rootless; left out: the system's units. */
  readonly home?: string;
}

/** The unit for a spec, as Quadlet where Podman knows it. Give a spec `withSpecLabel`, so that its container is known again. */
export function registryUnit(spec: ContainerSpec, options: UnitOptions): ServiceUnit {
  return unitAs(hasQuadlet(options.podmanVersion) ? 'quadlet' : 'plain', spec, options);
}

/**
 * The unit in the form that `registryUnit` does not choose, as it lies there when Podman was updated since. Both have one name, and systemd
 * takes the plain one.
 */
export function outdatedRegistryUnit(spec: ContainerSpec, options: UnitOptions): ServiceUnit {
  return unitAs(hasQuadlet(options.podmanVersion) ? 'plain' : 'quadlet', spec, options);
}

function unitAs(form: 'quadlet' | 'plain', spec: ContainerSpec, { home }: UnitOptions): ServiceUnit {
  const service = `${spec.name}.service`;
  const description = 'Airlock registry';
  const user = home !== undefined;
  if (form === 'quadlet') {
    const folder = home === undefined ? '/etc/containers/systemd' : path.join(home, '.config/containers/systemd');
    return { file: path.join(folder, `${spec.name}.container`), text: renderQuadlet(spec, description), service, user };
  }
  const folder = home === undefined ? '/etc/systemd/system' : path.join(home, '.config/systemd/user');
  return { file: path.join(folder, service), text: renderSystemdUnit(spec, description), service, user };
}

/** Whether systemd runs this host (sd_booted(3)). */
export async function hasSystemd(run: Run): Promise<boolean> {
  return (await run.disk.stat('/run/systemd/system')) !== undefined;
}

/**
 * Writes the unit and makes systemd read it; nothing is started. False when it was there already, word for word. `systemctl` is the
 * program's path, for tests.
 * @throws AirlockError FILE_UNWRITABLE, COMMAND_NOT_FOUND, COMMAND_FAILED
 */
export async function installUnit(unit: ServiceUnit, run: Run, systemctl = 'systemctl'): Promise<boolean> {
  if ((await findFile(unit.file, run, 1 << 20))?.toString() === unit.text) return false;
  await writeFileAtomic(unit.file, unit.text, run);
  try {
    await callSystemctl(unit, ['daemon-reload'], run, systemctl);
    // Quadlet units are enabled by their own Install section; `enable` refuses them.
    if (unit.file.endsWith('.service')) await callSystemctl(unit, ['enable', unit.service], run, systemctl);
  } catch (error) {
    // Otherwise the next run would find the file and think that all was done.
    await run.disk.remove(unit.file);
    throw error;
  }
  return true;
}

/** Starts the unit, anew if it runs: the container is replaced by the one that the unit describes now. */
export async function restartUnit(unit: ServiceUnit, run: Run, systemctl = 'systemctl'): Promise<void> {
  await callSystemctl(unit, ['restart', unit.service], run, systemctl);
}

/** Stops the unit and takes it away; one that is not there is fine. */
export async function removeUnit(unit: ServiceUnit, run: Run, systemctl = 'systemctl'): Promise<void> {
  if ((await run.disk.stat(unit.file)) === undefined) return;
  await callSystemctl(unit, ['stop', unit.service], run, systemctl);
  if (unit.file.endsWith('.service')) await callSystemctl(unit, ['disable', unit.service], run, systemctl);
  await run.disk.remove(unit.file);
  await callSystemctl(unit, ['daemon-reload'], run, systemctl);
}

async function callSystemctl(unit: ServiceUnit, words: readonly string[], run: Run, systemctl: string): Promise<void> {
  const args = [...(unit.user ? ['--user'] : []), ...words];
  const result = await runCommand(systemctl, args, {}, run);
  if (result.exitCode === 0) return;
  throw new AirlockError('COMMAND_FAILED', `${result.command} failed: ${result.stderr.trim() || result.exitCode}`, {
    hint: `look at "journalctl -u ${unit.service}"`,
  });
}

/** Quadlet is there since 4.4, but ignores a unit with `Pull=`, which it knows since 4.6. */
function hasQuadlet(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return major > 4 || (major === 4 && minor >= 6);
}
