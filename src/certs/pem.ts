import { X509Certificate } from 'node:crypto';
import { AirlockError, errorText } from '../core/errors.ts';

const block = /-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----([^-]*)-----END \1-----/g;

/**
 * The certificates of a PEM file, in order, each encoded anew with one trailing newline: two blocks glued on one line, indentation, a byte
 * order mark and text in between make some TLS libraries read nothing at all, so text is never passed on as it came. [] when there is none.
 * @throws AirlockError CERTIFICATE_INVALID when a block is not a certificate, or is an OpenSSL-only `TRUSTED CERTIFICATE`
 */
export function splitPemBundle(text: string): string[] {
  return [...text.matchAll(block)].map(([, label, body = '']) => {
    if (label === 'TRUSTED CERTIFICATE') {
      throw new AirlockError('CERTIFICATE_INVALID', 'a TRUSTED CERTIFICATE block is read by OpenSSL only', {
        hint: 'convert it with: openssl x509 -in FILE -out ca.crt',
      });
    }
    return readCertificate(Buffer.from(body, 'base64')).toString();
  });
}

/** One PEM text of several bundles or certificates: parsed, each certificate once, in order of first appearance. */
export function renderPemBundle(parts: readonly string[]): string {
  return [...new Set(parts.flatMap(splitPemBundle))].join('');
}

/** The first certificate of a PEM text. @throws AirlockError CERTIFICATE_INVALID */
export function parseCertificate(pem: string): X509Certificate {
  const [first] = splitPemBundle(pem);
  if (first === undefined) {
    throw new AirlockError('CERTIFICATE_INVALID', 'there is no certificate in the text', {
      hint: pem.includes('-----BEGIN PKCS7-----')
        ? 'it is PKCS #7; convert it with: openssl pkcs7 -print_certs -in FILE -out certificates.pem'
        : 'a certificate file begins with -----BEGIN CERTIFICATE-----; convert a DER file with: openssl x509 -inform DER',
    });
  }
  return new X509Certificate(first);
}

function readCertificate(der: Buffer): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (error) {
    throw new AirlockError('CERTIFICATE_INVALID', `a CERTIFICATE block cannot be read: ${errorText(error)}`, {
      cause: error,
    });
  }
}
