import type { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import type { RunEvent } from '../../../src/core/events.ts';
import { createHttp } from '../../../src/core/http.ts';
import { quietRun, type Run } from '../../../src/core/run.ts';
import { createRemote, type RemoteOptions } from '../../../src/oci/index.ts';

/** A remote that allows plain HTTP and waits for nothing between tries. */
export function testRemote(options: Partial<RemoteOptions> = {}) {
  const http = options.http ?? createHttp({ headersTimeoutMs: 5000, bodyTimeoutMs: 5000 });
  onTestFinished(() => http.close());
  return createRemote({ tlsVerify: false, retry: { firstDelayMs: 0, maxDelayMs: 5 }, ...options, http });
}

/** A run whose events are kept. */
export function listeningRun(): { run: Run; events: RunEvent[] } {
  const events: RunEvent[] = [];
  return { run: quietRun({ report: (event) => events.push(event) }), events };
}

export async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
