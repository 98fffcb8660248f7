export {
  type AuthorityOptions,
  assertKeyMatches,
  createCertificateAuthority,
  importAuthority,
  orderedChain,
  type SigningAuthority,
} from './authority.ts';
export { type CertificateDescription, describeCertificate } from './describe.ts';
export { type EnsureOptions, ensureCertificates, type SiteCertificates } from './ensure.ts';
export { certsErrors } from './errors.ts';
export { type CertificatePaths, certificatePaths } from './folder.ts';
export { createSigningKey, publicKeyOf, type SigningKey } from './keys.ts';
export {
  assertServable,
  type CertificateSigningRequest,
  createCsr,
  findMissingSans,
  issueLeaf,
  type LeafOptions,
  leafMatches,
} from './leaf.ts';
export { renderPemBundle, splitPemBundle } from './pem.ts';
export { normalizeNames, type SubjectNames } from './san.ts';
export type { KeyAndCertificate } from './sign.ts';
export { daysLeft, needsRenewal } from './validity.ts';
