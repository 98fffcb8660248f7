import type { Readable } from 'node:stream';
import { AirlockError } from './errors.ts';
import { redactUrl } from './http-errors.ts';
import type { HttpResponse } from './http-message.ts';

/**
 * Reads a whole body that must not be larger than `limitBytes`.
 * @throws AirlockError HTTP_TOO_LARGE, HTTP_UNREACHABLE, HTTP_TIMEOUT, CANCELLED
 */
export async function readBody(response: HttpResponse, limitBytes: number): Promise<Buffer> {
  const fail = (): AirlockError => {
    response.body.destroy();
    return new AirlockError('HTTP_TOO_LARGE', `${redactUrl(response.url)} answers with more than ${limitBytes} bytes`);
  };
  if (Number(response.headers['content-length'] ?? 0) > limitBytes) throw fail();
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limitBytes) throw fail();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

/** At most the first `limitBytes` of a body as text, for error messages; '' when it cannot be read. */
export async function readErrorText(response: HttpResponse, limitBytes = 64 << 10): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= limitBytes) break;
    }
  } catch {
    // What came so far has to do.
  }
  return Buffer.concat(chunks).subarray(0, limitBytes).toString('utf8');
}

/** Throws a body away: small ones are read so that the connection can be used again, others end it. */
export function discardBody(body: Readable): void {
  let length = 0;
  body.on('error', () => {});
  body.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > 64 << 10) body.destroy();
  });
}
