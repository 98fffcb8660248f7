import path from 'node:path';
import { AirlockError, isAirlockError } from '../../core/errors.ts';
import { findFile, writeFileAtomic } from '../../core/files.ts';
import type { Run } from '../../core/run.ts';
import { type CommandResult, runCommand } from '../../core/run-command.ts';
import type { ContainerSpec } from './engine.ts';
import type { EngineSearch } from './socket.ts';
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

export interface UnitOptions extends UnitScope {
  /** The engine's version: Quadlet needs 4.6. */
  readonly podmanVersion: string;
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

/** Whose systemd keeps units: the system's, or the one of the user with this home folder. */
export interface UnitScope {
  readonly home?: string;
}

/** Whose systemd this user's units belong to; undefined where none runs, or where the user has none that can be asked. */
export async function findUnitScope(user: EngineSearch, run: Run): Promise<UnitScope | undefined> {
  if ((await run.disk.stat('/run/systemd/system')) === undefined) return undefined;
  if (user.userId === 0) return {};
  // systemctl finds the user's systemd by XDG_RUNTIME_DIR alone.
  if (!user.runtimeFolder || user.home === undefined) return undefined;
  const socket = path.join(user.runtimeFolder, 'systemd/private');
  return (await run.disk.stat(socket)) === undefined ? undefined : { home: user.home };
}

/** Whether the systemd of a scope runs from boot on and outlives a logout: a user's does when the user lingers. @see loginctl(1) */
export async function outlivesSession(scope: UnitScope, userId: number, run: Run): Promise<boolean> {
  if (scope.home === undefined) return true;
  try {
    const args = ['show-user', String(userId), '--property=Linger', '--value'];
    return (await runCommand('loginctl', args, {}, run)).stdout.trim() === 'yes';
  } catch (error) {
    if (isAirlockError(error, 'COMMAND_NOT_FOUND', 'COMMAND_FAILED')) return false;
    throw error;
  }
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
  // One that ended badly would be listed as failed until the next boot. A unit that systemd has forgotten already is no failure.
  await askSystemctl(unit, ['reset-failed', unit.service], run, systemctl);
}

/** What systemd says of a unit that was started a moment ago. */
export interface UnitState {
  /** Whether it runs or is being started, and not between an end and the next try. */
  readonly up: boolean;
  /** Another one after each start. */
  readonly invocation: string;
}

/** @see org.freedesktop.systemd1(5): ActiveState, SubState, InvocationID */
export async function readUnitState(unit: ServiceUnit, run: Run, systemctl = 'systemctl'): Promise<UnitState> {
  const properties = '--property=ActiveState,SubState,InvocationID';
  const { stdout } = await askSystemctl(unit, ['show', properties, unit.service], run, systemctl);
  const value = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(stdout)?.[1] ?? '';
  const up = ['active', 'activating', 'reloading'].includes(value('ActiveState'));
  return { up: up && value('SubState') !== 'auto-restart', invocation: value('InvocationID') };
}

/** The last lines that a unit wrote to the journal; empty where there is no journal or this user may not read it. */
export async function readUnitJournal(unit: ServiceUnit, lines: number, run: Run): Promise<string> {
  const args = [
    unit.user ? '--user-unit' : '--unit',
    unit.service,
    '--lines',
    String(lines),
    '--output=cat',
    '--no-pager',
  ];
  try {
    return (await runCommand('journalctl', ['--quiet', ...args], {}, run)).stdout.trim();
  } catch (error) {
    if (isAirlockError(error, 'COMMAND_NOT_FOUND', 'COMMAND_FAILED')) return '';
    throw error;
  }
}

async function callSystemctl(unit: ServiceUnit, words: readonly string[], run: Run, systemctl: string): Promise<void> {
  const result = await askSystemctl(unit, words, run, systemctl);
  if (result.exitCode === 0) return;
  throw new AirlockError('COMMAND_FAILED', `${result.command} failed: ${result.stderr.trim() || result.exitCode}`, {
    hint: `look at "journalctl ${unit.user ? '--user-unit' : '-u'} ${unit.service}"`,
  });
}

function askSystemctl(
  unit: ServiceUnit,
  words: readonly string[],
  run: Run,
  systemctl: string,
): Promise<CommandResult> {
  return runCommand(systemctl, [...(unit.user ? ['--user'] : []), ...words], {}, run);
}

/** Quadlet is there since 4.4, but ignores a unit with `Pull=`, which it knows since 4.6. */
function hasQuadlet(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return major > 4 || (major === 4 && minor >= 6);
}
