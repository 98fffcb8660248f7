import type { Descriptor, Digest } from '../oci/index.ts';

/** Image types with oc-mirror's names (reference §0.2). */
export const imageTypes = [
  'ocpRelease',
  'ocpReleaseContent',
  'cincinnatiGraph',
  'operatorCatalog',
  'operatorBundle',
  'operatorRelatedImage',
  'generic',
  'helmImage',
] as const;

export type ImageType = (typeof imageTypes)[number];

/** What is known of an image's signature. `not-checked`: nobody looked, or the means to look were missing. */
export type SignatureState = 'signed' | 'unsigned' | 'not-checked';

/** A name at the target, below its prefix. */
export interface TargetName {
  readonly repository: string;
  readonly tag: string;
}

/** One image of the set, pinned by digest. One image may be selected under several names: then there is one record per name. */
export interface SelectedImage {
  readonly type: ImageType;
  /** The reference as it stood in config, payload or catalog, without a transport prefix except `oci://`. Mirror sets come from it. */
  readonly origin: string;
  /** What is pulled: `registry/repository@digest`; for content that Airlock made itself, `kept:`. */
  readonly source: string;
  /** Its name in the bundle's storage tree (oci-mirror's cache name, reference §5.2). */
  readonly repository: string;
  readonly tag: string;
  /** Its names at the target (reference §5.3), usually just the name above; [] for what only the bundle needs (a filtered catalog's original). */
  readonly targets: readonly TargetName[];
  readonly digest: Digest;
  readonly mediaType: string;
  /** Instances of an index that were not selected (`platforms`): named by it, but not carried. */
  readonly absent: readonly Digest[];
  readonly signature: SignatureState;
  /** Why it is in the set, for `plan`: `release 4.19.10 amd64`, `package x, channel y` … */
  readonly reason: string;
  /** The bundles and packages an operator image belongs to. */
  readonly operators?: { readonly packages: readonly string[]; readonly bundles: readonly string[] };
}

/** A manifest that was read while collecting, with what it points at. Its bytes lie in the workspace. */
export interface CollectedManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly size: number;
  readonly manifests: readonly Descriptor[];
  readonly blobs: readonly Descriptor[];
  /** `registry/repository` it was found in. */
  readonly sources: readonly string[];
  /** Those of `blobs` that planning had to read whole, so that their bytes lie in the workspace. */
  readonly keptBlobs?: readonly Digest[];
}

/** One release payload. `architecture` in OpenShift's spelling (amd64, arm64, ppc64le, s390x, multi). */
export interface SelectedRelease {
  readonly version: string;
  readonly architecture: string;
  readonly digest: Digest;
  readonly origin: string;
  readonly repository: string;
  readonly tag: string;
  readonly channels: readonly string[];
  /** Of the GPG signature of the payload; `verified` only after full verification. */
  readonly signature: 'verified' | 'not-checked';
  /** Component name → reference by digest, from `release-manifests/image-references`. */
  readonly components: Readonly<Record<string, string>>;
  readonly coreos: readonly CoreosBuild[];
}

/** The CoreOS boot images of one release and architecture (architecture in the stream's spelling: x86_64, aarch64 …). */
export interface CoreosBuild {
  readonly build: string;
  readonly architecture: string;
  /** Carried artifacts; what the stream lacks or the set does not ask for is left out. */
  readonly artifacts: Readonly<
    Partial<Record<CoreosRole, { readonly webPath: string; readonly sha256: string; readonly sizeBytes: number }>>
  >;
}

export type CoreosRole = 'iso' | 'rootfs' | 'kernel' | 'initramfs';

/** One operator catalog of the set. */
export interface SelectedCatalog {
  readonly origin: string;
  /** Digest of the catalog as it is at its source. */
  readonly digest: Digest;
  /** Digest of what lies at the target: the rebuilt catalog, or the same. */
  readonly targetDigest: Digest;
  readonly repository: string;
  readonly tag: string;
  readonly packages: readonly SelectedPackage[];
  /** The text of a CatalogSource that the user gave as base (`targetCatalogSourceTemplate`). */
  readonly sourceTemplate?: string;
}

export interface SelectedPackage {
  readonly name: string;
  readonly defaultChannel: string;
  readonly channels: readonly {
    readonly name: string;
    readonly bundles: readonly { readonly name: string; readonly version: string; readonly reason: string }[];
  }[];
}

/** Where the bytes of a file come from. */
export type FileContent =
  | { readonly kind: 'url'; readonly url: string }
  /** Base64, for small files. */
  | { readonly kind: 'inline'; readonly base64: string }
  /** In the workspace, by the file's own sha256. */
  | { readonly kind: 'kept' };

/** A file beside the images. `path` is its member name in the bundle. */
export interface SelectedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly mode: number;
  readonly role: 'coreos' | 'tool' | 'config' | 'registry-image' | 'working-dir';
  readonly content: FileContent;
  /** Where it came from, for people and the index. */
  readonly origin: string;
  /** Its path on the web server, when it is to be served. */
  readonly webPath?: string;
}

/** Something selected that cannot be carried, and why. A set with any is `incomplete`, with a release image among them `failed`. */
export interface MissingContent {
  readonly type: ImageType | 'coreos' | 'tool';
  readonly origin: string;
  readonly digest?: Digest;
  /** The error's code and its sentence. */
  readonly code: string;
  readonly cause: string;
}

/** Something a person should know about the selection: a risk on the path, a format that a stream lacks, a catalog entry dropped. */
export interface Note {
  readonly code: string;
  readonly subject: string;
  readonly message: string;
}

/** Everything that the mirror engine finds out: facts in, plan out (`assemblePlan`). */
export interface CollectedSet {
  readonly images: readonly SelectedImage[];
  readonly manifests: ReadonlyMap<Digest, CollectedManifest>;
  readonly releases: readonly SelectedRelease[];
  readonly catalogs: readonly SelectedCatalog[];
  readonly files: readonly SelectedFile[];
  readonly missing: readonly MissingContent[];
  readonly notes: readonly Note[];
}
