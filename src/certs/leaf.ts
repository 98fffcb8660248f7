import { AirlockError } from '../core/errors.ts';
import { assertKeyMatches } from './chain.ts';
import { describe } from './describe.ts';
import { createRsaKey } from './keys.ts';
import { parseCertificate } from './pem.ts';
import { normalizeNames, type SubjectNames, uncoveredNames } from './san.ts';
import { type KeyAndCertificate, type Subject, signCertificate, signRequest } from './sign.ts';
import { validity } from './validity.ts';

/** A server certificate to issue. */
export interface LeafOptions {
  readonly ca: KeyAndCertificate;
  /** Host names; `*.` wildcards where asked. The first one becomes the common name. */
  readonly names: readonly string[];
  readonly addresses: readonly string[];
  readonly validityDays: number;
  readonly now: Date;
  /** Default 2048. */
  readonly keyBits?: number;
  /** Keeps this key instead of making a new one. */
  readonly keyPem?: string;
}

/**
 * Issues a server certificate for every name and address. It never outlives its CA: verifiers look at both.
 * @throws AirlockError SAN_INVALID, CERTIFICATE_INVALID, KEY_INVALID
 */
export async function issueLeaf(options: LeafOptions): Promise<KeyAndCertificate> {
  const sans = normalizeNames(options.names, options.addresses);
  const keyPem = options.keyPem ?? (await createRsaKey(options.keyBits ?? 2048));
  const span = validity(options.now, options.validityDays);
  const caEnd = new Date(parseCertificate(options.ca.certificatePem).validTo);
  const certificatePem = signCertificate({
    subject: leafSubject(options.names, sans),
    subjectKeyPem: keyPem,
    notBefore: span.notBefore,
    notAfter: span.notAfter < caEnd ? span.notAfter : caEnd,
    issuer: options.ca,
    extensions: leafExtensions(sans),
  });
  return { certificatePem, keyPem };
}

/** A request for a corporate CA, with its private key. */
export interface CertificateSigningRequest {
  readonly csrPem: string;
  readonly keyPem: string;
}

/** Makes a PKCS #10 request that asks for the same names and usages as `issueLeaf` gives. @throws AirlockError SAN_INVALID, KEY_INVALID */
export async function createCsr(options: {
  readonly names: readonly string[];
  readonly addresses: readonly string[];
  readonly keyBits?: number;
  readonly keyPem?: string;
}): Promise<CertificateSigningRequest> {
  const sans = normalizeNames(options.names, options.addresses);
  const keyPem = options.keyPem ?? (await createRsaKey(options.keyBits ?? 2048));
  return { keyPem, csrPem: signRequest(leafSubject(options.names, sans), keyPem, leafExtensions(sans)) };
}

/** The names and addresses that a certificate's SANs do not cover; its common name does not count, as with Go clients. */
export function findMissingSans(pem: string, names: readonly string[], addresses: readonly string[]): string[] {
  return uncoveredNames(describe(parseCertificate(pem)), normalizeNames(names, addresses));
}

/** Whether a certificate covers every name and address by its SANs. @throws AirlockError CERTIFICATE_INVALID, SAN_INVALID */
export function leafMatches(pem: string, names: readonly string[], addresses: readonly string[]): boolean {
  return findMissingSans(pem, names, addresses).length === 0;
}

/**
 * Refuses a server certificate that clients would refuse: wrong key, missing SAN, out of date.
 * @throws AirlockError KEY_MISMATCH, SAN_MISSING, CERTIFICATE_EXPIRED, CERTIFICATE_INVALID, KEY_INVALID
 */
export function assertServable(pem: string, keyPem: string, wanted: SubjectNames, now: Date): void {
  assertKeyMatches(pem, keyPem);
  const certificate = describe(parseCertificate(pem));
  const missing = findMissingSans(pem, wanted.names, wanted.addresses);
  if (missing.length > 0) {
    throw new AirlockError(
      'SAN_MISSING',
      `the certificate of ${certificate.subject} does not cover ${missing.join(', ')}`,
      {
        hint: 'ask for a certificate with these subject alternative names; clusters ignore the common name',
        details: { missing },
      },
    );
  }
  if (certificate.notAfter <= now || certificate.notBefore > now) {
    throw new AirlockError(
      'CERTIFICATE_EXPIRED',
      `the certificate of ${certificate.subject} is valid from ${certificate.notBefore.toISOString()} to ${certificate.notAfter.toISOString()}`,
    );
  }
}

function leafSubject(names: readonly string[], sans: SubjectNames): Subject {
  const candidates = [...names.flatMap((name) => normalizeNames([name], []).names), ...sans.addresses];
  // RFC 5280 allows 64 characters; a longer name stands in the SANs alone.
  const commonName = candidates.find((name) => name.length <= 64);
  return { organization: 'Airlock', ...(commonName === undefined ? {} : { commonName }) };
}

function leafExtensions(sans: SubjectNames): object[] {
  if (sans.names.length + sans.addresses.length === 0)
    throw new AirlockError('SAN_INVALID', 'a server certificate needs at least one name or address');
  return [
    { name: 'basicConstraints', critical: true, cA: false },
    { name: 'keyUsage', critical: true, digitalSignature: true, keyEncipherment: true },
    { name: 'extKeyUsage', serverAuth: true },
    {
      name: 'subjectAltName',
      altNames: [...sans.names.map((value) => ({ type: 2, value })), ...sans.addresses.map((ip) => ({ type: 7, ip }))],
    },
  ];
}
