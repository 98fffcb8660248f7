import { createSecureContext } from 'node:tls';
import { AirlockError, errorText } from '../core/errors.ts';

/** PEM texts of a server certificate (with intermediates) and its key. */
export interface WebTls {
  readonly cert: string;
  readonly key: string;
}

/** What Node's TLS server takes. @throws AirlockError WEB_TLS_INVALID when certificate and key do not fit */
export function tlsSettings(tls: WebTls): {
  readonly cert: string;
  readonly key: string;
  readonly minVersion: 'TLSv1.2';
} {
  const settings = { cert: tls.cert, key: tls.key, minVersion: 'TLSv1.2' as const };
  try {
    createSecureContext(settings);
  } catch (error) {
    throw new AirlockError('WEB_TLS_INVALID', `certificate and key cannot be used: ${errorText(error)}`, {
      cause: error,
    });
  }
  return settings;
}
