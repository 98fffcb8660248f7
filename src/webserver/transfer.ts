import type { FileHandle } from 'node:fs/promises';
import type { ZeroCopy } from '../core/zero-copy.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { Exchange } from './exchange.ts';
import type { ByteRange } from './range.ts';

/** Some bytes of an open file on their way to a client. */
export interface Transfer {
  readonly exchange: Exchange;
  readonly handle: FileHandle;
  readonly span: ByteRange;
  readonly pool: BufferPool;
  /** Left out: every byte goes through a buffer. */
  readonly zeroCopy: ZeroCopy | undefined;
  /**
   * Asked before the last chunk; false breaks the connection off, so that the client sees a failed download instead of a mixture of two
   * files. `atOnce`: the file system gave the chunk without waiting, so it will not wait for this either.
   */
  readonly mayEnd: (atOnce: boolean) => boolean | Promise<boolean>;
}
