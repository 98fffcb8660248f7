import type { Readable } from 'node:stream';
import type { HostTls } from './http-trust.ts';
import type { Run } from './run.ts';

/** A request. Only `method` and `url` are needed. */
export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  readonly url: string | URL;
  /** `authorization` goes to the URL's own origin only, whatever redirects say. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Readable | Uint8Array | string;
  /** `follow` (default for GET and HEAD) up to ten; `manual` gives the 3xx response itself. Other methods are never followed. */
  readonly redirects?: 'follow' | 'manual';
  /** For the URL's own origin. */
  readonly tls?: HostTls;
  readonly headersTimeoutMs?: number;
  /** A GET whose body the caller reads whole, and pours (`http-pour.ts`) where that is possible. */
  readonly pour?: boolean;
}

/** The head of an answer, and its body as a stream with backpressure. */
export interface HttpResponse {
  readonly status: number;
  /** Names in lower case; values of repeated headers joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  /** Where the answer came from, after redirects. */
  readonly url: URL;
  /** Must be read to its end or destroyed. Fails with HTTP_UNREACHABLE, HTTP_TIMEOUT or CANCELLED. */
  readonly body: Readable;
}

/** The one way to the network over HTTP. No retries: see `retry.ts`. */
export interface HttpClient {
  /** @throws AirlockError HTTP_UNREACHABLE, HTTP_TIMEOUT, HTTP_CERTIFICATE, HTTP_PROXY, HTTP_REDIRECT, PROXY_INVALID, HTTP_CA_INVALID, CANCELLED */
  request(request: HttpRequest, run: Run): Promise<HttpResponse>;
  /** Ends all connections; requests under way fail. */
  close(): Promise<void>;
}
