import { AirlockError, errorText } from './errors.ts';
import { cancellation, type Run } from './run.ts';

const certificateCodes =
  /^(?:ERR_TLS_CERT|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|CERT_|CA_|INVALID_CA|HOSTNAME_MISMATCH|INVALID_PURPOSE|PATH_LENGTH)/;
const timeoutCodes = /^(?:UND_ERR_(?:CONNECT|HEADERS|BODY)_TIMEOUT|ETIMEDOUT)$/;

/** Whether the code of a failed connection says that the server's certificate is not trusted. */
export function isCertificateCode(code: string): boolean {
  return certificateCodes.test(code);
}

/** A URL for messages: without user, password, query and fragment, since signed links carry secrets there. */
export function redactUrl(url: URL | string): string {
  const parsed = typeof url === 'string' ? new URL(url) : url;
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}${parsed.search ? '?…' : ''}`;
}

/**
 * The AirlockError for a failed request or body: CANCELLED when the run was aborted, otherwise HTTP_TIMEOUT, HTTP_CERTIFICATE or
 * HTTP_UNREACHABLE. AirlockErrors come back unchanged.
 */
export function httpError(error: unknown, what: string, run: Run): unknown {
  if (run.signal.aborted) return cancellation(run.signal);
  if (error instanceof AirlockError || !(error instanceof Error)) return error;
  const { code, text } = rootReason(error);
  const info = { cause: error, details: { reason: code } };
  if (isCertificateCode(code)) {
    return new AirlockError('HTTP_CERTIFICATE', `${what}: the server's certificate is not trusted: ${text}`, {
      ...info,
      hint: 'name the CA (--src-ca-file, --dest-ca-file) or put it under certs.d',
    });
  }
  if (timeoutCodes.test(code)) return new AirlockError('HTTP_TIMEOUT', `${what}: time-out: ${text}`, info);
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) {
    return new AirlockError('HTTP_NO_TLS', `${what}: no TLS connection: ${text}`, {
      ...info,
      hint: 'the server may speak plain HTTP only; that has to be allowed for it',
    });
  }
  if (text.startsWith('Proxy response'))
    return new AirlockError('HTTP_PROXY', `${what}: the proxy refused: ${text}`, info);
  return new AirlockError('HTTP_UNREACHABLE', `${what}: ${text}`, info);
}

/** What is at the bottom: undici wraps socket errors, and a failed connection with happy eyeballs holds one error per address. */
function rootReason(error: Error): { code: string; text: string } {
  let at = error;
  for (let depth = 0; depth < 6; depth += 1) {
    const inner: unknown = at instanceof AggregateError ? at.errors[0] : at.cause;
    if (!(inner instanceof Error)) break;
    if (at instanceof AggregateError) {
      const texts = at.errors.map((one: unknown) => errorText(one).split('\n')[0]);
      return { code: codeOf(inner), text: [...new Set(texts)].join('; ') };
    }
    at = inner;
  }
  return { code: codeOf(at), text: (errorText(at).split('\n')[0] ?? '').trim() };
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}
