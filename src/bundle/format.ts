import type { Digest, RepositoryContent } from '../oci/index.ts';
import type { SelectedCatalog, SelectedImage, SelectedRelease } from '../plan/index.ts';

/** Names inside and beside a bundle (docs/formats/bundle.md). */
export const bundleNames = {
  index: 'airlock/index.json',
  signature: 'airlock/index.sig',
  checksums: 'airlock/index.sha256',
  tool: 'airlock/bin/airlock',
  plan: 'airlock/plan.json',
  imageSet: 'airlock/imageset.yaml',
  site: 'airlock/site.yaml',
} as const;

/** Bytes of the signature member: a base64 DER ECDSA P-256 signature, padded with newlines; only newlines when the bundle is unsigned. */
export const signatureSlotBytes = 160;

/**
 * Where a member's data lies. In the volume that holds the index `offset` counts from the end of the index member (data and padding), so
 * that the index can name it before its own size is known; in others from the start.
 */
export interface MemberPlace {
  /** The number in the volume's name: 1 for the first, 0 for the one that Airlock puts before an adopted archive. */
  readonly volume: number;
  /** Of the first data byte, in bytes. */
  readonly offset: number;
}

export interface IndexedBlob extends MemberPlace {
  readonly digest: Digest;
  readonly size: number;
  readonly kind: 'manifest' | 'config' | 'layer';
  readonly mediaType: string;
  readonly origin: string;
}

export interface IndexedFile extends MemberPlace {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  readonly mode: number;
  readonly role: string;
  readonly origin: string;
  readonly webPath?: string;
}

/** One volume. */
export interface IndexedVolume {
  readonly name: string;
  /** Bytes; of the volume with the index: from the end of the index member. */
  readonly size: number;
  /** Bare hex digest of the whole volume, where its members do not follow from the index by rule: real oc-mirror wrote it. */
  readonly sha256?: string;
}

/** `airlock/index.json` in memory: the first member of the lowest volume. On disk repositories name digests by number (`renderIndex`). */
export interface BundleIndex {
  readonly apiVersion: 'airlock/v1alpha1';
  readonly kind: 'BundleIndex';
  readonly createdAt: string;
  readonly toolVersion: string;
  readonly engine: 'builtin' | 'oc-mirror';
  readonly generation: number;
  readonly parent?: { readonly generation: number; readonly indexDigest: Digest };
  readonly planDigest: Digest;
  readonly imageSetDigest: Digest;
  readonly siteDigest?: Digest;
  /** Volumes end before a member that would take their content above this; with it the place of every member follows by rule. */
  readonly volumeSizeBytes: number;
  /** Digests that the set needs and an earlier generation carried; sorted. */
  readonly assumed: readonly Digest[];
  /** In order. */
  readonly volumes: readonly IndexedVolume[];
  readonly images: readonly SelectedImage[];
  readonly repositories: readonly RepositoryContent[];
  /** Sorted by digest. */
  readonly blobs: readonly IndexedBlob[];
  /** In the order in which they lie in the volumes. */
  readonly files: readonly IndexedFile[];
  /** Files of the set that an earlier generation carried: what the web server still has to serve. */
  readonly assumedFiles: readonly Omit<IndexedFile, keyof MemberPlace>[];
  readonly releases: readonly SelectedRelease[];
  readonly catalogs: readonly SelectedCatalog[];
}

/** The name of a volume by its number. */
export function volumeName(volume: number): string {
  return `mirror_${String(volume).padStart(6, '0')}.tar`;
}

/** The number in a volume's name; undefined for any other name. */
export function volumeNumber(name: string): number | undefined {
  const match = /^mirror_([0-9]{6})\.tar$/.exec(name);
  return match ? Number(match[1]) : undefined;
}

/** A generation as it stands in file names: six digits. */
export function generationText(generation: number): string {
  return String(generation).padStart(6, '0');
}
