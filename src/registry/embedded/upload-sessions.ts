import { randomUUID } from 'node:crypto';
import type { Run } from '../../core/run.ts';
import type { BlobUpload, ContentWriter, DigestAlgorithm } from '../../oci/index.ts';
import { Refusal } from './respond.ts';

/** One blob upload between its first and last request. */
export interface UploadSession {
  readonly id: string;
  readonly repository: string;
  readonly upload: BlobUpload;
  /** A request writes to it now; a second one is refused. */
  busy: boolean;
}

interface Kept {
  readonly session: UploadSession;
  timer: NodeJS.Timeout | undefined;
}

/**
 * The uploads under way. They live in memory and do not survive a restart of the server: a client then gets BLOB_UPLOAD_UNKNOWN and starts
 * its blob again, as the specification has it. One that no request touches for `idleMs` is dropped with its bytes.
 */
export class UploadSessions {
  readonly #kept = new Map<string, Kept>();
  readonly #idleMs: number;

  constructor(idleMs = 3_600_000) {
    this.#idleMs = idleMs;
  }

  async start(repository: string, writer: ContentWriter, algorithm: DigestAlgorithm, run: Run): Promise<UploadSession> {
    const upload = await writer.startBlob(run, algorithm);
    const session = { id: randomUUID(), repository, upload, busy: false };
    const kept: Kept = { session, timer: undefined };
    this.#kept.set(session.id, kept);
    this.#rest(kept);
    return session;
  }

  /** @throws Refusal BLOB_UPLOAD_UNKNOWN */
  get(repository: string, id: string): UploadSession {
    const kept = this.#kept.get(id);
    if (kept?.session.repository === repository) return kept.session;
    throw new Refusal(
      'BLOB_UPLOAD_UNKNOWN',
      'there is no such upload: it ended, was cancelled, or the registry was restarted',
    );
  }

  /**
   * Runs the one request that may write to the session now; the session does not time out meanwhile.
   * @throws Refusal BLOB_UPLOAD_INVALID when another request writes to it
   */
  async hold<T>(session: UploadSession, work: () => Promise<T>): Promise<T> {
    const kept = this.#kept.get(session.id);
    if (session.busy || !kept)
      throw new Refusal('BLOB_UPLOAD_INVALID', 'another request writes to this upload', { status: 409 });
    session.busy = true;
    clearTimeout(kept.timer);
    try {
      return await work();
    } finally {
      session.busy = false;
      if (this.#kept.has(session.id)) this.#rest(kept);
    }
  }

  /** Forgets a session and drops its bytes unless they were committed. */
  async end(session: UploadSession): Promise<void> {
    const kept = this.#kept.get(session.id);
    clearTimeout(kept?.timer);
    this.#kept.delete(session.id);
    await session.upload.discard();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#kept.values()].map(({ session }) => this.end(session)));
  }

  #rest(kept: Kept): void {
    kept.timer = setTimeout(() => void this.end(kept.session).catch(() => {}), this.#idleMs).unref();
  }
}
