import { AirlockError } from '../core/errors.ts';
import type { HttpClient, HttpResponse } from '../core/http.ts';
import { discardBody } from '../core/http-body.ts';
import { redactUrl } from '../core/http-errors.ts';
import { parseRetryAfter } from '../core/retry.ts';
import type { Run } from '../core/run.ts';

/** What a server says of a file. */
export interface FileHead {
  readonly sizeBytes: number;
  /** A strong entity tag, with its quotes. */
  readonly etag?: string;
  /** Whether the server says that it takes ranges; many do without saying so. */
  readonly acceptsRanges: boolean;
}

// Packed bodies have other sizes and digests than the file.
const headers = { 'accept-encoding': 'identity' };

/** What is known of the file so far: every answer has to fit. */
export interface Known {
  readonly etag: string | undefined;
  readonly sizeBytes: number | undefined;
}

/** Asks for size and tag. @throws AirlockError FETCH_NOT_FOUND, FETCH_NO_LENGTH, FETCH_FAILED, HTTP_* */
export async function requestHead(http: HttpClient, url: string, run: Run): Promise<FileHead> {
  const response = await http.request({ method: 'HEAD', url, headers }, run);
  discardBody(response.body);
  if (response.status !== 200) throw statusError(response, 'HEAD', run);
  const length = response.headers['content-length'];
  if (length === undefined || !/^\d+$/.test(length)) throw noLength(url);
  const etag = strongTag(response);
  return {
    sizeBytes: Number(length),
    ...(etag ? { etag } : {}),
    acceptsRanges: response.headers['accept-ranges']?.toLowerCase().includes('bytes') ?? false,
  };
}

/** Asks for the file from `offsetBytes` on; the answer fits what is known. @throws AirlockError FETCH_*, HTTP_* */
export async function requestPart(
  http: HttpClient,
  url: string,
  offsetBytes: number,
  known: Known,
  run: Run,
): Promise<HttpResponse> {
  const range =
    offsetBytes > 0 ? { range: `bytes=${offsetBytes}-`, ...(known.etag ? { 'if-range': known.etag } : {}) } : {};
  const response = await http.request({ method: 'GET', url, headers: { ...headers, ...range }, pour: true }, run);
  try {
    if (response.status !== 200 && response.status !== 206 && response.status !== 416)
      throw statusError(response, 'GET', run);
    const etag = strongTag(response);
    if (known.etag !== undefined && etag !== undefined && etag !== known.etag)
      throw new AirlockError(
        'FETCH_CHANGED',
        `${redactUrl(url)} is another file now (${known.etag} before, ${etag} now)`,
        {
          side: 'source',
          hint: 'plan again',
        },
      );
    const whole = wholeSize(response);
    if (known.sizeBytes !== undefined && whole !== undefined && whole !== known.sizeBytes)
      throw new AirlockError('FETCH_SIZE_MISMATCH', `${redactUrl(url)} has ${whole} bytes, not ${known.sizeBytes}`, {
        side: 'source',
        hint: 'plan again',
      });
    if (
      response.status !== (offsetBytes > 0 ? 206 : 200) ||
      (offsetBytes > 0 && rangeOf(response)?.start !== offsetBytes)
    )
      throw new AirlockError(
        'FETCH_RANGE_IGNORED',
        `${redactUrl(url)}: asked from byte ${offsetBytes}, got status ${response.status}`,
        { side: 'source' },
      );
    if (known.sizeBytes === undefined && whole === undefined) throw noLength(url);
    return response;
  } catch (error) {
    discardBody(response.body);
    throw error;
  }
}

/** The size of the whole file as an answer states it. */
export function wholeSize(response: HttpResponse): number | undefined {
  const range = rangeOf(response);
  if (range) return range.sizeBytes;
  const length = response.headers['content-length'];
  return response.status === 200 && length !== undefined && /^\d+$/.test(length) ? Number(length) : undefined;
}

function rangeOf(response: HttpResponse): { start: number; sizeBytes: number | undefined } | undefined {
  const match = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers['content-range']?.trim() ?? '');
  if (response.status !== 206 || !match) return undefined;
  return { start: Number(match[1]), sizeBytes: match[2] === '*' ? undefined : Number(match[2]) };
}

/** The entity tag, unless it is a weak one, which says nothing of the bytes. */
export function strongTag(response: HttpResponse): string | undefined {
  const etag = response.headers['etag'];
  return etag?.startsWith('"') ? etag : undefined;
}

function noLength(url: string): AirlockError {
  return new AirlockError('FETCH_NO_LENGTH', `${redactUrl(url)}: the server does not say how large the file is`, {
    side: 'source',
    hint: 'serve the file from a server that sends Content-Length, and name it with --rhcos-url',
  });
}

function statusError(response: HttpResponse, method: string, run: Run): AirlockError {
  const retryAfterMs = parseRetryAfter(response.headers['retry-after'], run.now());
  const missing = response.status === 404 || response.status === 410;
  return new AirlockError(
    missing ? 'FETCH_NOT_FOUND' : 'FETCH_FAILED',
    `${method} ${redactUrl(response.url)}: status ${response.status}`,
    {
      side: 'source',
      details: { status: response.status, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
    },
  );
}
