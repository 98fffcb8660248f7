import type { ServerResponse } from 'node:http';

/** The client broke the connection off: nothing to report, and nobody to tell. */
export class ClientGone extends Error {}

/** Writes chunks of one body, each settled when the socket is done with its memory. */
export class ChunkWriter {
  readonly #response: ServerResponse;
  readonly #waiting = new Set<(error: Error) => void>();
  // Write callbacks of a response that is queued behind another one are never called once the connection breaks, so its end is watched too.
  readonly #onClose = (): void => {
    for (const reject of this.#waiting) reject(new ClientGone());
  };

  constructor(response: ServerResponse) {
    this.#response = response;
    response.once('close', this.#onClose);
  }

  /** Rejects with `ClientGone`. */
  write(chunk: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#response.destroyed) return reject(new ClientGone());
      this.#waiting.add(reject);
      this.#response.write(chunk, (error) => {
        this.#waiting.delete(reject);
        if (error) reject(new ClientGone());
        else resolve();
      });
    });
  }

  close(): void {
    this.#response.off('close', this.#onClose);
  }
}
