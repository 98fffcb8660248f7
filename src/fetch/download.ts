import { Readable } from 'node:stream';
import { AirlockError } from '../core/errors.ts';
import type { Stage } from '../core/events.ts';
import type { HttpClient } from '../core/http.ts';
import type { Bandwidth } from '../core/http-bandwidth.ts';
import { redactUrl } from '../core/http-errors.ts';
import type { PourSink } from '../core/http-pour.ts';
import { pourWhole } from '../core/http-pour-whole.ts';
import { CheckedStream } from '../core/http-stream.ts';
import { type RetryPolicy, retry, waitForRetry } from '../core/retry.ts';
import type { Run } from '../core/run.ts';
import { type FileHead, type Known, requestHead, requestPart, strongTag, wholeSize } from './file-request.ts';

/** Settings of `createDownloader`. */
export interface DownloaderOptions {
  /** The caller closes it. */
  readonly http: HttpClient;
  readonly retry?: RetryPolicy;
  readonly bandwidth?: Bandwidth;
  /** The stage of `retrying` events; default build. */
  readonly stage?: Stage;
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
  /** As `open`, from where the sink has the file so far and without the copies of a stream; the digest is the caller's to check. */
  pour(request: DownloadRequest & { readonly expectedSizeBytes: number }, sink: PourSink, run: Run): Promise<void>;
}

/** Downloads over one HTTP client. */
export function createDownloader(options: DownloaderOptions): Downloader {
  const policy = options.retry ?? {};
  const about = (url: string) => ({ stage: options.stage ?? 'build', subject: redactUrl(url) }) as const;
  const retryWait = (url: string, run: Run) => (attempt: number, error: unknown) => {
    if (attempt >= (policy.retryTimes ?? 5)) throw error;
    return waitForRetry(policy, attempt, error, about(url), run);
  };
  return {
    head: (url, run) => retry(() => requestHead(options.http, url, run), policy, about(url), run),
    async open(request, run) {
      const { url, offsetBytes = 0, expectedSizeBytes } = request;
      if (offsetBytes > 0 && offsetBytes === expectedSizeBytes) return Readable.from([]);
      const file = followFile(options.http, request, run);
      const first = await retry(() => file.open(offsetBytes), policy, about(url), run);
      return new CheckedStream(
        {
          sizeBytes: file.sizeBytes(),
          digest: request.sha256 === undefined ? undefined : { algorithm: 'sha256', hex: request.sha256 },
          offsetBytes,
          open: (at) => file.open(at),
          wait: retryWait(url, run),
          mismatch: (what, why) => wrongContent(what, url, why),
          bandwidth: options.bandwidth,
          signal: run.signal,
        },
        first,
      );
    },
    pour(request, sink, run) {
      const { url, expectedSizeBytes } = request;
      const file = followFile(options.http, request, run);
      const pouring = {
        sizeBytes: expectedSizeBytes,
        open: (at: number) => file.open(at),
        wait: retryWait(url, run),
        tooShort: (why: string) => wrongContent('size', url, why),
        bandwidth: options.bandwidth,
      };
      return pourWhole(pouring, sink, run);
    },
  };
}

/** A file whose answers have to fit each other. */
function followFile(http: HttpClient, { url, etag, expectedSizeBytes }: DownloadRequest, run: Run) {
  let known: Known = { etag, sizeBytes: expectedSizeBytes };
  return {
    /** `requestPart` makes sure that it is known after the first answer. */
    sizeBytes: () => known.sizeBytes ?? 0,
    async open(offsetBytes: number): Promise<Readable> {
      const response = await requestPart(http, url, offsetBytes, known, run);
      known = { etag: known.etag ?? strongTag(response), sizeBytes: known.sizeBytes ?? wholeSize(response) };
      return response.body;
    },
  };
}

function wrongContent(what: 'size' | 'digest', url: string, why: string): AirlockError {
  return new AirlockError(
    what === 'size' ? 'FETCH_SIZE_MISMATCH' : 'FETCH_DIGEST_MISMATCH',
    `${what === 'digest' ? 'SHA-256' : 'size'} of ${redactUrl(url)} ${why}`,
    { side: 'source' },
  );
}
