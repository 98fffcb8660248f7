import { AirlockError } from '../../core/errors.ts';
import { findFile, writeFileAtomic } from '../../core/files.ts';
import { prettyJson } from '../../core/json.ts';
import type { Run } from '../../core/run.ts';
import {
  type EngineSearch,
  findUnitScope,
  installUnit,
  outlivesSession,
  readUnitJournal,
  readUnitState,
  removeUnit,
  restartUnit,
  type ServiceUnit,
  type UnitScope,
} from '../../registry/index.ts';
import {
  awaitServices,
  backgroundPaths,
  findRunningServices,
  findSupervisor,
  type StartedServices,
  slowStartMs,
  startDetached,
  stopBackground,
} from './background.ts';
import { assertPortFree } from './port-free.ts';
import { type ServicesSettings, settingsDigest } from './settings.ts';
import { findUnitOwner, servicesUnit } from './unit.ts';
import { workerCommand } from './worker.ts';

/** How the services of a site are to be kept running. */
export interface KeepRequest {
  readonly siteFile: string;
  /** How this tool is started again for the background: program and script. */
  readonly selfCommand: readonly string[];
  readonly engine: EngineSearch;
  /**
   * What starts the services anew when they end, and keeps them over a logout; default `process`. `auto`: systemd where it runs, for root or for
   * a user whose systemd stays after a logout.
   */
  readonly supervisor?: 'auto' | 'systemd' | 'process';
}

/** How often systemd is asked for a unit that was started. */
const unitLookMs = 1000;

/** Whose systemd keeps the services; undefined: a process of ours. */
export async function chooseScope(request: KeepRequest, run: Run): Promise<UnitScope | undefined> {
  const wanted = request.supervisor ?? 'process';
  if (wanted === 'process') return undefined;
  const scope = await findUnitScope(request.engine, run);
  if (scope && (await outlivesSession(scope, request.engine.userId, run))) return scope;
  const linger = 'run "loginctl enable-linger", then airlock up again';
  if (wanted === 'systemd')
    throw new AirlockError('USAGE', 'systemd cannot keep the services here', {
      hint: scope
        ? linger
        : 'that needs a host that systemd runs, and root or a session of its own; leave --supervisor out otherwise',
    });
  if (scope) {
    const message = `the services do not come back after a reboot, and may end with this session: ${linger}`;
    run.report({ stage: 'serve', state: 'log', level: 'info', message });
  }
  return undefined;
}

/**
 * Lets the services run with these settings, kept by the systemd of `scope` or by a process of ours; what runs so already is left alone. `stop` takes back
 * what this call started.
 * @throws AirlockError SERVICES_FAILED, SERVICES_FOREIGN, LISTEN_FAILED
 */
export async function ensureBackground(
  settings: ServicesSettings,
  scope: UnitScope | undefined,
  request: KeepRequest,
  run: Run,
) {
  const { stateFolder } = settings;
  const command = workerCommand(request.selfCommand, request.siteFile, settings.registry !== undefined);
  const { log } = backgroundPaths(stateFolder);
  // Also where systemd is not to keep them: an earlier run may have left it to systemd.
  const possible = scope ?? (await findUnitScope(request.engine, run));
  const unit = possible && servicesUnit({ siteName: settings.title, command, logFile: log, ...possible });
  const owner = possible && (await findUnitOwner(settings.title, log, possible, run));
  const running = await findRunningServices(stateFolder, run);
  const kept =
    scope && unit
      ? (await findFile(unit.file, run))?.toString() === unit.text
      : owner !== 'this-site' && (await findSupervisor(stateFolder, run)) !== undefined;
  if (running?.settingsDigest === settingsDigest(settings) && kept)
    return { record: running, state: 'unchanged' as const, stop: async () => {} };
  if (scope && unit && owner === 'another')
    throw new AirlockError('SERVICES_FOREIGN', `${unit.file} belongs to another site of the same name`, {
      hint: 'give this site another metadata.name, or end the other one with "airlock down"',
    });
  // A container that runs on while its Podman does not answer has the port: what serves beside it is not stopped for a start that fails.
  if (running && settings.registry && !running.endpoints.some((one) => one.service === 'registry'))
    await assertPortFree(settings.registry.listen[0]?.port ?? 0);
  if (!scope && unit && owner === 'this-site') await removeUnit(unit, run);
  // Also a worker that lost its supervisor, or one that is only about to start.
  const stopped = await stopBackground(stateFolder, run);
  await writeFileAtomic(backgroundPaths(stateFolder).settings, prettyJson(settings), run);
  const start = (): Promise<StartedServices> =>
    scope && unit
      ? startUnit(unit, owner === undefined, run)
      : startDetached([...command, '--supervised'], stateFolder, run);
  const started = await awaitServices(stateFolder, start, slowStartMs, run);
  return { ...started, state: stopped || running ? ('restarted' as const) : ('started' as const) };
}

/** A unit that is new and does not come up is taken away again; one that was there before stays, and systemd goes on trying. */
async function startUnit(unit: ServiceUnit, isNew: boolean, run: Run): Promise<StartedServices> {
  const giveUp = async (): Promise<void> => {
    if (isNew) await removeUnit(unit, run);
  };
  await installUnit(unit, run);
  try {
    await restartUnit(unit, run);
  } catch (error) {
    const said = await readUnitJournal(unit, 5, run);
    await giveUp();
    if (said === '') throw error;
    throw new AirlockError('SERVICES_FAILED', `systemd cannot start the services:\n${said}`, {
      cause: error,
      hint: 'where SELinux refuses a program in a home folder, move it to /opt/airlock/bin',
    });
  }
  const { invocation } = await readUnitState(unit, run);
  let askedMs = performance.now();
  return {
    async ended() {
      if (performance.now() - askedMs < unitLookMs) return false;
      const state = await readUnitState(unit, run);
      askedMs = performance.now();
      return !state.up || state.invocation !== invocation;
    },
    gone: giveUp,
    // The run may have been interrupted.
    stop: async () => {
      if (isNew) await removeUnit(unit, { ...run, signal: new AbortController().signal });
    },
  };
}
