import { AirlockError, errorText } from './errors.ts';
import { cancellation, type Run } from './run.ts';

const certificateCodes =
  /^(?:ERR_TLS_CERT|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|CERT_|CA_|INVALID_CA|HOSTNAME_MISMATCH|INVALID_PURPOSE|PATH_LENGTH)/;
const timeoutCodes = /^(?:UND_ERR_(?:CONNECT|HEADERS|BODY)_TIMEOUT|ETIMEDOUT)$/;

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
  const reason = rootReason(error);
  const code = 'code' in reason && typeof reason.code === 'string' ? reason.code : '';
  if (certificateCodes.test(code)) {
    return new AirlockError(
      'HTTP_CERTIFICATE',
      `${what}: the server's certificate is not trusted: ${errorText(reason)}`,
      {
        hint: 'name the CA with --ca-file or put it under certs.d',
        cause: error,
        details: { reason: code },
      },
    );
  }
  if (timeoutCodes.test(code))
    return new AirlockError('HTTP_TIMEOUT', `${what}: time-out: ${errorText(reason)}`, {
      cause: error,
      details: { reason: code },
    });
  if (reason.message.startsWith('Proxy response'))
    return new AirlockError('HTTP_PROXY', `${what}: the proxy refused: ${errorText(reason)}`, { cause: error });
  return new AirlockError('HTTP_UNREACHABLE', `${what}: ${errorText(reason)}`, {
    cause: error,
    details: { reason: code },
  });
}

/** The error at the bottom: undici wraps socket errors, and a failed happy-eyeballs connect holds one error per address. */
function rootReason(error: Error): Error {
  let at = error;
  for (let depth = 0; depth < 6; depth += 1) {
    const inner: unknown = at instanceof AggregateError ? at.errors[0] : at.cause;
    if (!(inner instanceof Error)) break;
    at = inner;
  }
  return at;
}
