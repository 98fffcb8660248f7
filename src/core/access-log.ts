import type { IncomingMessage, ServerResponse } from 'node:http';

/** One answered request. */
export interface AccessEntry {
  readonly at: Date;
  readonly client: string;
  /** Who logged in; undefined for an anonymous request. */
  readonly user?: string | undefined;
  readonly method: string;
  /** As it was sent, with its query. */
  readonly target: string;
  readonly status: number;
  /** Bytes of body and headers that went into the socket for this answer. */
  readonly sentBytes: number;
  readonly durationMs: number;
  /** False when the client broke off before the end. */
  readonly complete: boolean;
  readonly userAgent: string;
}

/** A line in the combined log format of Apache and nginx, with the duration in milliseconds and `aborted` where it was, at the end. */
export function renderAccessLine(entry: AccessEntry): string {
  const request = `${entry.method} ${entry.target} HTTP/1.1`;
  const outcome = `${entry.status} ${entry.sentBytes}`;
  const duration = `${entry.durationMs.toFixed(0)}ms${entry.complete ? '' : ' aborted'}`;
  return `${entry.client} - ${quoteUser(entry.user)} [${logTime(entry.at)}] ${quote(request)} ${outcome} "-" ${quote(entry.userAgent)} ${duration}\n`;
}

/** Calls `log` once the exchange is over, however it ends. `more` is asked then for what only the server knows. */
export function logWhenDone(
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
  log: (entry: AccessEntry) => void,
  now: () => Date,
  more: () => { readonly user?: string | undefined; readonly uncopiedBytes?: number },
): void {
  const { socket } = request;
  const [started, sentBefore] = [performance.now(), socket.bytesWritten];
  const client = socket.remoteAddress ?? '-';
  response.once('close', () => {
    const { user, uncopiedBytes = 0 } = more();
    log({
      at: now(),
      client,
      user,
      method: request.method ?? '-',
      target: request.url ?? '-',
      status: response.statusCode,
      sentBytes: socket.bytesWritten - sentBefore + uncopiedBytes,
      durationMs: performance.now() - started,
      complete: response.writableFinished,
      userAgent: request.headers['user-agent'] ?? '-',
    });
  });
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function logTime(date: Date): string {
  const [day = '', time = ''] = date.toISOString().split('T');
  const [year, month, dayOfMonth] = day.split('-');
  return `${dayOfMonth}/${months[Number(month) - 1]}/${year}:${time.slice(0, 8)} +0000`;
}

// A user name may hold spaces, which would move the fields behind it.
function quoteUser(user: string | undefined): string {
  return user === undefined ? '-' : quote(user).slice(1, -1).replaceAll(' ', '\\x20') || '-';
}

// What a client sends must not be able to forge a second line or drive the terminal of who reads the log.
function quote(text: string): string {
  const escaped = text.replace(/["\\\u0000-\u001f\u007f-\uffff]/g, (character) =>
    character === '"' || character === '\\'
      ? `\\${character}`
      : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return `"${escaped.slice(0, 2048)}"`;
}
