import { AirlockError } from '../core/errors.ts';
import { readCaLimits } from './asn1.ts';
import { assertKeyMatches, orderedChain } from './chain.ts';
import { describeCertificate } from './describe.ts';
import { createRsaKey } from './keys.ts';
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
  for (const [below, pem] of chain.entries()) assertMaySign(pem, below, now);
  const anchorPem = chain.at(-1) ?? certificatePem;
  return { certificatePem, keyPem, anchorPem, intermediatesPem: chain.slice(0, -1).join('') };
}

function assertMaySign(pem: string, casBelow: number, now: Date): void {
  const { subject, isCa, notAfter } = describeCertificate(pem);
  const { maySign, pathLength } = readCaLimits(pem);
  if (!isCa || !maySign) {
    throw new AirlockError('CA_INVALID', `the certificate of ${subject} may not sign certificates`, {
      hint: 'a CA certificate has basicConstraints CA:TRUE and keyUsage keyCertSign; hand in a server certificate with its key instead',
    });
  }
  if (pathLength !== undefined && pathLength < casBelow)
    throw new AirlockError(
      'CA_INVALID',
      `the CA ${subject} allows ${pathLength} CAs below it, and there are ${casBelow}`,
    );
  if (notAfter <= now) {
    throw new AirlockError('CA_INVALID', `the CA certificate of ${subject} ran out on ${notAfter.toISOString()}`, {
      hint: 'bring in a new CA with "airlock certs change-ca add", spread it, then switch to it',
    });
  }
}
