import type { Readable } from 'node:stream';
import type { AdaptiveLimit } from '../core/http-concurrency.ts';
import type { PourSink } from '../core/http-pour.ts';
import type { Run } from '../core/run.ts';
import type { Descriptor } from './descriptor.ts';
import type { Digest } from './digest.ts';
import type { Reference } from './reference.ts';

/** A repository of a registry, without tag or digest. */
export interface RepositoryName {
  readonly registry: string;
  readonly repository: string;
}

/** A manifest as it came: exact bytes, with the type it was served as. */
export interface FetchedManifest {
  readonly bytes: Buffer;
  readonly mediaType: string;
  readonly digest: Digest;
}

/** Anything that images are copied from: registries over HTTP (`oci/remote`), a storage tree, an OCI layout, a bundle. */
export interface Source {
  /** What a tag or digest means now. @throws AirlockError MANIFEST_UNKNOWN, REGISTRY_* */
  resolve(reference: Reference, run: Run): Promise<Descriptor>;
  /**
   * The manifest by digest when the reference has one (checked), else by tag.
   * @throws AirlockError MANIFEST_UNKNOWN, DIGEST_MISMATCH, REGISTRY_*
   */
  fetchManifest(reference: Reference, run: Run): Promise<FetchedManifest>;
  /**
   * A blob as a byte stream that fails before its end if size or digest is wrong. `offsetBytes` 0 means the whole blob; more continues one
   * whose first bytes are already held: then the caller checks the digest over the whole.
   * @throws AirlockError BLOB_UNKNOWN, DIGEST_MISMATCH, SIZE_MISMATCH, REGISTRY_*
   * @see OCI distribution-spec v1.1, "Pulling blobs"
   */
  fetchBlob(repository: RepositoryName, blob: Descriptor, offsetBytes: number, run: Run): Promise<Readable>;
  /**
   * As `fetchBlob`, from where the sink has it so far, without a copy between where the source can do that; the caller checks the digest.
   * @throws AirlockError BLOB_UNKNOWN, SIZE_MISMATCH, REGISTRY_*, and what the sink throws
   */
  pourBlob?(repository: RepositoryName, blob: Descriptor, sink: PourSink, run: Run): Promise<void>;
  /** All tags, sorted. @throws AirlockError REPOSITORY_UNKNOWN, REGISTRY_* */
  listTags(repository: RepositoryName, run: Run): Promise<string[]>;
  /** Manifests whose subject is `digest`, by the referrers API or its fallback tag; [] when there are none. */
  listReferrers(repository: RepositoryName, digest: Digest, run: Run): Promise<Descriptor[]>;
}

/** Anything that images are copied to over the distribution API. */
export interface Target {
  /** Whether the registry answers and takes the login, before any work is done for it. @throws AirlockError REGISTRY_* */
  assertReachable(repository: RepositoryName, run: Run): Promise<void>;
  hasBlob(repository: RepositoryName, blob: Descriptor, run: Run): Promise<boolean>;
  /** Whether `from` (a repository of the same registry) could give the blob without an upload. */
  mountBlob(repository: RepositoryName, blob: Descriptor, from: string, run: Run): Promise<boolean>;
  /** `open` is called for each try and gives the blob from `offsetBytes` on; not at all when the registry finds that it has the blob. */
  pushBlob(
    repository: RepositoryName,
    blob: Descriptor,
    open: (offsetBytes: number) => Promise<Readable>,
    run: Run,
  ): Promise<'uploaded' | 'present'>;
  /** Puts a manifest under `tagOrDigest`. */
  pushManifest(repository: RepositoryName, tagOrDigest: string, manifest: FetchedManifest, run: Run): Promise<void>;
  /** What a tag or digest means at the target; undefined when it is not there. */
  findManifest(reference: Reference, run: Run): Promise<Descriptor | undefined>;
  /** Deletes by digest; false when it was gone already. */
  deleteManifest(repository: RepositoryName, digest: Digest, run: Run): Promise<boolean>;
  /** The limit that a copy to a registry should keep to, where the target watches how the registry bears it. */
  limitFor?(registry: string): AdaptiveLimit | undefined;
}
