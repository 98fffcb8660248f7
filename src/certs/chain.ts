import type { X509Certificate } from 'node:crypto';
import { AirlockError } from '../core/errors.ts';
import { describe, fingerprint } from './describe.ts';
import { parsePrivateKey } from './keys.ts';
import { parseCertificate, splitPemBundle } from './pem.ts';

/** The certificates of a chain file, each signed by the next. @throws AirlockError CERTIFICATE_INVALID, CHAIN_BROKEN */
export function orderedChain(bundlePem: string): string[] {
  const chain = splitPemBundle(bundlePem);
  if (chain.length === 0) parseCertificate(bundlePem);
  for (const [index, pem] of chain.entries()) {
    const next = chain[index + 1];
    if (next === undefined) break;
    if (!isIssuedBy(pem, next)) {
      throw new AirlockError(
        'CHAIN_BROKEN',
        `certificate ${index + 1} (${describe(parseCertificate(pem)).subject}) is not signed by certificate ${index + 2}`,
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
    `the private key does not belong to the certificate of ${describe(certificate).subject}`,
  );
}

/** Whether `pem` names `issuerPem` as its issuer and carries its signature. */
export function isIssuedBy(pem: string, issuerPem: string): boolean {
  return issued(parseCertificate(pem), parseCertificate(issuerPem));
}

/**
 * Refuses a served chain that does not end at one of the trusted certificates.
 * @throws AirlockError CHAIN_BROKEN, CERTIFICATE_INVALID
 */
export function assertAnchored(chainPem: string, anchorsPem: string): void {
  const top = parseCertificate(orderedChain(chainPem).at(-1) ?? '');
  const anchors = splitPemBundle(anchorsPem).map(parseCertificate);
  if (anchors.some((anchor) => fingerprint(anchor) === fingerprint(top) || issued(top, anchor))) return;
  throw new AirlockError('CHAIN_BROKEN', `nothing in the trust bundle signed ${describe(top).subject}`, {
    hint: `its issuer is ${describe(top).issuer}: add the intermediate certificates, or name the CA that it comes from`,
  });
}

/**
 * A chain with what stands between its end and a root, as far as `poolPem` holds it: a corporate CA often answers with the server certificate
 * alone. The root itself is not added.
 * @throws AirlockError CHAIN_BROKEN, CERTIFICATE_INVALID
 */
export function completeChain(chainPem: string, poolPem: string): string {
  const chain = orderedChain(chainPem);
  const pool = splitPemBundle(poolPem);
  for (let top = chain.at(-1); top !== undefined && !describe(parseCertificate(top)).selfSigned; ) {
    const below = top;
    const issuers = pool.filter((pem) => !chain.includes(pem) && isIssuedBy(below, pem));
    top = issuers.some((pem) => describe(parseCertificate(pem)).selfSigned) ? undefined : issuers[0];
    if (top !== undefined) chain.push(top);
  }
  return chain.join('');
}

/** What clients have to trust of a CA bundle: its roots, or its last certificate where it has none. '' for an empty one. */
export function anchorsOf(bundlePem: string): string {
  const all = splitPemBundle(bundlePem);
  // Clients that look for a root do not stop at an intermediate.
  const roots = all.filter((pem) => describe(parseCertificate(pem)).selfSigned);
  return (roots.length > 0 ? roots : all.slice(-1)).join('');
}

function issued(subject: X509Certificate, issuer: X509Certificate): boolean {
  return subject.checkIssued(issuer) && subject.verify(issuer.publicKey);
}
