import { AirlockError } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import { type Descriptor, type Digest, digestOf, mediaTypes, type Platform } from '../../oci/index.ts';
import type { KeptBlobs } from '../../plan/index.ts';
import { readDiskFile } from '../layer/open-layer.ts';
import { tarEnd, tarHeader, tarPadding } from '../layer/tar-writer.ts';
import { field, list } from './content.ts';
import type { FilteredFile } from './spill.ts';
import { type WrittenLayer, writeLayer } from './write-layer.ts';

/** Image config label that says where an image has its file-based catalog. */
export const configsLabel = 'operators.operatorframework.io.index.configs.v1';

/** One image of the source catalog. */
export interface CatalogInstance {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform: Platform | undefined;
  /** The config's bytes. */
  readonly configBytes: Buffer;
}

/** A manifest that the rebuild made; its bytes and its config lie in the workspace. */
export interface BuiltManifest {
  readonly digest: Digest;
  readonly bytes: Buffer;
  /** Blobs that exist nowhere but in the workspace. */
  readonly keptBlobs: readonly Digest[];
  readonly platform: Platform | undefined;
}

/**
 * The two layers that every instance gets: a whiteout of the old `/configs`, and the filtered one (reference §7.7). Modes 0644 and 0755,
 * since catalog pods run as arbitrary users.
 */
export async function writeCatalogLayers(
  files: readonly FilteredFile[],
  kept: KeptBlobs,
  run: Run,
): Promise<readonly [WrittenLayer, WrittenLayer]> {
  const whiteout = [tarHeader({ path: '.wh.configs', kind: 'file', sizeBytes: 0, mode: 0 }), tarEnd];
  return [await writeLayer(whiteout, kept, run), await writeLayer(configBlocks(files, kept, run), kept, run)];
}

async function* configBlocks(files: readonly FilteredFile[], kept: KeptBlobs, run: Run): AsyncGenerator<Buffer> {
  yield tarHeader({ path: 'configs', kind: 'folder', sizeBytes: 0, mode: 0o755 });
  const folders = new Set<string>();
  for (const file of files) {
    const folder = file.path.split('/').slice(0, -1).join('/');
    if (folder !== '' && !folders.has(folder))
      yield tarHeader({ path: `configs/${folder}`, kind: 'folder', sizeBytes: 0, mode: 0o755 });
    folders.add(folder);
    yield tarHeader({ path: `configs/${file.path}`, kind: 'file', sizeBytes: file.sizeBytes, mode: 0o644 });
    yield* readDiskFile(kept.path(file.sha256), run);
    yield tarPadding(file.sizeBytes);
  }
  yield tarEnd;
}

/** One instance with the new layers on top: an OCI manifest whatever the source was. */
export async function rebuildInstance(
  instance: CatalogInstance,
  added: readonly WrittenLayer[],
  kept: KeptBlobs,
  run: Run,
): Promise<BuiltManifest> {
  const config = Buffer.from(JSON.stringify(rebuildConfig(instance.configBytes, added)));
  const configDigest = await kept.put(config, run);
  const layers = [...instance.layers.map(toOciLayer), ...added.map((layer) => layer.descriptor)];
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: { mediaType: mediaTypes.ociConfig, size: config.length, digest: configDigest },
      layers: layers.map(({ mediaType, size, digest }) => ({ mediaType, size, digest })),
      ...(Object.keys(instance.annotations ?? {}).length > 0 ? { annotations: instance.annotations } : {}),
    }),
  );
  await kept.put(bytes, run);
  const platform = instance.platform ?? platformOf(instance.configBytes);
  return {
    digest: digestOf(bytes),
    bytes,
    keptBlobs: [configDigest, ...added.map((layer) => layer.descriptor.digest)],
    platform,
  };
}

/** The index over all instances: a rebuilt catalog is always one, also for a source of one image. */
export async function buildCatalogIndex(
  instances: readonly BuiltManifest[],
  kept: KeptBlobs,
  run: Run,
): Promise<BuiltManifest> {
  const manifests = instances.map((instance) => ({
    mediaType: mediaTypes.ociManifest,
    size: instance.bytes.length,
    digest: instance.digest,
    platform: platformJson(instance.platform ?? { os: 'linux', architecture: 'amd64' }),
  }));
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }));
  await kept.put(bytes, run);
  return { digest: digestOf(bytes), bytes, keptBlobs: [], platform: undefined };
}

function rebuildConfig(bytes: Buffer, added: readonly WrittenLayer[]): unknown {
  const config = parseConfig(bytes);
  const inner = field(config, 'config');
  const labels = field(inner, 'Labels');
  const rootfs = field(config, 'rootfs');
  const emptyHistory = added.map(() => ({ created: '0001-01-01T00:00:00Z' }));
  return {
    ...config,
    config: {
      ...(typeof inner === 'object' ? inner : {}),
      Cmd: ['serve', '/configs'],
      ...(field(labels, configsLabel) === undefined
        ? {}
        : { Labels: { ...(labels as object), [configsLabel]: '/configs' } }),
    },
    history: [...list(field(config, 'history')), ...emptyHistory],
    rootfs: {
      type: 'layers',
      ...(typeof rootfs === 'object' ? rootfs : {}),
      diff_ids: [...list(field(rootfs, 'diff_ids')), ...added.map((layer) => layer.diffId)],
    },
  };
}

/** @throws AirlockError CATALOG_UNREADABLE */
export function parseConfig(bytes: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new AirlockError('CATALOG_UNREADABLE', 'the image config of a catalog is no JSON object');
}

function platformOf(bytes: Buffer): Platform | undefined {
  const config = parseConfig(bytes);
  const [os, architecture, variant] = [config['os'], config['architecture'], config['variant']];
  if (typeof os !== 'string' || typeof architecture !== 'string') return undefined;
  return { os, architecture, ...(typeof variant === 'string' && variant ? { variant } : {}) };
}

function platformJson(platform: Platform): Record<string, string> {
  return {
    architecture: platform.architecture,
    os: platform.os,
    ...(platform.osVersion ? { 'os.version': platform.osVersion } : {}),
    ...(platform.variant ? { variant: platform.variant } : {}),
  };
}

const layerTypes: Readonly<Record<string, string>> = {
  [mediaTypes.dockerLayerGzip]: mediaTypes.ociLayerGzip,
  'application/vnd.docker.image.rootfs.diff.tar': mediaTypes.ociLayer,
  'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip':
    'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
};

function toOciLayer(layer: Descriptor): Descriptor {
  return { ...layer, mediaType: layerTypes[layer.mediaType] ?? layer.mediaType };
}
