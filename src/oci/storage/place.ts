import path from 'node:path';
import type { Run } from '../../core/run.ts';

/**
 * Gives written files their final names. With `durable`, a placed file is found after a power loss: its folder is synced, and so is every
 * folder above it up to the root whose own entry is not known to be on disk yet. Folders already synced are remembered, so that a large
 * load pays for `blobs/sha256` once and not per blob.
 */
export class FilePlacer {
  readonly #root: string;
  readonly durable: boolean;
  readonly #synced = new Set<string>();

  constructor(root: string, durable: boolean) {
    this.#root = path.resolve(root);
    this.durable = durable;
  }

  /** Renames `temporary`, whose content the caller has synced, to `target`; missing folders are made. */
  async place(temporary: string, target: string, run: Run): Promise<void> {
    const folder = path.dirname(path.resolve(target));
    await run.disk.makeDirectory(folder);
    await run.disk.rename(temporary, target);
    if (!this.durable) return;
    await run.disk.syncDirectory(folder);
    // The root itself is the caller's: the folder above it may not even be readable.
    for (let at = folder; at.startsWith(`${this.#root}/`) && !this.#synced.has(at); at = path.dirname(at)) {
      await run.disk.syncDirectory(path.dirname(at));
      // The leaf is this file's own; remembering it would only cost memory.
      if (at !== folder) this.#synced.add(at);
    }
  }

  /** Removes a file or folder for good; folders may be made anew afterwards. */
  async remove(target: string, run: Run): Promise<void> {
    if ((await run.disk.stat(target)) === undefined) return;
    this.#synced.clear();
    await run.disk.remove(target);
    if (this.durable) await run.disk.syncDirectory(path.dirname(target));
  }
}
