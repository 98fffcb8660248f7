import type { Digest, RepositoryContent } from '../oci/index.ts';
import type { MissingContent, Note, SelectedCatalog, SelectedFile, SelectedImage, SelectedRelease } from './facts.ts';

/** A blob of the set. `sources` name the repositories (`registry/repository`) it can be pulled from; `kept`: its bytes lie in the workspace. */
export interface PlannedBlob {
  readonly digest: Digest;
  readonly size: number;
  readonly mediaType: string;
  readonly kind: 'manifest' | 'config' | 'layer';
  readonly sources: readonly string[];
  readonly kept: boolean;
  /** Origin of the first image that needs it. */
  readonly origin: string;
}

/** Counts and bytes of a share of the set. Bytes are those of blobs and files, without tar headers and links. */
export interface Share {
  readonly images: number;
  readonly blobs: number;
  readonly bytes: number;
}

/**
 * `plan.json`: the whole image set pinned by digest, and what the next generation carries of it. With it alone and the workspace's kept
 * blobs, `build` fills the volumes without asking what any tag means. Validated on read and on write.
 */
export interface Plan {
  readonly apiVersion: 'airlock/v1alpha1';
  readonly kind: 'Plan';
  /** RFC 3339; all times inside the bundle are this one. */
  readonly createdAt: string;
  readonly toolVersion: string;
  readonly engine: 'builtin' | 'oc-mirror';
  /** 1 for the first bundle of a workspace. */
  readonly generation: number;
  readonly parent?: { readonly generation: number; readonly indexDigest: Digest };
  /** Of the ImageSetConfiguration's bytes. */
  readonly imageSetDigest: Digest;
  /** Of the site file's bytes, when one was given. */
  readonly siteDigest?: Digest;
  /** Flags that decided what is selected, by name; left out when none was given. */
  readonly flags?: Readonly<Record<string, Digest>>;
  /** Volumes end before a member that would take their content above this. */
  readonly volumeSizeBytes: number;
  readonly images: readonly SelectedImage[];
  readonly repositories: readonly RepositoryContent[];
  /** Carried by this generation, sorted by digest. */
  readonly blobs: readonly PlannedBlob[];
  /** Needed by the set, but carried by an earlier generation; sorted. */
  readonly assumed: readonly Digest[];
  /** Carried by this generation, sorted by path; files that an earlier generation carried are in `assumedFiles`. */
  readonly files: readonly SelectedFile[];
  readonly assumedFiles: readonly SelectedFile[];
  readonly releases: readonly SelectedRelease[];
  readonly catalogs: readonly SelectedCatalog[];
  readonly missing: readonly MissingContent[];
  readonly notes: readonly Note[];
  readonly totals: { readonly selected: Share; readonly assumed: Share; readonly carried: Share };
}
