import type { ErrorTable } from '../core/errors.ts';

/** Codes of `certs`: keys, certificates, trust. */
export const certsErrors: ErrorTable = {
  CERTIFICATE_INVALID: { exit: 'usage', summary: 'Text is not a usable PEM certificate.' },
  KEY_INVALID: { exit: 'usage', summary: 'Text is not a usable private key, or it is encrypted.' },
  KEY_MISMATCH: { exit: 'usage', summary: 'A private key does not belong to its certificate.' },
  CA_INVALID: { exit: 'usage', summary: 'A certificate may not sign other certificates, or has run out.' },
  CHAIN_BROKEN: { exit: 'usage', summary: 'A certificate was not signed by the one that follows it.' },
  SAN_INVALID: { exit: 'usage', summary: 'Text is not a DNS name or address that a certificate can carry.' },
  SAN_MISSING: { exit: 'usage', summary: 'A certificate does not cover a name or address that is served.' },
  CERTIFICATE_EXPIRED: { exit: 'usage', summary: 'A certificate has run out or is not valid yet.' },
  CERTIFICATE_NEEDED: { exit: 'no', summary: 'A certificate has to be signed by the corporate CA and imported first.' },
  CA_CHANGE_ORDER: { exit: 'no', summary: 'A step of a CA change was asked for out of order.' },
  TRUST_UNSUPPORTED: { exit: 'environment', summary: 'The host has no trust store of a known kind.' },
  BACKUP_INVALID: { exit: 'usage', summary: 'A file is not a certificate backup, or is damaged.' },
};
