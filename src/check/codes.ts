/** What `check` can find, each with one sentence; `docs/check.md` holds the same list, which a test compares. */
export const checkCodes = {
  CHECK_NAME_UNRESOLVED: 'A name of the site has no address of a family that it needs.',
  CHECK_NAME_WRONG: 'A name resolves to other addresses than planned.',
  CHECK_NAME_UNWANTED: 'A name resolves that must not.',
  CHECK_DNS_FAILED: 'The DNS server of the site did not answer.',
  CHECK_UNREACHABLE: 'A service does not accept connections at one of its addresses.',
  CHECK_TLS_UNTRUSTED: 'The certificate that a service shows does not verify with the CA that clusters are given.',
  CHECK_TLS_NO_SAN: 'The certificate does not name the host as a subject alternative name.',
  CHECK_CERTIFICATE_EXPIRED: 'A certificate is not valid now.',
  CHECK_CERTIFICATE_EXPIRES: 'A certificate ends soon.',
  CHECK_CREDENTIALS_MISSING: 'The pull secret has no entry for the registry.',
  CHECK_LOGIN_REFUSED: 'The registry refuses the credentials of the pull secret.',
  CHECK_LOGIN_OPEN: 'The registry answers without credentials.',
  CHECK_NOT_MAPPED: 'No mirror rule leads from an original reference to the registry of the site.',
  CHECK_REFERENCE_INVALID: 'What is to be pulled is not an image reference.',
  CHECK_MANIFEST_MISSING: 'The registry does not have an image that clusters will pull.',
  CHECK_MANIFEST_WRONG: 'A reference leads to another image than the one that was mirrored.',
  CHECK_BLOB_MISSING: 'The registry has the manifest of an image, but not a blob of it.',
  CHECK_REGISTRY_FAILED: 'The registry failed while it was asked for an image.',
  CHECK_FILE_MISSING: 'The web server does not have a file.',
  CHECK_FILE_SIZE: 'A file on the web server has the wrong size.',
  CHECK_FILE_DIGEST: 'A file on the web server has the wrong content.',
  CHECK_FILE_RANGE: 'The web server does not serve parts of a file.',
  CHECK_FILE_FAILED: 'The web server failed while it was asked for a file.',
  CHECK_SKIPPED: 'Something could not be checked because of an earlier finding.',
} as const;

export type CheckCode = keyof typeof checkCodes;
