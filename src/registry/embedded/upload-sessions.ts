import { randomUUID } from 'node:crypto';
import type { Run } from '../../core/run.ts';
import type { ContentWriter, DigestAlgorithm, ResumableUpload } from '../../oci/index.ts';
import { RepositoryLocks } from './repository-locks.ts';
import { Refusal } from './respond.ts';

/** One blob upload between its first and last request. */
export interface UploadSession {
  readonly id: string;
  readonly repository: string;
  readonly upload: ResumableUpload;
  /** A request writes to it now; a second one is refused. */
  busy: boolean;
}

interface Kept {
  readonly session: UploadSession;
  timer: NodeJS.Timeout | undefined;
}

/**
 * The uploads under way. Their bytes lie in the storage; memory only holds those that were used lately open. One that no request touches
 * for `idleMs` is parked, and so are all when the server closes: the next request, to this server or to one started later on the same
 * storage, goes on with it. After a crash too: then the storage finds the owner gone.
 */
export class UploadSessions {
  readonly #kept = new Map<string, Kept>();
  readonly #idleMs: number;
  /** By id: an upload is not looked for while it is being parked or found. */
  readonly #moves = new RepositoryLocks();

  constructor(idleMs = 300_000) {
    this.#idleMs = idleMs;
  }

  async start(repository: string, writer: ContentWriter, algorithm: DigestAlgorithm, run: Run): Promise<UploadSession> {
    const id = randomUUID();
    return this.#keep(id, repository, await writer.startUpload({ id, repository }, algorithm, run));
  }

  /**
   * The session with this id; `writer` left out: only one that is open now.
   * @throws Refusal BLOB_UPLOAD_UNKNOWN
   */
  async find(repository: string, id: string, writer: ContentWriter | undefined, run: Run): Promise<UploadSession> {
    const session = await this.#moves.hold(id, async () => {
      const kept = this.#kept.get(id);
      if (kept) {
        if (kept.session.repository !== repository) return undefined;
        // Touched: a timer that has run out just now must not park it before its request holds it.
        if (!kept.session.busy) this.#rest(kept);
        return kept.session;
      }
      const upload = await writer?.resumeUpload({ id, repository }, run);
      return upload && this.#keep(id, repository, upload);
    });
    if (session) return session;
    throw new Refusal(
      'BLOB_UPLOAD_UNKNOWN',
      'there is no such upload: it ended, was cancelled, or rested for too long',
    );
  }

  /**
   * Runs the one request that may write to the session now; the session does not time out meanwhile.
   * @throws Refusal BLOB_UPLOAD_INVALID when another request writes to it
   */
  async hold<T>(session: UploadSession, work: () => Promise<T>): Promise<T> {
    const kept = this.#kept.get(session.id);
    if (session.busy || kept?.session !== session)
      throw new Refusal('BLOB_UPLOAD_INVALID', 'another request writes to this upload', { status: 409 });
    session.busy = true;
    clearTimeout(kept.timer);
    try {
      return await work();
    } finally {
      session.busy = false;
      if (this.#kept.get(session.id) === kept) this.#rest(kept);
    }
  }

  /** Forgets a session and drops its bytes unless they were committed. */
  async end(session: UploadSession): Promise<void> {
    this.#forget(session);
    await session.upload.discard();
  }

  /** Parks all. To be called when no request is under way any more. */
  async close(): Promise<void> {
    await Promise.all([...this.#kept.values()].map(({ session }) => this.#park(session)));
  }

  #keep(id: string, repository: string, upload: ResumableUpload): UploadSession {
    const kept: Kept = { session: { id, repository, upload, busy: false }, timer: undefined };
    this.#kept.set(id, kept);
    this.#rest(kept);
    return kept.session;
  }

  #park(session: UploadSession, isWanted = (): boolean => true): Promise<void> {
    return this.#moves.hold(session.id, async () => {
      if (!isWanted()) return;
      this.#forget(session);
      await session.upload.park();
    });
  }

  #forget(session: UploadSession): void {
    clearTimeout(this.#kept.get(session.id)?.timer);
    this.#kept.delete(session.id);
  }

  #rest(kept: Kept): void {
    clearTimeout(kept.timer);
    const timer = setTimeout(() => {
      const isIdle = (): boolean => kept.timer === timer && !kept.session.busy;
      this.#park(kept.session, isIdle).catch(() => {});
    }, this.#idleMs).unref();
    kept.timer = timer;
  }
}
