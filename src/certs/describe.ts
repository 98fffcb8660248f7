import type { X509Certificate } from 'node:crypto';
import { parseCertificate } from './pem.ts';
import { parseSubjectAltName } from './san.ts';

/** What a person or a check wants to know of a certificate. */
export interface CertificateDescription {
  /** `O=Airlock, CN=registry.lab.example.com` */
  readonly subject: string;
  readonly issuer: string;
  /** Hexadecimal, upper case, no separators. */
  readonly serial: string;
  /** SHA-256 over the DER bytes: 64 lower-case hexadecimal digits. */
  readonly fingerprintSha256: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly names: readonly string[];
  readonly addresses: readonly string[];
  readonly isCa: boolean;
  readonly selfSigned: boolean;
  /** `rsa 4096`, `ec prime256v1`. */
  readonly key: string;
}

/** Reads the first certificate of a PEM text. @throws AirlockError CERTIFICATE_INVALID */
export function describeCertificate(pem: string): CertificateDescription {
  return describe(parseCertificate(pem));
}

/** As `describeCertificate`, of a certificate that is already parsed. */
export function describe(certificate: X509Certificate): CertificateDescription {
  const sans = parseSubjectAltName(certificate.subjectAltName);
  return {
    subject: distinguishedName(certificate.subject),
    issuer: distinguishedName(certificate.issuer),
    serial: certificate.serialNumber,
    fingerprintSha256: fingerprint(certificate),
    notBefore: new Date(certificate.validFrom),
    notAfter: new Date(certificate.validTo),
    names: sans.names,
    addresses: sans.addresses,
    isCa: certificate.ca,
    selfSigned: certificate.checkIssued(certificate),
    key: keyText(certificate),
  };
}

/** SHA-256 over the DER bytes: 64 lower-case hexadecimal digits. */
export function fingerprint(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase();
}

function distinguishedName(text: string | undefined): string {
  return (text ?? '').split('\n').filter(Boolean).join(', ');
}

function keyText(certificate: X509Certificate): string {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = certificate.publicKey;
  return [type, details?.modulusLength ?? details?.namedCurve].filter(Boolean).join(' ');
}
