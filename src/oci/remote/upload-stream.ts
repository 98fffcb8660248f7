import { Readable, Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bandwidth } from '../../core/http-bandwidth.ts';

/** The first `lengthBytes` of a stream; the rest is not read. */
export function cutStream(source: Readable, lengthBytes: number): Readable {
  return Readable.from(cut(source, lengthBytes), { objectMode: false, highWaterMark: 1 << 20 });
}

async function* cut(source: Readable, lengthBytes: number): AsyncGenerator<Buffer> {
  let left = lengthBytes;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    yield chunk.length <= left ? chunk : chunk.subarray(0, left);
    left -= Math.min(left, chunk.length);
    if (left === 0) return;
  }
}

/** A stream slowed down to a shared rate. */
export function paceStream(source: Readable, bandwidth: Bandwidth | undefined): Readable {
  if (!bandwidth) return source;
  const paced = new Transform({
    highWaterMark: 1 << 20,
    transform(chunk: Buffer, _encoding, callback) {
      const waitMs = bandwidth.spend(chunk.length);
      if (waitMs <= 0) callback(null, chunk);
      else void sleep(waitMs).then(() => callback(null, chunk));
    },
  });
  source.on('error', (error) => paced.destroy(error));
  paced.on('close', () => source.destroy());
  return source.pipe(paced);
}
