import type { Readable } from 'node:stream';
import type { AirlockError } from './errors.ts';
import type { Bandwidth } from './http-bandwidth.ts';
import { type ByteSink, type PourSink, pourBody } from './http-pour.ts';
import { progressBytes } from './http-stream.ts';
import { isTransient, pause } from './retry.ts';
import type { Run } from './run.ts';

/** What is poured, and how it goes on after a broken connection. */
export interface PourOptions {
  readonly sizeBytes: number;
  /** A body from `offsetBytes` on, with status and range checked; `isFirst` may have tries of its own. */
  readonly open: (offsetBytes: number, isFirst: boolean) => Promise<Readable>;
  /** Waits before try `attempt` + 1 (counted from 0), or throws when there were enough. */
  readonly wait: (attempt: number, error: unknown) => Promise<void>;
  /** The error for content that ends early. `why` ends a sentence that begins with the content's name. */
  readonly tooShort: (why: string) => AirlockError;
  readonly bandwidth: Bandwidth | undefined;
}

/** Brings what the sink does not have yet, over as many connections as it takes. The size is made sure of; the digest is the sink's to check. */
export async function pourWhole(options: PourOptions, sink: PourSink, run: Run): Promise<void> {
  const { sizeBytes, bandwidth } = options;
  const target = bandwidth ? slowed(sink, bandwidth, run) : sink;
  let attempt = 0;
  for (let isFirst = true; sink.receivedBytes < sizeBytes || isFirst; isFirst = false) {
    const before = sink.receivedBytes;
    try {
      await pourBody(await options.open(before, isFirst), target);
    } catch (error) {
      if (run.signal.aborted || !isTransient(error)) throw error;
      if (sink.receivedBytes - before >= progressBytes) attempt = 0;
      await options.wait(attempt, error);
      attempt += 1;
      continue;
    }
    // HTTP said that this was the end: the server has less than it should.
    if (sink.receivedBytes < sizeBytes)
      throw options.tooShort(`ends after ${sink.receivedBytes} of its ${sizeBytes} bytes`);
  }
}

/** The sink, which asks for no more bytes than the bandwidth allows. */
function slowed(sink: ByteSink, bandwidth: Bandwidth, run: Run): ByteSink {
  return {
    room: () => sink.room(),
    took(count) {
      const wait = sink.took(count);
      const waitMs = bandwidth.spend(count);
      if (waitMs === 0) return wait;
      return Promise.all([wait, pause(waitMs, run)]).then(() => undefined);
    },
  };
}
