import { AirlockError, type ErrorInfo, errorText, stripControls } from '../../core/errors.ts';
import type { HttpResponse } from '../../core/http.ts';
import { readErrorText } from '../../core/http-body.ts';
import { redactUrl } from '../../core/http-errors.ts';
import { parseRetryAfter } from '../../core/retry.ts';

/** What an error about a registry needs to know of the request. */
export interface FailedCall {
  readonly method: string;
  /** What was wanted, for the error's code. */
  readonly wanted: 'manifest' | 'blob' | 'repository' | 'other';
  /** What the message is about: a reference or digest. */
  readonly subject: string;
  readonly side: 'source' | 'target' | undefined;
  /** Which credentials were used, in words. */
  readonly credentials?: string | undefined;
}

/** The error for an answer that was not hoped for; reads (64 KiB of) and ends its body. @see OCI distribution-spec v1.1, "Error Codes" */
export async function registryError(response: HttpResponse, call: FailedCall, now: Date): Promise<AirlockError> {
  const codes = parseErrorCodes(await readErrorText(response));
  const { status } = response;
  const said = codes.map(({ code, message }) => (message ? `${code} (${message})` : code)).join(', ');
  const message = `${call.subject}: ${call.method} ${redactUrl(response.url)}: status ${status}${said ? `: ${said}` : ''}`;
  const [code, hint] = classify(status, codes, call);
  const retryAfterMs = parseRetryAfter(response.headers['retry-after'], now);
  return new AirlockError(code, message, {
    ...(hint ? { hint } : {}),
    ...(call.side ? { side: call.side } : {}),
    details: {
      status,
      codes: codes.map((item) => item.code),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    },
  });
}

/** The error for a connection that failed; keeps `cause`, so that `isTransient` still sees it. */
export function connectionError(error: unknown, subject: string, side: 'source' | 'target' | undefined): unknown {
  if (!(error instanceof AirlockError) || !error.code.startsWith('HTTP_')) return error;
  const hint = error.code === 'HTTP_NO_TLS' && side ? plainHttpHint(side) : error.hint;
  const info: ErrorInfo = { ...(side ? { side } : {}), ...(hint ? { hint } : {}), cause: error };
  const code = error.code === 'HTTP_CERTIFICATE' ? 'REGISTRY_CERTIFICATE' : 'REGISTRY_UNREACHABLE';
  return new AirlockError(
    error.code === 'HTTP_REDIRECT' || error.code === 'HTTP_TOO_LARGE' ? 'REGISTRY_FAILED' : code,
    `${subject}: ${errorText(error)}`,
    info,
  );
}

function plainHttpHint(side: 'source' | 'target'): string {
  return `the registry may speak plain HTTP only: --${side === 'target' ? 'dest' : 'src'}-tls-verify=false allows it`;
}

interface RegistryCode {
  readonly code: string;
  readonly message: string;
}

function parseErrorCodes(text: string): RegistryCode[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return [];
  }
  const errors: unknown = json !== null && typeof json === 'object' && 'errors' in json ? json.errors : undefined;
  if (!Array.isArray(errors)) return [];
  return errors.slice(0, 5).flatMap((item: unknown) => {
    if (item === null || typeof item !== 'object' || !('code' in item)) return [];
    const message = 'message' in item && typeof item.message === 'string' ? item.message : '';
    return [{ code: clip(String(item.code), 64), message: clip(message, 300) }];
  });
}

function clip(text: string, length: number): string {
  return stripControls(text).replace(/\s+/g, ' ').slice(0, length);
}

function classify(status: number, codes: readonly RegistryCode[], call: FailedCall): [code: string, hint?: string] {
  const has = (code: string): boolean => codes.some((item) => item.code === code);
  if (status === 401 || status === 403) {
    const used = call.credentials ? `used: ${call.credentials}` : 'no credentials were found for it';
    const place =
      call.side === 'target' && call.wanted === 'repository'
        ? ' (Harbor and Quay answer so too where the project or organization does not exist)'
        : '';
    return ['REGISTRY_UNAUTHORIZED', `log in, name the file with --authfile, or ask for access${place}; ${used}`];
  }
  if (status === 429 || has('TOOMANYREQUESTS')) return ['RATE_LIMITED', 'wait, or log in for a higher limit'];
  // Before 404, with which the specification has registries answer it.
  if (has('MANIFEST_BLOB_UNKNOWN'))
    return [
      'REGISTRY_FAILED',
      'the registry wants every platform of an index; allow sparse indexes there, or carry all platforms',
    ];
  if (status === 404 || has('MANIFEST_UNKNOWN') || has('NAME_UNKNOWN') || has('BLOB_UNKNOWN')) {
    if (call.wanted === 'manifest') return ['MANIFEST_UNKNOWN'];
    if (call.wanted === 'blob') return ['BLOB_UNKNOWN'];
    if (call.wanted === 'repository')
      return [
        'REPOSITORY_UNKNOWN',
        'not every registry creates on push what is named: make the repository (ECR) or its organization (Gitea) first',
      ];
  }
  // zot answers 415 with MANIFEST_INVALID, others 400; release images are Docker's schema 2.
  if (status === 415 || has('MANIFEST_INVALID'))
    return [
      'REGISTRY_FAILED',
      'the registry may take OCI manifests only: zot needs "compat": ["docker2s2"] in "http" for images of Docker\'s format',
    ];
  if (status === 413)
    return ['REGISTRY_FAILED', 'a proxy before the registry limits the size of requests; raise its limit'];
  return ['REGISTRY_FAILED'];
}
