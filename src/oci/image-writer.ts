import type { Descriptor } from './descriptor.ts';
import { type Digest, digestOf } from './digest.ts';
import type { Layer } from './layer.ts';
import { mediaTypes } from './media-types.ts';
import type { Platform } from './platform.ts';
import type { FetchedManifest } from './source.ts';

/** An image or index made in memory: its manifest, everything below it, and a descriptor to name it by. */
export interface WrittenImage {
  readonly descriptor: Descriptor;
  readonly manifest: FetchedManifest;
  /** Manifests of instances; [] for a single image. */
  readonly children: readonly FetchedManifest[];
  /** Configs and layers of the image and of all instances. */
  readonly blobs: ReadonlyMap<Digest, Uint8Array>;
}

export interface ImageOptions {
  readonly platform: Platform;
  readonly layers: readonly Layer[];
  /** The `config` object of the image configuration: Cmd, Entrypoint, Labels … */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

const epoch = '1970-01-01T00:00:00Z';

/** One OCI image; the same options give the same digest. @see OCI image-spec v1.1, "Image Manifest", "Image Configuration" */
export function writeImage(options: ImageOptions): WrittenImage {
  const { platform, layers } = options;
  const config = toBytes({
    created: epoch,
    architecture: platform.architecture,
    os: platform.os,
    ...(platform.variant ? { variant: platform.variant } : {}),
    config: options.config ?? {},
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffId) },
    history: layers.map(() => ({ created: epoch, created_by: 'airlock' })),
  });
  const manifest = toManifest(mediaTypes.ociManifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, digest: digestOf(config), size: config.length },
    layers: layers.map((layer) => layer.descriptor),
    ...(options.annotations ? { annotations: options.annotations } : {}),
  });
  const blobs = new Map<Digest, Uint8Array>([[digestOf(config), config]]);
  for (const layer of layers) blobs.set(layer.descriptor.digest, layer.bytes);
  return { descriptor: { ...describe(manifest), platform }, manifest, children: [], blobs };
}

/** An OCI index over images that carry their platform. */
export function writeIndex(
  images: readonly WrittenImage[],
  annotations?: Readonly<Record<string, string>>,
): WrittenImage {
  const manifest = toManifest(mediaTypes.ociIndex, {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: images.map((image) => image.descriptor),
    ...(annotations ? { annotations } : {}),
  });
  const blobs = new Map(images.flatMap((image) => [...image.blobs]));
  return { descriptor: describe(manifest), manifest, children: images.map((image) => image.manifest), blobs };
}

function toManifest(mediaType: string, value: object): FetchedManifest {
  const bytes = toBytes(value);
  return { bytes, mediaType, digest: digestOf(bytes) };
}

function toBytes(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function describe(manifest: FetchedManifest): Descriptor {
  return { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.bytes.length };
}
