import { createReadStream } from 'node:fs';
import path from 'node:path';
import type { Site } from '../../config/index.ts';
import { AirlockError } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import { awaitHealthy, type ContainerEngine, type EngineSearch, findEngine } from '../../registry/index.ts';
import { slowStartMs } from '../services/background.ts';
import { sitePaths } from './paths.ts';
import type { RegistryUser } from './prepare.ts';

/** Which registry serves: the engine to run it in, or a word for the others. `auto`: Podman where its socket answers and its image is here. */
export async function chooseRegistry(
  site: Site,
  search: EngineSearch,
  run: Run,
): Promise<ContainerEngine | 'embedded' | 'external'> {
  const { mode, image } = site.registry;
  if (mode === 'embedded' || mode === 'external') return mode;
  const engine = await findEngine(search, run);
  if (engine && ((await engine.findImage(image)) !== undefined || (await loadRegistryImage(site, engine, run))))
    return engine;
  const why = engine ? `its image ${image} is neither in Podman nor in a loaded bundle` : 'no Podman socket answers';
  const message = `the registry is served by airlock itself: ${why}`;
  run.report({ stage: 'serve', state: 'log', level: mode === 'podman' ? 'warning' : 'info', message });
  return 'embedded';
}

/** Loads the image that came with the bundle; false when there is none. */
async function loadRegistryImage(site: Site, engine: ContainerEngine, run: Run): Promise<boolean> {
  const file = path.join(sitePaths(site).files, 'images/registry.tar');
  if ((await run.disk.stat(file)) === undefined) return false;
  await engine.loadImage(createReadStream(file, { highWaterMark: 1 << 20 }), run);
  if ((await engine.findImage(site.registry.image)) !== undefined) return true;
  throw new AirlockError('IMAGE_ARCHIVE_INVALID', `${file} does not hold ${site.registry.image}`, {
    hint: 'build the bundle with the same site file, or name the image that it holds',
  });
}

/** Waits until the registry answers at each family of the site. @throws AirlockError REGISTRY_UNHEALTHY */
export async function awaitRegistry(site: Site, user: RegistryUser, caPem: string, run: Run): Promise<void> {
  for (const family of site.families) {
    const host = family === 4 ? '127.0.0.1' : '::1';
    await awaitHealthy(
      { host, port: site.registry.port, tls: { ca: caPem, serverName: site.registry.host }, ...user },
      slowStartMs,
      run,
    );
  }
}
