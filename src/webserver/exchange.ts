import type { IncomingMessage, ServerResponse } from 'node:http';

/** One request being answered. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly now: Date;
  /** Bytes of the answer that the kernel took from the file by itself: the socket's own count lacks them. */
  uncopiedBytes: number;
}
