import type { IncomingMessage, ServerResponse } from 'node:http';

/** The error codes of the specification that this server gives, with their status. @see OCI distribution-spec v1.1, "Error Codes" */
const statuses = {
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 400,
  BLOB_UPLOAD_UNKNOWN: 404,
  DIGEST_INVALID: 400,
  MANIFEST_BLOB_UNKNOWN: 404,
  MANIFEST_INVALID: 400,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 400,
  NAME_UNKNOWN: 404,
  PAGINATION_NUMBER_INVALID: 400,
  SIZE_INVALID: 400,
  UNAUTHORIZED: 401,
  UNSUPPORTED: 405,
  UNKNOWN: 500,
} as const;

export type RegistryCode = keyof typeof statuses;

/** A refusal on its way to the client. */
export class Refusal extends Error {
  readonly code: RegistryCode;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: RegistryCode,
    message: string,
    options: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message);
    this.name = 'Refusal';
    this.code = code;
    this.status = options.status ?? statuses[code];
    this.headers = options.headers ?? {};
  }
}

/** One request being answered. `path` is decoded; `query` as sent. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Bytes of the answer that the kernel took from a file by itself: the socket's own count lacks them. */
  uncopiedBytes: number;
}

/** Sends a whole small answer; the body is left out for HEAD. */
export function send(
  { response, method }: Exchange,
  status: number,
  headers: Readonly<Record<string, string | number>> = {},
  body: Uint8Array | string = '',
): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (status !== 204 && status !== 304 && !response.hasHeader('content-length'))
    response.setHeader('content-length', bytes.length);
  response.writeHead(status);
  response.end(method === 'HEAD' || status === 204 || status === 304 ? undefined : bytes);
}

/** Sends JSON under `mediaType`. */
export function sendJson(
  exchange: Exchange,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string | number>> = {},
): void {
  send(exchange, status, { 'content-type': 'application/json', ...headers }, `${JSON.stringify(value)}\n`);
}

const drainLimitBytes = 64 << 20;

/** Sends a refusal with the error body of the specification. */
export function sendRefusal(exchange: Exchange, refusal: Refusal): void {
  const { request, response } = exchange;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (!request.complete) drain(request);
  sendJson(exchange, refusal.status, { errors: [{ code: refusal.code, message: refusal.message }] }, refusal.headers);
}

/**
 * Reads and drops the rest of a body. Closing the connection instead would reset it while the client still sends, and the client would
 * lose the answer that says why. There is an end to patience, though.
 */
function drain(request: IncomingMessage): void {
  let leftBytes = drainLimitBytes;
  request.on('data', (chunk: Buffer) => {
    leftBytes -= chunk.length;
    if (leftBytes < 0) request.destroy();
  });
  request.on('error', () => {});
  request.resume();
}

/** How long a client may send nothing in the middle of a body. */
const bodyIdleMs = 300_000;

/**
 * The chunks of a request's body. Stopping early does not break the connection, so that the answer can say why.
 * @throws the connection's error when the client goes away
 */
export async function* readBody(request: IncomingMessage): AsyncGenerator<Buffer> {
  request.setTimeout(bodyIdleMs, () => request.destroy());
  try {
    yield* request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  } finally {
    request.setTimeout(0);
  }
}
