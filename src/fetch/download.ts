import { Readable } from 'node:stream';
import { AirlockError } from '../core/errors.ts';
import type { Stage } from '../core/events.ts';
import type { HttpClient, HttpResponse } from '../core/http.ts';
import type { Bandwidth } from '../core/http-bandwidth.ts';
import { discardBody } from '../core/http-body.ts';
import { redactUrl } from '../core/http-errors.ts';
import { CheckedStream } from '../core/http-stream.ts';
import { parseRetryAfter, type RetryPolicy, retry, waitForRetry } from '../core/retry.ts';
import type { Run } from '../core/run.ts';

/** Settings of `createDownloader`. */
export interface DownloaderOptions {
  /** The caller closes it. */
  readonly http: HttpClient;
  readonly retry?: RetryPolicy;
  readonly bandwidth?: Bandwidth;
  /** The stage of `retrying` events; default build. */
  readonly stage?: Stage;
}

/** What a server says of a file. */
export interface FileHead {
  readonly sizeBytes: number;
  /** A strong entity tag, with its quotes. */
  readonly etag?: string;
  /** Whether the server says that it takes ranges; many do without saying so. */
  readonly acceptsRanges: boolean;
}

/** A file to be read from `offsetBytes` on. */
export interface DownloadRequest {
  readonly url: string;
  /** Default 0. More continues a file whose first bytes are held: then the caller checks the SHA-256 over the whole. */
  readonly offsetBytes?: number;
  /** Of the whole file; default: what the server says. */
  readonly expectedSizeBytes?: number;
  /** 64 hex digits. Checked before the last bytes are given out, when `offsetBytes` is 0. */
  readonly sha256?: string;
  /** The tag under which the bytes before `offsetBytes` came. */
  readonly etag?: string;
}

/** Files by URL: RHCOS images, client tools, signatures. */
export interface Downloader {
  /** @throws AirlockError FETCH_NOT_FOUND, FETCH_NO_LENGTH, FETCH_FAILED, HTTP_* */
  head(url: string, run: Run): Promise<FileHead>;
  /**
   * A stream that is continued by range after a broken connection and fails before its end when size or digest is wrong.
   * @throws AirlockError FETCH_*, HTTP_*
   */
  open(request: DownloadRequest, run: Run): Promise<Readable>;
}

// Packed bodies have other sizes and digests than the file.
const headers = { 'accept-encoding': 'identity' };

export function createDownloader(options: DownloaderOptions): Downloader {
  const policy = options.retry ?? {};
  const about = (url: string) => ({ stage: options.stage ?? 'build', subject: redactUrl(url) }) as const;
  return {
    head: (url, run) => retry(() => requestHead(options.http, url, run), policy, about(url), run),
    async open(request, run) {
      const { url, offsetBytes = 0, expectedSizeBytes } = request;
      if (offsetBytes > 0 && offsetBytes === expectedSizeBytes) return Readable.from([]);
      let known: Known = { etag: request.etag, sizeBytes: expectedSizeBytes };
      const openOnce = async (at: number): Promise<HttpResponse> => {
        const response = await requestPart(options.http, url, at, known, run);
        known = { etag: known.etag ?? strongTag(response), sizeBytes: known.sizeBytes ?? wholeSize(response) };
        return response;
      };
      const first = await retry(() => openOnce(offsetBytes), policy, about(url), run);
      return new CheckedStream(
        {
          // `requestPart` has made sure that it is known.
          sizeBytes: known.sizeBytes ?? 0,
          digest: request.sha256 === undefined ? undefined : { algorithm: 'sha256', hex: request.sha256 },
          offsetBytes,
          open: async (at) => (await openOnce(at)).body,
          wait: (attempt, error) => {
            if (attempt >= (policy.retryTimes ?? 5)) throw error;
            return waitForRetry(policy, attempt, error, about(url), run);
          },
          mismatch: (what, why) =>
            new AirlockError(
              what === 'size' ? 'FETCH_SIZE_MISMATCH' : 'FETCH_DIGEST_MISMATCH',
              `${what === 'digest' ? 'SHA-256' : 'size'} of ${redactUrl(url)} ${why}`,
              { side: 'source' },
            ),
          bandwidth: options.bandwidth,
          signal: run.signal,
        },
        first.body,
      );
    },
  };
}

/** What is known of the file so far: every answer has to fit. */
interface Known {
  readonly etag: string | undefined;
  readonly sizeBytes: number | undefined;
}

async function requestHead(http: HttpClient, url: string, run: Run): Promise<FileHead> {
  const response = await http.request({ method: 'HEAD', url, headers }, run);
  response.body.destroy();
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

async function requestPart(
  http: HttpClient,
  url: string,
  offsetBytes: number,
  known: Known,
  run: Run,
): Promise<HttpResponse> {
  const range =
    offsetBytes > 0 ? { range: `bytes=${offsetBytes}-`, ...(known.etag ? { 'if-range': known.etag } : {}) } : {};
  const response = await http.request({ method: 'GET', url, headers: { ...headers, ...range } }, run);
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
function wholeSize(response: HttpResponse): number | undefined {
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

function strongTag(response: HttpResponse): string | undefined {
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
