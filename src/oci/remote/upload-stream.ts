import { type Readable, Transform } from 'node:stream';
import { AirlockError } from '../../core/errors.ts';
import type { Bandwidth } from '../../core/http-bandwidth.ts';
import type { Descriptor } from '../descriptor.ts';

/**
 * Exactly `lengthBytes` of a source, as one request's body, at the shared rate; fails with SIZE_MISMATCH when the source has less. The source is
 * let go of when the body is closed. An error of the source destroys the body with it.
 */
export function uploadBody(
  source: Readable,
  blob: Descriptor,
  lengthBytes: number,
  bandwidth: Bandwidth | undefined,
): Readable {
  let left = lengthBytes;
  let timer: NodeJS.Timeout | undefined;
  const body = new Transform({
    readableHighWaterMark: 1 << 20,
    writableHighWaterMark: 1 << 20,
    transform(chunk: Buffer, _encoding, callback) {
      const part = chunk.length <= left ? chunk : chunk.subarray(0, left);
      left -= part.length;
      const waitMs = bandwidth?.spend(part.length) ?? 0;
      if (waitMs > 0) timer = setTimeout(callback, waitMs, null, part);
      else callback(null, part);
      // What follows belongs to the next chunk's request: end here instead of reading on.
      if (left > 0) return;
      source.unpipe(body);
      body.end();
    },
    flush(callback) {
      if (left === 0) callback();
      else
        callback(
          new AirlockError('SIZE_MISMATCH', `size of blob ${blob.digest} is ${left} bytes less than planned`, {
            side: 'source',
          }),
        );
    },
  });
  source.on('error', (error) => body.destroy(error));
  body.on('close', () => {
    clearTimeout(timer);
    source.destroy();
  });
  return source.pipe(body);
}
