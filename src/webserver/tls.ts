import { createSecureContext } from 'node:tls';
import { AirlockError, errorText } from '../core/errors.ts';
import { serverTls } from '../core/server-tls.ts';

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
  readonly ciphers: string;
} {
  const settings = { ...serverTls, cert: tls.cert, key: tls.key };
  try {
    createSecureContext(settings);
  } catch (error) {
    throw new AirlockError('WEB_TLS_INVALID', `certificate and key cannot be used: ${errorText(error)}`, {
      cause: error,
    });
  }
  return settings;
}
