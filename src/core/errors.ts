/**
 * What kind of end an error is; `cli/exit-codes.ts` turns it into the exit code of design §2.
 * `no`: the answer is no (1) · `usage`: wrong usage or config (2) · `environment`: a service, network or disk failed (3) ·
 * `incomplete`: content missing, resumable (5) · `cancelled`: interrupted (130/143). A bug is a plain `Error` (4).
 */
export type ExitClass = 'no' | 'usage' | 'environment' | 'incomplete' | 'cancelled';

/** One row of a folder's `errors.ts`: how a code ends the process, and what it means in one sentence. */
export interface ErrorCode {
  readonly exit: ExitClass;
  readonly summary: string;
}

/** A folder's codes. Codes are unique over all folders (`test/core/error-codes.test.ts`) and never renamed once released. */
export type ErrorTable = Readonly<Record<string, ErrorCode>>;

/** What an error carries beside its code and message. */
export interface ErrorInfo {
  /** What to do next, one sentence. */
  readonly hint?: string;
  /** The side of a copy that failed. */
  readonly side?: 'source' | 'target';
  /** The lower error. */
  readonly cause?: unknown;
  /** Facts for `-o json`: never secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Every expected failure. A message says what failed and on what; the hint says what to do next; shown without a stack. */
export class AirlockError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly side: 'source' | 'target' | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, info: ErrorInfo = {}) {
    super(stripControls(message), info.cause === undefined ? undefined : { cause: info.cause });
    this.name = 'AirlockError';
    this.code = code;
    this.hint = info.hint;
    this.side = info.side;
    this.details = info.details ?? {};
  }
}

/** Whether `error` is an AirlockError, of one of `codes` when any are given. */
export function isAirlockError(error: unknown, ...codes: string[]): error is AirlockError {
  return error instanceof AirlockError && (codes.length === 0 || codes.includes(error.code));
}

/** The errno text (`ENOENT`, `ENOSPC` …) of a Node system error, searched through causes; undefined for others. */
export function findErrno(error: unknown): string | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth += 1) {
    if ('code' in at && typeof at.code === 'string' && 'syscall' in at) return at.code;
  }
  return undefined;
}

/** One line of text for any thrown value. */
export function errorText(error: unknown): string {
  return stripControls(error instanceof Error ? error.message || error.name : String(error));
}

/** Text without terminal control characters, so that what a server or file says cannot drive the user's terminal. */
export function stripControls(text: string): string {
  // Newline and tab stay: messages of several lines are laid out on purpose.
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
}

/** Codes that any folder may throw. */
export const coreErrors: ErrorTable = {
  CANCELLED: { exit: 'cancelled', summary: 'The run was interrupted.' },
  FILE_NOT_FOUND: { exit: 'usage', summary: 'A file named by the user does not exist.' },
  FILE_UNREADABLE: { exit: 'environment', summary: 'A file could not be read.' },
  FILE_UNWRITABLE: { exit: 'environment', summary: 'A file could not be written.' },
  DISK_FULL: { exit: 'environment', summary: 'The file system is full.' },
  COMMAND_FAILED: { exit: 'environment', summary: 'A program that Airlock runs ended with an error.' },
  COMMAND_NOT_FOUND: { exit: 'environment', summary: 'A program that Airlock runs is not installed.' },
  ADDRESS_INVALID: { exit: 'usage', summary: 'Text is not an IP address or prefix.' },
  SIZE_INVALID: { exit: 'usage', summary: 'Text is not a size.' },
  USAGE: { exit: 'usage', summary: 'A command was called in a way that it does not take.' },
  HTTP_UNREACHABLE: { exit: 'environment', summary: 'A server could not be reached, or the connection broke.' },
  HTTP_TIMEOUT: { exit: 'environment', summary: 'A server did not answer in time.' },
  HTTP_CERTIFICATE: { exit: 'environment', summary: 'The certificate of a server is not trusted.' },
  HTTP_NO_TLS: { exit: 'environment', summary: 'A server does not speak TLS where it should.' },
  HTTP_PROXY: { exit: 'environment', summary: 'The proxy refused a connection.' },
  HTTP_REDIRECT: { exit: 'environment', summary: 'A server redirects to where Airlock does not follow.' },
  HTTP_TOO_LARGE: {
    exit: 'environment',
    summary: 'A server answers with more bytes than is allowed for such an answer.',
  },
  PROXY_INVALID: { exit: 'usage', summary: 'A proxy setting is not a URL.' },
  HTTP_CA_INVALID: { exit: 'usage', summary: 'A CA file or client certificate cannot be used.' },
};
