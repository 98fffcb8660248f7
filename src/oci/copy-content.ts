import type { Readable } from 'node:stream';
import type { Stage } from '../core/events.ts';
import type { AdaptiveLimit } from '../core/http-concurrency.ts';
import type { Run } from '../core/run.ts';
import type { Descriptor } from './descriptor.ts';
import type { Digest } from './digest.ts';
import type { FetchedManifest, Target } from './source.ts';
import type { RepositoryContent } from './storage/links.ts';

/** What is copied: pinned by digest, from wherever it lies (a bundle, other registries). */
export interface CopyContent {
  /** Names are those at the target, below its prefix. Each name once. `layers` need not be filled in: manifests name them. */
  readonly repositories: readonly Pick<RepositoryContent, 'name' | 'tags' | 'revisions'>[];
  /** The exact bytes of a manifest of `revisions`. May be called more than once. */
  readManifest(repository: string, digest: Digest, run: Run): Promise<FetchedManifest>;
  /** A blob that a manifest of the repository names, from `offsetBytes` on. */
  openBlob(repository: string, blob: Descriptor, offsetBytes: number, run: Run): Promise<Readable>;
}

/** Where to, and how. */
export interface CopyOptions {
  readonly target: Target;
  /** `host[:port]`. */
  readonly registry: string;
  /** Put before every repository name; '' for none. */
  readonly prefix: string;
  readonly stage: Stage;
  /** Blobs of 1 MiB and more at once; default 8. */
  readonly parallelBlobs?: number;
  /** Slows all of it down while the target is overloaded; default: the target's own. */
  readonly limit?: AdaptiveLimit;
  /** Repositories of the registry (whole names) that may hold a blob already: tried as mounts before an upload. */
  readonly mountFrom?: (blob: Descriptor) => readonly string[];
  /** Whether the target is asked for a blob before an upload also where it is small: its source may be the target itself. Default: no. */
  readonly asksFirst?: (blob: Descriptor) => boolean;
  /** Whether a failed blob or manifest ends the copy at once; the rest is then not tried. Default: no. */
  readonly isFatal?: (failure: CopyFailure) => boolean;
}

/** Something that could not be copied; everything that needs it is not copied either, and is in the list too. */
export interface CopyFailure {
  /** Below the prefix. */
  readonly repository: string;
  readonly digest: Digest;
  readonly kind: 'blob' | 'manifest';
  readonly error: unknown;
}

/** What a copy did. Counts are of requests that succeeded, bytes those of uploaded blobs. */
export interface CopyResult {
  readonly pushedBlobs: number;
  readonly pushedBytes: number;
  readonly mountedBlobs: number;
  /** Were there already; blobs of manifests that were there are not counted at all. */
  readonly presentBlobs: number;
  readonly pushedManifests: number;
  readonly presentManifests: number;
  readonly pushedTags: number;
  readonly presentTags: number;
  readonly failures: readonly CopyFailure[];
}

/** The counters while they are counted. */
export type CopyCounts = { -readonly [K in keyof Omit<CopyResult, 'failures'>]: number } & { failures: CopyFailure[] };

/** Blobs of this size are bound by bytes, smaller ones by how long a registry takes to answer. */
export const largeBlobBytes = 1 << 20;

/**
 * Large blobs, and everything small (other blobs, look-ups, manifests), at once. A registry syncs several files for each small request: it answers
 * more of them in the same time when they wait together.
 */
export function atOnce({ parallelBlobs = 8 }: CopyOptions): { readonly large: number; readonly small: number } {
  return { large: parallelBlobs, small: parallelBlobs * smallPerLarge };
}

/** How many small requests stand for one large blob. */
export const smallPerLarge = 4;

/** A repository's whole name at the target. */
export function targetRepository(options: Pick<CopyOptions, 'prefix'>, name: string): string {
  const prefix = options.prefix.replace(/^\/+|\/+$/g, '');
  return prefix === '' ? name : `${prefix}/${name}`;
}
