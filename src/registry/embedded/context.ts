import type { Run } from '../../core/run.ts';
import type { ZeroCopy } from '../../core/zero-copy.ts';
import type { ContentStore, ContentWriter, ReferrersIndex } from '../../oci/index.ts';
import type { RepositoryLocks } from './repository-locks.ts';
import { Refusal } from './respond.ts';
import type { Transfers } from './send-blob.ts';
import type { UploadSessions } from './upload-sessions.ts';

/** What a manifest may name that is not in its repository: nothing, children of an index, or layers of an image too. */
export type SparseRule = 'none' | 'indexes' | 'all';

/** What the handlers of one server share. */
export interface ServerContext {
  readonly store: ContentStore;
  readonly referrers: ReferrersIndex;
  readonly uploads: UploadSessions;
  readonly locks: RepositoryLocks;
  readonly transfers: Transfers;
  /** Left out: every byte goes through a buffer. */
  readonly zeroCopy: ZeroCopy | undefined;
  readonly sparse: SparseRule;
  /** Changed by `setReadOnly` while the server runs. */
  readOnly: boolean;
  readonly run: Run;
}

/** The writing half of the store. @throws Refusal UNSUPPORTED while the server is read-only, as distribution answers then */
export function requireWriter(context: ServerContext): ContentWriter {
  const { writer } = context.store;
  if (!writer || context.readOnly) throw new Refusal('UNSUPPORTED', 'this registry is read-only now');
  return writer;
}
