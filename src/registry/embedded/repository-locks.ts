/**
 * Lets one request at a time change the links of a repository: a delete must not pull a folder from under a push, nor a layer from under
 * a manifest that was just found complete. Reading and receiving bytes need no lock.
 */
export class RepositoryLocks {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `work` when everything asked before for this repository has ended, however it ended. */
  async hold<T>(repository: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(repository) ?? Promise.resolve();
    const mine = before.then(work, work);
    const settled = mine.catch(() => {});
    this.#last.set(repository, settled);
    try {
      return await mine;
    } finally {
      if (this.#last.get(repository) === settled) this.#last.delete(repository);
    }
  }
}
