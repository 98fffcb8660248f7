import { randomBytes } from 'node:crypto';
import { AirlockError } from '../core/errors.ts';
import { evaluatePreconditions } from './conditional.ts';
import { contentTypeOf } from './content-type.ts';
import type { Exchange } from './exchange.ts';
import { html, pagePolicy, renderPage } from './html.ts';
import { type ByteRange, parseRange } from './range.ts';
import { sendSpan } from './send-span.ts';
import type { WebFile } from './site.ts';
import type { Transfer } from './transfer.ts';
import type { VerifiedFile, VerifiedFiles } from './verified-files.ts';

/** Answers with a small body. HEAD gets the same headers and no body. */
export function sendText(
  exchange: Exchange,
  status: number,
  contentType: string,
  body: string,
  headers: Record<string, string> = {},
): void {
  const bytes = Buffer.from(body);
  exchange.response.writeHead(status, { 'Content-Type': contentType, 'Content-Length': bytes.length, ...headers });
  exchange.response.end(exchange.request.method === 'HEAD' ? undefined : bytes);
}

/** Answers with a page of ours. */
export function sendPage(exchange: Exchange, status: number, page: string, headers: Record<string, string> = {}): void {
  sendText(exchange, status, 'text/html; charset=utf-8', page, {
    'Content-Security-Policy': pagePolicy,
    'Cache-Control': 'no-store',
    ...headers,
  });
}

/** Answers with a short page that says what is wrong. */
export function sendProblem(
  exchange: Exchange,
  status: number,
  title: string,
  reason: string,
  headers: Record<string, string> = {},
): void {
  if (exchange.request.headers.accept?.includes('text/html')) {
    sendPage(
      exchange,
      status,
      renderPage(title, html`<h1>${title}</h1><p>${reason}</p><p><a href="/">Start page</a></p>`),
      headers,
    );
  } else
    sendText(exchange, status, 'text/plain; charset=utf-8', `${title}: ${reason}\n`, {
      'Cache-Control': 'no-store',
      ...headers,
    });
}

/**
 * Answers GET and HEAD for a file: conditional requests, one or several ranges (RFC 9110 §13, §14), strong entity tag from the SHA-256. A
 * damaged or missing file is answered with 503 and the reason, never with its bytes.
 */
export async function sendFile(
  exchange: Exchange,
  entry: WebFile,
  files: VerifiedFiles,
  means: Pick<Transfer, 'pool' | 'zeroCopy'>,
): Promise<void> {
  const open = await openOrExplain(exchange, entry, files);
  if (!open) return;
  try {
    const plan = planAnswer(exchange, entry, open);
    exchange.response.writeHead(plan.status, plan.headers);
    for (const part of exchange.request.method === 'HEAD' ? [] : plan.parts) {
      if (part.head) exchange.response.write(part.head);
      const transfer = { ...means, exchange, handle: open.handle, mayEnd: open.isUnchanged };
      if (part.span && !(await sendSpan({ ...transfer, span: part.span }))) return;
    }
    exchange.response.end();
  } finally {
    await open.release();
  }
}

async function openOrExplain(
  exchange: Exchange,
  entry: WebFile,
  files: VerifiedFiles,
): Promise<VerifiedFile | undefined> {
  try {
    return await files.open(entry);
  } catch (error) {
    if (!(error instanceof AirlockError)) throw error;
    sendProblem(exchange, 503, 'Not served', error.hint ? `${error.message}; ${error.hint}` : error.message);
    return undefined;
  }
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | number>;
  readonly parts: readonly { readonly head?: string; readonly span?: ByteRange }[];
}

function planAnswer(exchange: Exchange, entry: WebFile, open: VerifiedFile): Answer {
  const { headers, method } = exchange.request;
  const etag = `"${entry.sha256}"`;
  const common = {
    ETag: etag,
    'Last-Modified': open.modifiedAt.toUTCString(),
    'Accept-Ranges': 'bytes',
    'Repr-Digest': `sha-256=:${Buffer.from(entry.sha256, 'hex').toString('base64')}:`,
  };
  const precondition = evaluatePreconditions(headers, { etag, modifiedAt: open.modifiedAt }, exchange.now);
  if (precondition === 'not-modified') return { status: 304, headers: common, parts: [] };
  if (precondition === 'failed') return { status: 412, headers: { ...common, 'Content-Length': 0 }, parts: [] };
  // Range is defined for GET only (RFC 9110 §14.2).
  const range =
    method === 'GET' && precondition === 'proceed'
      ? parseRange(headers.range, entry.sizeBytes)
      : { kind: 'whole' as const };
  if (range.kind === 'unsatisfiable') {
    return {
      status: 416,
      headers: { ...common, 'Content-Range': `bytes */${entry.sizeBytes}`, 'Content-Length': 0 },
      parts: [],
    };
  }
  const type = contentTypeOf(entry.path);
  if (range.kind === 'whole') {
    const parts = entry.sizeBytes === 0 ? [] : [{ span: { first: 0, last: entry.sizeBytes - 1 } }];
    return { status: 200, headers: { ...common, 'Content-Type': type, 'Content-Length': entry.sizeBytes }, parts };
  }
  const [only] = range.spans;
  if (range.spans.length === 1 && only) {
    const one = { 'Content-Type': type, 'Content-Range': contentRange(only, entry), 'Content-Length': lengthOf(only) };
    return { status: 206, headers: { ...common, ...one }, parts: [{ span: only }] };
  }
  return multipart(common, type, range.spans, entry);
}

function multipart(common: Record<string, string>, type: string, spans: readonly ByteRange[], entry: WebFile): Answer {
  const boundary = randomBytes(16).toString('hex');
  const parts = spans.map((span, index) => ({
    span,
    head: `${index === 0 ? '' : '\r\n'}--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: ${contentRange(span, entry)}\r\n\r\n`,
  }));
  const tail = `\r\n--${boundary}--\r\n`;
  const length = parts.reduce((sum, part) => sum + part.head.length + lengthOf(part.span), tail.length);
  const headers = { ...common, 'Content-Type': `multipart/byteranges; boundary=${boundary}`, 'Content-Length': length };
  return { status: 206, headers, parts: [...parts, { head: tail }] };
}

function contentRange(span: ByteRange, entry: WebFile): string {
  return `bytes ${span.first}-${span.last}/${entry.sizeBytes}`;
}

function lengthOf(span: ByteRange): number {
  return span.last - span.first + 1;
}
