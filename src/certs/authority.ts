import { AirlockError } from '../core/errors.ts';
import { createRsaKey, parsePrivateKey } from './keys.ts';
import { parseCertificate, splitPemBundle } from './pem.ts';
import { type KeyAndCertificate, signCertificate } from './sign.ts';
import { validity } from './validity.ts';

/** How a site CA is made. */
export interface AuthorityOptions {
  readonly commonName: string;
  readonly organization?: string;
  readonly validityDays: number;
  readonly now: Date;
  /** Default 4096. */
  readonly keyBits?: number;
}

/** A fresh self-signed root that may sign leaf certificates only (path length 0). */
export async function createCertificateAuthority(options: AuthorityOptions): Promise<KeyAndCertificate> {
  const keyPem = await createRsaKey(options.keyBits ?? 4096);
  const certificatePem = signCertificate({
    subject: {
      commonName: options.commonName.slice(0, 64),
      ...(options.organization === undefined ? {} : { organization: options.organization.slice(0, 64) }),
    },
    subjectKeyPem: keyPem,
    ...validity(options.now, options.validityDays),
    extensions: [
      { name: 'basicConstraints', critical: true, cA: true, pathLenConstraint: 0 },
      { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
    ],
  });
  return { certificatePem, keyPem };
}

/** A CA that signs our leaf: its own certificate and key, what stands between it and the root, and what clients have to trust. */
export interface SigningAuthority extends KeyAndCertificate {
  /** The issuer itself, when it is not the anchor, and further intermediates: what a server sends after its leaf. '' for a root. */
  readonly intermediatesPem: string;
  /** The last certificate of the chain: the root where the file holds it. */
  readonly anchorPem: string;
}

/**
 * Reads a CA of the user's: `bundlePem` holds the issuing certificate first, then its issuers up to the root.
 * @throws AirlockError CERTIFICATE_INVALID, KEY_INVALID, KEY_MISMATCH, CA_INVALID, CHAIN_BROKEN
 */
export function importAuthority(bundlePem: string, keyPem: string, now: Date): SigningAuthority {
  const chain = orderedChain(bundlePem);
  const certificatePem = chain[0] ?? '';
  assertKeyMatches(certificatePem, keyPem);
  for (const pem of chain) assertMaySign(pem, now);
  const anchorPem = chain.at(-1) ?? certificatePem;
  return { certificatePem, keyPem, anchorPem, intermediatesPem: chain.slice(0, -1).join('') };
}

/** The certificates of a chain file, each signed by the next. @throws AirlockError CERTIFICATE_INVALID, CHAIN_BROKEN */
export function orderedChain(bundlePem: string): string[] {
  const chain = splitPemBundle(bundlePem);
  if (chain.length === 0) parseCertificate(bundlePem);
  for (const [index, pem] of chain.entries()) {
    const next = chain[index + 1];
    if (next === undefined) break;
    const [subject, issuer] = [parseCertificate(pem), parseCertificate(next)];
    if (!subject.checkIssued(issuer) || !subject.verify(issuer.publicKey)) {
      throw new AirlockError(
        'CHAIN_BROKEN',
        `certificate ${index + 1} (${subject.subject.replaceAll('\n', ', ')}) is not signed by certificate ${index + 2}`,
        { hint: 'put the certificate first, then the one that signed it, and so on up to the root' },
      );
    }
  }
  return chain;
}

/** @throws AirlockError KEY_MISMATCH, KEY_INVALID, CERTIFICATE_INVALID */
export function assertKeyMatches(certificatePem: string, keyPem: string): void {
  const certificate = parseCertificate(certificatePem);
  if (certificate.checkPrivateKey(parsePrivateKey(keyPem))) return;
  throw new AirlockError(
    'KEY_MISMATCH',
    `the private key does not belong to the certificate of ${certificate.subject.replaceAll('\n', ', ')}`,
  );
}

function assertMaySign(pem: string, now: Date): void {
  const certificate = parseCertificate(pem);
  const subject = certificate.subject.replaceAll('\n', ', ');
  if (!certificate.ca) {
    throw new AirlockError('CA_INVALID', `the certificate of ${subject} is not a CA`, {
      hint: 'a CA certificate has basicConstraints CA:TRUE; hand in a server certificate with its key instead',
    });
  }
  if (new Date(certificate.validTo) <= now)
    throw new AirlockError('CA_INVALID', `the CA certificate of ${subject} ran out on ${certificate.validTo}`);
}
