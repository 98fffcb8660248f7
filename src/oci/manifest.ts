import { AirlockError } from '../core/errors.ts';
import type { Descriptor } from './descriptor.ts';
import { isDigest } from './digest.ts';
import { isIndexType, mediaTypes } from './media-types.ts';
import type { Platform } from './platform.ts';

/** One image, or an artifact in image form. */
export interface ImageManifest {
  readonly kind: 'image';
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly artifactType?: string;
  readonly subject?: Descriptor;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Several manifests, usually one per platform. Docker calls it a manifest list. */
export interface ImageIndex {
  readonly kind: 'index';
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
  readonly artifactType?: string;
  readonly subject?: Descriptor;
  readonly annotations: Readonly<Record<string, string>>;
}

export type Manifest = ImageManifest | ImageIndex;

/** What registries accept as a manifest; distribution refuses more than 4 MiB. */
export const manifestLimitBytes = 4 << 20;

/**
 * Decodes a manifest of either family. The type is the manifest's own `mediaType`; where it is left out (older OCI writers do), the shape
 * decides, then `contentType`. Schema 1 is refused: its layers cannot be carried by digest.
 * @throws AirlockError MANIFEST_INVALID
 * @see OCI image-spec v1.1 "Image Manifest", "Image Index"; Docker image manifest V2 schema 2
 */
export function parseManifest(bytes: Uint8Array, contentType?: string): Manifest {
  const fail = (why: string): never => {
    throw new AirlockError('MANIFEST_INVALID', `not an image manifest: ${why}`);
  };
  if (bytes.length > manifestLimitBytes) fail(`larger than ${manifestLimitBytes} bytes`);
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    fail('no JSON');
  }
  if (!isRecord(json)) return fail('no JSON object');
  if (json['schemaVersion'] === 1) fail('Docker schema 1, which no current registry serves by digest');
  if (json['schemaVersion'] !== 2) fail('schemaVersion is not 2');
  const index = Array.isArray(json['manifests']);
  if (index && (Array.isArray(json['layers']) || isRecord(json['config']))) fail('both an index and an image');
  const mediaType = typeof json['mediaType'] === 'string' ? json['mediaType'] : guessType(index, contentType);
  if (isIndexType(mediaType) !== index) fail(`its mediaType ${mediaType} does not fit its content`);
  const subject = isRecord(json['subject']) ? toDescriptor(json['subject'], fail) : undefined;
  const common = {
    mediaType,
    annotations: toAnnotations(json['annotations']) ?? {},
    ...(typeof json['artifactType'] === 'string' && json['artifactType'] ? { artifactType: json['artifactType'] } : {}),
    ...(subject ? { subject } : {}),
  };
  if (index) return { kind: 'index', ...common, manifests: toDescriptors(json['manifests'], fail) };
  return {
    kind: 'image',
    ...common,
    config: toDescriptor(json['config'], fail),
    layers: toDescriptors(json['layers'] ?? [], fail),
  };
}

/** The manifests that an index names, each digest once; [] for an image. */
export function childManifests(manifest: Manifest): readonly Descriptor[] {
  return manifest.kind === 'index' ? unique(manifest.manifests) : [];
}

/**
 * The blobs (config first, then layers) that an image names, each digest once; [] for an index. Foreign layers that only have `urls`
 * (Windows base layers) are in the list like any other: registries that serve such images hold them.
 */
export function manifestBlobs(manifest: Manifest): readonly Descriptor[] {
  return manifest.kind === 'image' ? unique([manifest.config, ...manifest.layers]) : [];
}

function guessType(index: boolean, contentType: string | undefined): string {
  const bare = contentType?.split(';')[0]?.trim();
  if (index) return bare === mediaTypes.dockerList ? bare : mediaTypes.ociIndex;
  return bare === mediaTypes.dockerManifest ? bare : mediaTypes.ociManifest;
}

function toDescriptors(value: unknown, fail: (why: string) => never): Descriptor[] {
  if (!Array.isArray(value)) return fail('a list of descriptors is missing');
  return value.map((item) => toDescriptor(item, fail));
}

function toDescriptor(value: unknown, fail: (why: string) => never): Descriptor {
  if (!isRecord(value)) return fail('a descriptor is missing');
  const { mediaType, digest, size, platform, artifactType, annotations, urls } = value;
  if (typeof digest !== 'string' || !isDigest(digest)) return fail(`"${String(digest).slice(0, 100)}" is not a digest`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    return fail(`descriptor ${digest} has no size`);
  const places = toAnnotations(annotations);
  const decoded = toPlatform(platform);
  return {
    mediaType: typeof mediaType === 'string' ? mediaType : '',
    digest,
    size,
    ...(decoded ? { platform: decoded } : {}),
    ...(typeof artifactType === 'string' && artifactType ? { artifactType } : {}),
    ...(places ? { annotations: places } : {}),
    ...(Array.isArray(urls) ? { urls: urls.filter((url): url is string => typeof url === 'string') } : {}),
  };
}

function toPlatform(value: unknown): Platform | undefined {
  if (!isRecord(value) || typeof value['architecture'] !== 'string' || typeof value['os'] !== 'string')
    return undefined;
  return {
    os: value['os'],
    architecture: value['architecture'],
    ...(typeof value['variant'] === 'string' && value['variant'] ? { variant: value['variant'] } : {}),
    ...(typeof value['os.version'] === 'string' ? { osVersion: value['os.version'] } : {}),
  };
}

function toAnnotations(value: unknown): Record<string, string> | undefined {
  if (!isRecord(value)) return undefined;
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function unique(descriptors: readonly Descriptor[]): Descriptor[] {
  return [...new Map(descriptors.map((descriptor) => [descriptor.digest, descriptor])).values()];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
