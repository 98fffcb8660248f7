import type { Digest, RepositoryContent } from '../oci/index.ts';
import type { SelectedCatalog, SelectedImage, SelectedRelease } from '../plan/index.ts';

/** Names inside and beside a bundle (docs/formats/bundle.md). */
export const bundleNames = {
  index: 'airlock/index.json',
  signature: 'airlock/index.sig',
  tool: 'airlock/bin/airlock',
  plan: 'airlock/plan.json',
  imageSet: 'airlock/imageset.yaml',
  site: 'airlock/site.yaml',
} as const;

/** Bytes of the signature member: a base64 DER ECDSA P-256 signature, padded with newlines. */
export const signatureSlotBytes = 160;

/** Where a member's data lies: in volume 1 `offset` counts from the end of the index member (data and padding), in others from the start. */
export interface MemberPlace {
  /** 1-based volume number. */
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

/** `airlock/index.json`: canonical JSON, the first member of the lowest volume. */
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
  /** Digests that the set needs and an earlier generation carried; sorted. */
  readonly assumed: readonly Digest[];
  /** In order. The size of volume 1 counts from the end of its index member. */
  readonly volumes: readonly { readonly name: string; readonly size: number }[];
  readonly images: readonly SelectedImage[];
  readonly repositories: readonly RepositoryContent[];
  readonly blobs: readonly IndexedBlob[];
  readonly files: readonly IndexedFile[];
  /** Files of the set that an earlier generation carried: what the web server still has to serve. */
  readonly assumedFiles: readonly Omit<IndexedFile, keyof MemberPlace>[];
  readonly releases: readonly SelectedRelease[];
  readonly catalogs: readonly SelectedCatalog[];
}
