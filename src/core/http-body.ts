import type { Readable } from 'node:stream';
import { AirlockError } from './errors.ts';
import { redactUrl } from './http-errors.ts';
import type { HttpResponse } from './http-message.ts';
import { isPourable, type PourableBody } from './http-pour.ts';

/**
 * Reads a whole body that must not be larger than `limitBytes`.
 * @throws AirlockError HTTP_TOO_LARGE, HTTP_UNREACHABLE, HTTP_TIMEOUT, CANCELLED
 */
export async function readBody(response: HttpResponse, limitBytes: number): Promise<Buffer> {
  const fail = (): AirlockError => {
    response.body.destroy();
    return new AirlockError('HTTP_TOO_LARGE', `${redactUrl(response.url)} answers with more than ${limitBytes} bytes`);
  };
  const known = Number(response.headers['content-length'] ?? 0);
  if (known > limitBytes) throw fail();
  if (isPourable(response.body)) return pourWhole(response.body, known);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limitBytes) throw fail();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

/** A body whose length its connection knows, and keeps to. */
async function pourWhole(body: PourableBody, sizeBytes: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  let filled = 0;
  await body.pour({
    room: () => bytes.subarray(filled),
    took(count) {
      filled += count;
      return undefined;
    },
  });
  return bytes;
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
