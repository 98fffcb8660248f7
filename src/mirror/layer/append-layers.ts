import { AirlockError } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import { type Descriptor, type Digest, digestOf, mediaTypes, type Platform } from '../../oci/index.ts';
import type { KeptBlobs } from '../../plan/index.ts';
import type { WrittenLayer } from './write-layer.ts';

/** One image as it is at its source, with its config read. */
export interface ImageInstance {
  readonly layers: readonly Descriptor[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly platform: Platform | undefined;
  readonly configBytes: Buffer;
}

/** A manifest that Airlock made; its bytes and its config lie in the workspace. */
export interface BuiltManifest {
  readonly digest: Digest;
  readonly bytes: Buffer;
  readonly mediaType: string;
  /** Blobs that exist nowhere but in the workspace. */
  readonly keptBlobs: readonly Digest[];
  readonly platform: Platform | undefined;
}

/** What changes beside the layers. */
export interface AppendChange {
  readonly family: 'oci' | 'docker';
  readonly cmd: readonly string[];
  /** A word of `cmd` that no longer stands in the entrypoint, nor does anything behind it: both are run as one command line. */
  readonly endsEntrypoint?: string;
  /** Labels that get a new value where the image has them. */
  readonly labels?: Readonly<Record<string, string>>;
}

const families = {
  oci: { manifest: mediaTypes.ociManifest, index: mediaTypes.ociIndex, config: mediaTypes.ociConfig },
  docker: { manifest: mediaTypes.dockerManifest, index: mediaTypes.dockerList, config: mediaTypes.dockerConfig },
} as const;

// The same layer in either family.
const layerTypes: readonly { readonly docker: string; readonly oci: string }[] = [
  { docker: mediaTypes.dockerLayerGzip, oci: mediaTypes.ociLayerGzip },
  { docker: 'application/vnd.docker.image.rootfs.diff.tar', oci: mediaTypes.ociLayer },
  { docker: 'application/vnd.docker.image.rootfs.diff.tar.zstd', oci: mediaTypes.ociLayerZstd },
  {
    docker: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
    oci: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
  },
];

/** An image with layers put on top, in the wanted family; the same input gives the same bytes. */
export async function appendLayers(
  instance: ImageInstance,
  added: readonly WrittenLayer[],
  change: AppendChange,
  kept: KeptBlobs,
  run: Run,
): Promise<BuiltManifest> {
  const types = families[change.family];
  const config = Buffer.from(JSON.stringify(changeConfig(instance.configBytes, added, change)));
  const configDigest = await kept.put(config, run);
  const layers = [...instance.layers, ...added.map((layer) => layer.descriptor)];
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: types.manifest,
      config: { mediaType: types.config, size: config.length, digest: configDigest },
      layers: layers.map(({ mediaType, size, digest }) => ({
        mediaType: toFamily(mediaType, change.family),
        size,
        digest,
      })),
      ...(Object.keys(instance.annotations).length > 0 ? { annotations: instance.annotations } : {}),
    }),
  );
  await kept.put(bytes, run);
  const keptBlobs = [configDigest, ...added.map((layer) => layer.descriptor.digest)];
  const platform = instance.platform ?? platformOf(instance.configBytes);
  return { digest: digestOf(bytes), bytes, mediaType: types.manifest, keptBlobs, platform };
}

/** The index over built images. Without a known platform an image counts as linux/amd64. */
export async function buildIndex(
  instances: readonly BuiltManifest[],
  family: AppendChange['family'],
  kept: KeptBlobs,
  run: Run,
): Promise<BuiltManifest> {
  const manifests = instances.map((instance) => ({
    mediaType: instance.mediaType,
    size: instance.bytes.length,
    digest: instance.digest,
    platform: platformJson(instance.platform ?? { os: 'linux', architecture: 'amd64' }),
  }));
  const mediaType = families[family].index;
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests }));
  await kept.put(bytes, run);
  return { digest: digestOf(bytes), bytes, mediaType, keptBlobs: [], platform: undefined };
}

/** @throws AirlockError MANIFEST_INVALID */
export function parseImageConfig(bytes: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (isRecord(value)) return value;
  } catch {
    // Said below.
  }
  throw new AirlockError('MANIFEST_INVALID', 'an image config is no JSON object');
}

/** The labels of an image; {} without any. */
export function imageLabels(bytes: Buffer): Readonly<Record<string, string>> {
  const inner = parseImageConfig(bytes)['config'];
  const labels = isRecord(inner) && isRecord(inner['Labels']) ? inner['Labels'] : {};
  return Object.fromEntries(
    Object.entries(labels).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function changeConfig(bytes: Buffer, added: readonly WrittenLayer[], change: AppendChange): unknown {
  const config = parseImageConfig(bytes);
  const inner = isRecord(config['config']) ? config['config'] : {};
  const rootfs = isRecord(config['rootfs']) ? config['rootfs'] : {};
  const labels = imageLabels(bytes);
  const changed = Object.entries(change.labels ?? {}).filter(([name]) => name in labels);
  const history = Array.isArray(config['history']) ? config['history'] : [];
  const entrypoint = Array.isArray(inner['Entrypoint']) ? inner['Entrypoint'] : [];
  const end = change.endsEntrypoint === undefined ? -1 : entrypoint.indexOf(change.endsEntrypoint);
  const diffIds = Array.isArray(rootfs['diff_ids']) ? rootfs['diff_ids'] : [];
  return {
    ...config,
    config: {
      ...inner,
      ...(end < 0 ? {} : { Entrypoint: entrypoint.slice(0, end) }),
      Cmd: change.cmd,
      ...(changed.length > 0 ? { Labels: { ...labels, ...Object.fromEntries(changed) } } : {}),
    },
    history: [...history, ...added.map(() => ({ created: '0001-01-01T00:00:00Z' }))],
    rootfs: { type: 'layers', ...rootfs, diff_ids: [...diffIds, ...added.map((layer) => layer.diffId)] },
  };
}

function toFamily(mediaType: string, family: AppendChange['family']): string {
  return layerTypes.find((type) => type.docker === mediaType || type.oci === mediaType)?.[family] ?? mediaType;
}

function platformOf(bytes: Buffer): Platform | undefined {
  const { os, architecture, variant } = parseImageConfig(bytes);
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

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
