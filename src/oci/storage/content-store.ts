import type { Run } from '../../core/run.ts';
import type { Digest, DigestAlgorithm } from '../digest.ts';

/** An open blob: random access to its bytes. Positions are bytes from the blob's own start. */
export interface BlobHandle {
  readonly sizeBytes: number;
  /** Reads up to `buffer.length` bytes, never past the blob's end; returns how many, 0 at the end. */
  read(buffer: Uint8Array, positionBytes: number): Promise<number>;
  close(): Promise<void>;
  /** Where the bytes lie, when that is one file of this host: its descriptor (negative once it is closed) and the blob's start in it. */
  readonly source?: { readonly fd: number; readonly offsetBytes: number };
}

/**
 * What an OCI registry can be served from: distribution's layout on disk (`openStorage`) or the volumes of a bundle, read in place.
 * Repositories are paths as in references; nothing here knows a host. Content is looked at, never trusted: callers check digests.
 */
export interface ContentStore {
  /** The size of a blob, whatever repository it belongs to; undefined when it is not there. Manifests are blobs too. */
  findBlob(digest: Digest, run: Run): Promise<{ readonly sizeBytes: number } | undefined>;
  /** @throws AirlockError BLOB_UNKNOWN */
  openBlob(digest: Digest, run: Run): Promise<BlobHandle>;
  hasRepository(repository: string, run: Run): Promise<boolean>;
  /** All repositories in the order of `compareRepositories`. */
  listRepositories(run: Run): Promise<string[]>;
  /** All tags, sorted by bytes; [] for a repository without tags or unknown. */
  listTags(repository: string, run: Run): Promise<string[]>;
  /** What a tag means now. */
  findTag(repository: string, tag: string, run: Run): Promise<Digest | undefined>;
  /** Whether the manifest belongs to the repository. */
  hasRevision(repository: string, digest: Digest, run: Run): Promise<boolean>;
  /** Every manifest of the repository, sorted. */
  listRevisions(repository: string, run: Run): Promise<Digest[]>;
  /** Whether the blob (config or layer) belongs to the repository. */
  hasLayer(repository: string, digest: Digest, run: Run): Promise<boolean>;
  /** Left out: the store is read-only. */
  readonly writer?: ContentWriter;
}

/** The writing half of a store. Every call is atomic: a crash leaves the state before or after it. */
export interface ContentWriter {
  /** Starts a blob under a temporary name. `algorithm` (default sha256) is what is hashed on the way; commit takes either. */
  startBlob(run: Run, algorithm?: DigestAlgorithm): Promise<BlobUpload>;
  /** As `startBlob`, for an upload of several requests that `resumeUpload` finds again, also after a crash of this process. */
  startUpload(name: UploadName, algorithm: DigestAlgorithm, run: Run): Promise<ResumableUpload>;
  /**
   * Goes on with an upload that was parked, or whose process is gone. What it holds may have lost its tail with a power cut; `sizeBytes` says
   * how much is there. Undefined when there is none, it belongs to another repository, or a running process has it.
   */
  resumeUpload(name: UploadName, run: Run): Promise<ResumableUpload | undefined>;
  /** Says that a blob which is there belongs to the repository (a mount). */
  linkLayer(repository: string, digest: Digest, run: Run): Promise<void>;
  /** Takes the blob from the repository; its bytes stay until they are collected. False when it did not belong to it. */
  unlinkLayer(repository: string, digest: Digest, run: Run): Promise<boolean>;
  /** Stores manifest bytes, whose digest the caller has checked, as a revision of the repository, and points `tags` at it. */
  putManifest(
    repository: string,
    manifest: { readonly digest: Digest; readonly bytes: Uint8Array; readonly tags: readonly string[] },
    run: Run,
  ): Promise<void>;
  /** Deletes a revision and every tag that means it; false when it was not there. */
  deleteManifest(repository: string, digest: Digest, run: Run): Promise<boolean>;
  /** Deletes a tag with its history; false when it was not there. The manifest stays. */
  deleteTag(repository: string, tag: string, run: Run): Promise<boolean>;
  /** Removes what crashed, parked or abandoned uploads left that was not written to for `ageMs`; returns how many bytes came free. */
  collectStale(ageMs: number, run: Run): Promise<number>;
}

/** A blob being written: not visible under its digest before `commit`. Calls must not overlap. */
export interface BlobUpload {
  /** Bytes accepted so far. */
  readonly sizeBytes: number;
  /** Takes the next bytes; the caller must not change `chunk` afterwards. */
  write(chunk: Uint8Array): Promise<void>;
  /**
   * Checks the digest, makes the bytes durable and gives them their final name, in place of what is there. The upload is over either way.
   * @throws AirlockError DIGEST_MISMATCH, DISK_FULL, FILE_UNWRITABLE
   */
  commit(digest: Digest): Promise<void>;
  /** Drops what was written. Harmless after `commit`. */
  discard(): Promise<void>;
}

/** What an upload that outlives its process is found by. The repository is part of it: an upload cannot be finished into another one. */
export interface UploadName {
  /** A UUID; anything else names nothing. */
  readonly id: string;
  readonly repository: string;
}

/** An upload that another process, or this one later, may go on with. */
export interface ResumableUpload extends BlobUpload {
  /** Closes it and keeps its bytes for `resumeUpload`. Harmless after `commit` and `discard`. */
  park(): Promise<void>;
}
