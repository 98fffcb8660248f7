import { errorText, isAirlockError } from '../../core/errors.ts';
import { createLimit, type Limit } from '../../core/limit.ts';
import type { Run } from '../../core/run.ts';
import type { Digest, Reference, Source } from '../../oci/index.ts';
import type {
  CollectedManifest,
  ImageType,
  KeptBlobs,
  MissingContent,
  Note,
  SelectedCatalog,
  SelectedFile,
  SelectedImage,
  SelectedRelease,
} from '../../plan/index.ts';
import type { HttpAccess } from '../http-access.ts';
import type { CollectOptions } from './options.ts';

/** A manifest as it is being gathered: `sources` and `keptBlobs` grow. */
export interface GatheredManifest extends CollectedManifest {
  readonly sources: string[];
  readonly keptBlobs: Digest[];
}

/** What one collection reads from and gathers into. Each collector module adds; nobody takes away. */
export interface Collector {
  readonly source: Source;
  readonly http: HttpAccess;
  readonly kept: KeptBlobs;
  readonly options: CollectOptions;
  /** Bounds manifest and tag requests. Held only around one request, never around another wait for it. */
  readonly limit: Limit;
  readonly images: SelectedImage[];
  readonly manifests: Map<Digest, GatheredManifest>;
  /** Manifests under way or read, by digest. */
  readonly reading: Map<string, Promise<GatheredManifest>>;
  /** Signatures and referrers looked for already, by `registry/repository@digest`. */
  readonly attached: Map<string, Promise<readonly Attached[]>>;
  /** Origins (`https://host[:port]`) of servers that nothing depends on and that did not answer: they are asked once. */
  readonly silentServers: Set<string>;
  readonly releases: SelectedRelease[];
  readonly catalogs: SelectedCatalog[];
  readonly files: SelectedFile[];
  readonly missing: MissingContent[];
  readonly notes: Note[];
  /** Whether a pattern of `blockedImages` matches any of the texts. */
  readonly isBlocked: (...texts: readonly string[]) => boolean;
}

/** A collector that holds nothing yet. */
export function createCollector(
  { source, http, kept, options }: Pick<Collector, 'source' | 'http' | 'kept' | 'options'>,
  isBlocked: Collector['isBlocked'],
): Collector {
  return {
    ...{ source, http, kept, options, isBlocked },
    limit: createLimit(options.parallel ?? 8),
    images: [],
    manifests: new Map(),
    reading: new Map(),
    attached: new Map(),
    silentServers: new Set(),
    releases: [],
    catalogs: [],
    files: [],
    missing: [],
    notes: [],
  };
}

/** An image that belongs to another one: a cosign tag or an OCI referrer. */
export interface Attached {
  readonly kind: 'signature' | 'attestation' | 'sbom' | 'referrer' | 'referrers-index';
  readonly tag: string;
  readonly digest: Digest;
  readonly mediaType: string;
  readonly source: string;
}

/** These lie with this host and its settings, not with the content: the next image would meet them too. */
const ownFailures = ['CANCELLED', 'DISK_FULL', 'FILE_UNWRITABLE', 'AUTHFILE_UNREADABLE', 'AUTHFILE_INVALID'];

/** Runs `work`; what it throws becomes an entry of `missing`, except for an interruption, trouble of this host, and bugs. */
export async function orMissing<T>(
  collector: Collector,
  about: { readonly type: ImageType | 'coreos'; readonly origin: string; readonly digest?: Digest | undefined },
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!isAirlockError(error) || ownFailures.includes(error.code)) throw error;
    addMissing(collector, about, error.code, errorText(error));
    return undefined;
  }
}

export function addMissing(
  collector: Collector,
  about: { readonly type: ImageType | 'coreos'; readonly origin: string; readonly digest?: Digest | undefined },
  code: string,
  cause: string,
): void {
  collector.missing.push({
    type: about.type,
    origin: about.origin,
    ...(about.digest ? { digest: about.digest } : {}),
    code,
    cause,
  });
}

/** A note, and the same sentence as a log line for those who watch. */
export function addNote(collector: Collector, note: Note, run: Run): void {
  if (
    collector.notes.some(
      (known) => known.code === note.code && known.subject === note.subject && known.message === note.message,
    )
  )
    return;
  collector.notes.push(note);
  run.report({ stage: 'plan', state: 'log', level: 'warning', message: `${note.subject}: ${note.message}` });
}

/** `registry/repository`, as `sources` hold it. */
export function repositoryText(reference: Pick<Reference, 'registry' | 'repository'>): string {
  return `${reference.registry}/${reference.repository}`;
}
