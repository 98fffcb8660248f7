import type { Finding } from '../core/findings.ts';
import type { Digest, Platform } from '../oci/index.ts';

/**
 * An ImageSetConfiguration v2alpha1 with its defaults filled in (oc-mirror-v2.md §1.2). Names are those of the file. A text that is absent or
 * empty is left out; a list that is absent is empty, except `packages`, where both mean different things to the filter hash (§7.5).
 */
export interface ImageSet {
  /** Size of a volume in GiB (1024³ bytes); 500 when the file says nothing or 0. */
  readonly archiveSizeGib: number;
  readonly mirror: MirrorContent & {
    /** RE2 patterns, unanchored; see `compileBlockedPattern`. */
    readonly blockedImages: readonly { readonly name: string }[];
  };
}

/** A DeleteImageSetConfiguration v2alpha1: what to remove from the target (oc-mirror-v2.md §1.3). */
export interface DeleteImageSet {
  readonly delete: MirrorContent;
}

/** What to mirror, or to delete. */
export interface MirrorContent {
  readonly platform: PlatformSelection;
  /** One entry per catalog. */
  readonly operators: readonly OperatorCatalog[];
  readonly additionalImages: readonly AdditionalImage[];
  readonly helm: HelmSelection;
  /** Read, and used by nobody. */
  readonly samples: readonly { readonly name?: string | undefined }[];
}

/** OpenShift releases. */
export interface PlatformSelection {
  /** Also build the Cincinnati graph-data image and write an UpdateService. */
  readonly graph: boolean;
  readonly channels: readonly ReleaseChannel[];
  /** As asked for in the file, else `amd64`; empty when `platforms` is used instead. One resolution per entry. */
  readonly architectures: readonly string[];
  /** Instances of the `multi` payload to keep (a sparse manifest list); exclusive with `architectures`. */
  readonly platforms: readonly Platform[];
  /** A release image by tag or digest; when it is there `channels` are ignored. */
  readonly release?: string | undefined;
  /** Add the KubeVirt boot image that the payload names. */
  readonly kubeVirtContainer: boolean;
}

/** A range of releases in a channel. */
export interface ReleaseChannel {
  readonly name: string;
  readonly type: 'ocp' | 'okd';
  /** Strict semver. */
  readonly minVersion?: string | undefined;
  readonly maxVersion?: string | undefined;
  /** Only the releases on the shortest upgrade path. */
  readonly shortestPath: boolean;
  /** Without `minVersion`: from the channel's first version on. */
  readonly full: boolean;
}

/** An operator catalog and what of it to keep. */
export interface OperatorCatalog {
  /** Exactly as written: the filter hash is made from it. */
  readonly catalog: string;
  /** Replaces the whole repository path. */
  readonly targetCatalog?: string | undefined;
  readonly targetTag?: string | undefined;
  /** All bundles instead of channel heads; without packages the whole catalog, unchanged. */
  readonly full: boolean;
  /** No effect, but part of the filter hash. */
  readonly skipDependencies: boolean;
  /** Path of a CatalogSource YAML to start from. */
  readonly targetCatalogSourceTemplate?: string | undefined;
  /** Empty: all. */
  readonly platforms: readonly Platform[];
  /** undefined when absent or null, `[]` when written as an empty list: they hash differently and select the same. */
  readonly packages: readonly OperatorPackage[] | undefined;
}

/** A package filter. Versions are lenient semver (`4.16` and `v1.2.3` pass). */
export interface OperatorPackage {
  readonly name: string;
  readonly channels: readonly OperatorChannel[];
  /** New default channel; it has to survive the filter. */
  readonly defaultChannel?: string | undefined;
  readonly minVersion?: string | undefined;
  readonly maxVersion?: string | undefined;
}

/** A channel filter. */
export interface OperatorChannel {
  readonly name: string;
  readonly minVersion?: string | undefined;
  readonly maxVersion?: string | undefined;
}

/** One image. */
export interface AdditionalImage {
  /** With tag or digest; also `oci://dir`. */
  readonly name: string;
  readonly targetRepo?: string | undefined;
  readonly targetTag?: string | undefined;
  /** Empty: all. */
  readonly platforms: readonly Platform[];
}

/** Helm charts, from which images are taken. */
export interface HelmSelection {
  readonly repositories: readonly HelmRepository[];
  readonly local: readonly HelmChart[];
}

/** A chart repository. */
export interface HelmRepository {
  readonly name: string;
  readonly url: string;
  /** Empty: all charts in all versions. */
  readonly charts: readonly HelmChart[];
}

/** A chart; `path` (folder or .tgz) for local ones. */
export interface HelmChart {
  readonly name?: string | undefined;
  /** Left out: the newest. */
  readonly version?: string | undefined;
  readonly path?: string | undefined;
  /** JSONPaths of further images, beside the four built-in ones (§8.3). */
  readonly imagePaths: readonly string[];
  readonly platforms: readonly Platform[];
}

/** An ImageSetConfiguration as it was read. */
export interface LoadedImageSet {
  readonly file: string;
  readonly imageSet: ImageSet;
  /** Of the file, unchanged: they travel in the bundle. */
  readonly bytes: Uint8Array;
  /** `sha256:…` of `bytes`. */
  readonly imageSetDigest: Digest;
  /** Warnings and remarks; never errors. */
  readonly findings: readonly Finding[];
}

/** A DeleteImageSetConfiguration as it was read. */
export interface LoadedDeleteImageSet {
  readonly file: string;
  readonly deleteImageSet: DeleteImageSet;
  readonly bytes: Uint8Array;
  /** Warnings and remarks; never errors. */
  readonly findings: readonly Finding[];
}
