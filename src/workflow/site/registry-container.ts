import type { Site } from '../../config/index.ts';
import { AirlockError } from '../../core/errors.ts';
import { findFile } from '../../core/files.ts';
import type { Run } from '../../core/run.ts';
import {
  type ContainerEngine,
  type ContainerSpec,
  type ContainerState,
  ensureContainer,
  installUnit,
  labelRegistryFolders,
  outdatedRegistryUnit,
  readUnitJournal,
  registryContainer,
  registryFolders,
  registryUnit,
  removeUnit,
  restartUnit,
  type ServiceUnit,
  specLabel,
  type UnitScope,
  withSpecLabel,
} from '../../registry/index.ts';
import { assertPortFree } from '../services/port-free.ts';

const name = 'airlock-registry';
// The state folder: two sites on one host may have the same name.
const siteLabel = 'airlock.state';

/** What the container is made from. `certificateFingerprint` is part of it: distribution reads its certificate only when it starts. */
export function siteContainer(site: Site, config: string, certificateFingerprint: string): ContainerSpec {
  const spec = registryContainer({
    name,
    image: site.registry.image,
    folders: registryFolders(site.paths.registry),
    config,
  });
  const own = { 'airlock.certificate': certificateFingerprint, [siteLabel]: site.paths.state };
  return { ...spec, labels: { ...spec.labels, ...own } };
}

/** The site's registry container; undefined also for one of the same name that somebody else or another site made. */
export async function findRegistryContainer(engine: ContainerEngine, site: Site): Promise<ContainerState | undefined> {
  const container = await engine.findContainer(name);
  return container?.labels['airlock.service'] === 'registry' && container.labels[siteLabel] === site.paths.state
    ? container
    : undefined;
}

/**
 * As `ensureContainer`, as a unit of the systemd of `scope` where that is to keep it: then it starts at boot. `left` is the scope where an earlier
 * run may have left one.
 */
export async function ensureRegistry(
  engine: ContainerEngine,
  site: Site,
  spec: ContainerSpec,
  systemd: { readonly scope: UnitScope | undefined; readonly left: UnitScope | undefined },
  run: Run,
): Promise<'created' | 'recreated' | 'started' | 'unchanged'> {
  const there = await engine.findContainer(name);
  if (there && !(await findRegistryContainer(engine, site)))
    throw new AirlockError('PODMAN_FAILED', `a container named ${name} is there that this site did not make`, {
      hint: `end the site that it belongs to with "airlock down", or: podman rename ${name} OTHER`,
    });
  await labelRegistryFolders(registryFolders(site.paths.registry), run);
  const { scope, left } = systemd;
  if (!scope) {
    if (left) await removeUnits(spec, left, run);
    if (!(await engine.findContainer(name))?.running) await assertPortFree(site.registry.port);
    return ensureContainer(engine, spec, run);
  }
  if (!there?.running) await assertPortFree(site.registry.port);
  const labelled = withSpecLabel(spec, (await engine.findImage(spec.image)) ?? '');
  const options = { podmanVersion: await engine.version(), ...scope };
  const outdated = outdatedRegistryUnit(labelled, options);
  if (await isOwnUnit(outdated, run)) await removeUnit(outdated, run);
  const unit = registryUnit(labelled, options);
  const isNew = (await run.disk.stat(unit.file)) === undefined;
  const changed = await installUnit(unit, run);
  const fits = there?.running === true && there.labels[specLabel] === labelled.labels[specLabel];
  if (!changed && fits) return 'unchanged';
  try {
    await restartUnit(unit, run);
  } catch (error) {
    const said = await readUnitJournal(unit, 5, run);
    if (isNew) await removeUnit(unit, run);
    throw said === ''
      ? error
      : new AirlockError('PODMAN_FAILED', `the registry's container does not start:\n${said}`, { cause: error });
  }
  return there ? 'recreated' : 'created';
}

/** Takes away the container and its unit; false when there was none of ours. Without an engine that answers, what systemd keeps goes all the same. */
export async function removeRegistry(
  engine: ContainerEngine | undefined,
  site: Site,
  scope: UnitScope | undefined,
  run: Run,
): Promise<boolean> {
  const there = engine && (await findRegistryContainer(engine, site));
  // A unit takes its container along; it may also be there without one.
  const ours = scope !== undefined && (await removeUnits(siteContainer(site, '', ''), scope, run));
  if (!engine || !there) return ours;
  await engine.stopContainer(name, 10);
  await engine.removeContainer(name);
  return true;
}

/** Takes away the units of a site's registry in both forms; false when there was none. */
async function removeUnits(spec: ContainerSpec, scope: UnitScope, run: Run): Promise<boolean> {
  // Both forms are looked for, so that any version does.
  const options = { podmanVersion: '5', ...scope };
  let found = false;
  for (const unit of [registryUnit(spec, options), outdatedRegistryUnit(spec, options)]) {
    if (!(await isOwnUnit(unit, run))) continue;
    await removeUnit(unit, run);
    found = true;
  }
  return found;
}

/** Whether the unit that lies there is of this site: it has the label of the state folder, written as this unit has it. */
async function isOwnUnit(unit: ServiceUnit, run: Run): Promise<boolean> {
  const label = unit.text.split('\n').find((line) => line.includes(`${siteLabel}=`));
  const text = (await findFile(unit.file, run))?.toString();
  return label !== undefined && text?.split('\n').includes(label) === true;
}

/** Its output. */
export function registryContainerLogs(
  engine: ContainerEngine,
  options: { readonly tail: number; readonly follow: boolean },
  run: Run,
) {
  return engine.logs(name, options, run);
}
