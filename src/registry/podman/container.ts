import { AirlockError } from '../../core/errors.ts';
import { canonicalJson } from '../../core/json.ts';
import type { Run } from '../../core/run.ts';
import { digestOf } from '../../oci/index.ts';
import { containerPaths, type RegistryFolders } from '../settings.ts';
import type { ContainerEngine, ContainerSpec } from './engine.ts';

/** The label that holds the digest of the spec a container was made from. */
export const specLabel = 'airlock.spec';

export interface RegistryContainerOptions {
  /** Default `airlock-registry`. */
  readonly name?: string;
  readonly image: string;
  readonly folders: RegistryFolders;
  /** Text of `config.yml`: distribution reads it once, so a changed one needs a new container. */
  readonly config: string;
  /** Default true. */
  readonly relabel?: boolean;
  readonly memoryBytes?: number;
}

/** The container that runs distribution on the folders. htpasswd is re-read when it changes and needs no new one. */
export function registryContainer(options: RegistryContainerOptions): ContainerSpec {
  const { folders } = options;
  return {
    name: options.name ?? 'airlock-registry',
    image: options.image,
    command: ['serve', `${containerPaths.conf}/config.yml`],
    // 3.x exports traces to localhost by default and logs each failure.
    environment: { OTEL_TRACES_EXPORTER: 'none' },
    labels: { 'airlock.service': 'registry', 'airlock.config': digestOf(options.config) },
    mounts: [
      { source: folders.data, target: containerPaths.data, readOnly: false },
      { source: folders.certs, target: containerPaths.certs, readOnly: true },
      { source: folders.auth, target: containerPaths.auth, readOnly: true },
      { source: folders.conf, target: containerPaths.conf, readOnly: true },
    ],
    restart: 'always',
    relabel: options.relabel ?? true,
    ...(options.memoryBytes === undefined ? {} : { memoryBytes: options.memoryBytes }),
  };
}

/** The spec with the label by which a container made from it and `imageId` is known again, whoever started it. */
export function withSpecLabel(spec: ContainerSpec, imageId: string): ContainerSpec {
  return { ...spec, labels: { ...spec.labels, [specLabel]: digestOf(canonicalJson({ spec, imageId })) } };
}

/**
 * Makes the engine run a container of this spec: made where there is none, made anew where spec or image differ, started where it stands,
 * left alone otherwise.
 * @throws AirlockError MOUNT_MISSING, IMAGE_NOT_LOADED, PODMAN_FAILED, PODMAN_UNREACHABLE
 */
export async function ensureContainer(
  engine: ContainerEngine,
  spec: ContainerSpec,
  run: Run,
): Promise<'created' | 'recreated' | 'started' | 'unchanged'> {
  await assertMounts(spec, run);
  const imageId = await engine.findImage(spec.image);
  if (imageId === undefined) {
    throw new AirlockError('IMAGE_NOT_LOADED', `image ${spec.image} is not in Podman at ${engine.endpoint}`, {
      hint: 'load it from the bundle with "airlock load", or name another image in site.yaml',
    });
  }
  const labelled = withSpecLabel(spec, imageId);
  const there = await engine.findContainer(spec.name);
  if (there && there.labels[specLabel] === labelled.labels[specLabel]) {
    if (there.running) return 'unchanged';
    await engine.startContainer(spec.name);
    return 'started';
  }
  await engine.removeContainer(spec.name);
  await engine.createContainer(labelled);
  try {
    await engine.startContainer(spec.name);
  } catch (error) {
    // A container whose start failed may hold its port: it goes, and the next run makes a new one.
    await engine.removeContainer(spec.name).catch(() => {});
    throw error;
  }
  return there ? 'recreated' : 'created';
}

/** Podman makes a folder for a bind source that is not there, and the registry would start on nothing. */
async function assertMounts(spec: ContainerSpec, run: Run): Promise<void> {
  for (const { source } of spec.mounts) {
    if ((await run.disk.stat(source)) === undefined)
      throw new AirlockError('MOUNT_MISSING', `${source}, which container ${spec.name} needs, does not exist`);
  }
}
