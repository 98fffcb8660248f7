import type { Site } from '../../config/index.ts';
import { AirlockError } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import {
  type ContainerEngine,
  type ContainerSpec,
  type ContainerState,
  ensureContainer,
  installUnit,
  registryContainer,
  registryFolders,
  registryUnit,
  removeUnit,
  restartUnit,
  specLabel,
  withSpecLabel,
} from '../../registry/index.ts';
import { assertPortFree } from '../services/port-free.ts';

const name = 'airlock-registry';

/** What the container is made from. `certificateFingerprint` is part of it: distribution reads its certificate only when it starts. */
export function siteContainer(site: Site, config: string, certificateFingerprint: string): ContainerSpec {
  const spec = registryContainer({
    name,
    image: site.registry.image,
    folders: registryFolders(site.paths.registry),
    config,
  });
  return { ...spec, labels: { ...spec.labels, 'airlock.certificate': certificateFingerprint } };
}

/** The registry container of this host; undefined also for one of the same name that somebody else made. */
export async function findRegistryContainer(engine: ContainerEngine): Promise<ContainerState | undefined> {
  const container = await engine.findContainer(name);
  return container?.labels['airlock.service'] === 'registry' ? container : undefined;
}

/** As `ensureContainer`, as a unit of systemd where that is to keep it: then it starts at boot. */
export async function ensureRegistry(
  engine: ContainerEngine,
  site: Site,
  spec: ContainerSpec,
  systemd: boolean,
  run: Run,
): Promise<'created' | 'recreated' | 'started' | 'unchanged'> {
  const there = await engine.findContainer(name);
  if (there && !(await findRegistryContainer(engine)))
    throw new AirlockError('PODMAN_FAILED', `a container named ${name} is there, which airlock did not make`, {
      hint: `rename it: podman rename ${name} OTHER`,
    });
  if (!there?.running) await assertPortFree(site.registry.port);
  if (!systemd) return ensureContainer(engine, spec, run);
  const labelled = withSpecLabel(spec, (await engine.findImage(spec.image)) ?? '');
  const changed = await installUnit(registryUnit(labelled, { podmanVersion: await engine.version() }), run);
  const fits = there?.running === true && there.labels[specLabel] === labelled.labels[specLabel];
  if (!changed && fits) return 'unchanged';
  await restartUnit(registryUnit(labelled, { podmanVersion: await engine.version() }), run);
  return there ? 'recreated' : 'created';
}

/** Takes away the container and its unit; false when there was none of ours. */
export async function removeRegistry(
  engine: ContainerEngine,
  site: Site,
  systemd: boolean,
  run: Run,
): Promise<boolean> {
  // Only its file and name are looked at; what it was made from does not matter any more.
  if (systemd)
    await removeUnit(registryUnit(siteContainer(site, '', ''), { podmanVersion: await engine.version() }), run);
  if (!(await findRegistryContainer(engine))) return false;
  await engine.stopContainer(name, 10);
  await engine.removeContainer(name);
  return true;
}

/** Its output. */
export function registryContainerLogs(
  engine: ContainerEngine,
  options: { readonly tail: number; readonly follow: boolean },
  run: Run,
) {
  return engine.logs(name, options, run);
}
