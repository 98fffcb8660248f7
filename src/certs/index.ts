export {
  type AuthorityOptions,
  createCertificateAuthority,
  importAuthority,
  type SigningAuthority,
} from './authority.ts';
export { backupCertificates, restoreCertificates } from './backup.ts';
export {
  abandonNextCa,
  addNextCa,
  type CaChangeStep,
  dropPreviousCa,
  findCaChangeStep,
  type GivenCa,
  listAuthorities,
  switchCa,
} from './ca-change.ts';
export { assertAnchored, assertKeyMatches, isIssuedBy, orderedChain } from './chain.ts';
export { type CertificateDescription, describeCertificate } from './describe.ts';
export { ensureCertificates } from './ensure.ts';
export { certsErrors } from './errors.ts';
export { type CertificatePaths, certificatePaths } from './folder.ts';
export { importSigned, servedChain, writeRequest } from './import-signed.ts';
export {
  detectHostTrust,
  type HostTrustKind,
  installHostTrust,
  installRegistryTrust,
  removeHostTrust,
  type TrustInstallation,
} from './install-trust.ts';
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
export type { EnsureOptions, SiteCertificates } from './site-certificates.ts';
export { isSpread, readTrust, type TrustPlace, type TrustRow, type TrustState } from './trust-consumers.ts';
export { daysLeft, needsRenewal } from './validity.ts';
export { watchServerFiles } from './watch.ts';
