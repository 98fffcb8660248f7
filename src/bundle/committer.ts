import { diskError } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import type { OpenVolumeFile } from './fill.ts';
import type { Journal } from './journal.ts';

/** After so many bytes or so much time what was written is synced and put into the journal: what a crash can cost. */
const commitBytes = 256 << 20;
const commitMs = 3000;

/**
 * Groups syncs: members are filled without waiting for the disk; now and then everything written so far is synced once and then recorded.
 */
export class Committer {
  readonly #journal: Journal;
  readonly #volumes: ReadonlyMap<number, OpenVolumeFile>;
  readonly #run: Run;
  #finished: { readonly member: string; readonly volume: number }[] = [];
  readonly #open = new Map<string, { readonly volume: number; readonly bytes: number }>();
  #uncommittedBytes = 0;
  #lastCommit: number;
  #committing: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(journal: Journal, volumes: ReadonlyMap<number, OpenVolumeFile>, run: Run) {
    this.#journal = journal;
    this.#volumes = volumes;
    this.#run = run;
    this.#lastCommit = run.now().getTime();
  }

  /** Bytes of an open member have been written. */
  progress(member: string, volume: number, doneBytes: number): void {
    this.#uncommittedBytes += doneBytes - (this.#open.get(member)?.bytes ?? 0);
    this.#open.set(member, { volume, bytes: doneBytes });
  }

  /** A member is whole and right. */
  finish(member: string, volume: number): void {
    this.#open.delete(member);
    this.#finished.push({ member, volume });
  }

  /** Whether it is time to commit. */
  isDue(): boolean {
    if (this.#committing || this.#failure) return false;
    return this.#uncommittedBytes >= commitBytes || this.#run.now().getTime() - this.#lastCommit >= commitMs;
  }

  /** Syncs and records. One at a time; waits for one under way first. */
  async commit(): Promise<void> {
    while (this.#committing) await this.#committing;
    // After a sync that failed the kernel may forget what it could not write: no later sync can be believed.
    if (this.#failure) throw this.#failure.error;
    this.#committing = this.#commitNow();
    try {
      await this.#committing;
    } catch (error) {
      this.#failure = { error };
      throw error;
    } finally {
      this.#committing = undefined;
    }
  }

  async #commitNow(): Promise<void> {
    const finished = this.#finished;
    const open = [...this.#open];
    this.#finished = [];
    this.#uncommittedBytes = 0;
    this.#lastCommit = this.#run.now().getTime();
    const touched = new Set([...finished.map((one) => one.volume), ...open.map(([, one]) => one.volume)]);
    if (touched.size === 0) return;
    for (const volume of touched) {
      const open = this.#volumes.get(volume);
      await open?.file.sync().catch((error: unknown) => {
        throw diskError(error, open.path, 'write');
      });
    }
    await this.#journal.append([
      ...finished.map(({ member }) => ({ kind: 'finished', member }) as const),
      ...open.map(([member, { bytes }]) => ({ kind: 'checked', member, bytes }) as const),
    ]);
  }
}
