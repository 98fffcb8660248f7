import { AirlockError } from '../core/errors.ts';
import { findFile, writeFileAtomic } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { anchorsOf, assertAnchored, completeChain, orderedChain } from './chain.ts';
import { describeCertificate } from './describe.ts';
import { certificatePaths, writeServerFiles } from './folder.ts';
import { assertServable, createCsr } from './leaf.ts';
import { normalizeNames } from './san.ts';

/**
 * Writes a signing request for a corporate CA, and its key, into the folder; returns the request. Asked again for the same folder it keeps
 * the key, so that a certificate that is already on its way still fits.
 * @throws AirlockError SAN_INVALID, disk errors
 */
export async function writeRequest(
  options: {
    readonly folder: string;
    readonly names: readonly string[];
    readonly addresses: readonly string[];
    readonly keyBits?: number;
  },
  run: Run,
): Promise<{ readonly csrPem: string; readonly file: string }> {
  const paths = certificatePaths(options.folder);
  await run.disk.makeDirectory(paths.folder, 0o700);
  const present = (await findFile(paths.requestKey, run))?.toString();
  const request = await createCsr({ ...options, ...(present === undefined ? {} : { keyPem: present }) });
  if (present === undefined) await writeFileAtomic(paths.requestKey, request.keyPem, run, 0o600);
  await writeFileAtomic(paths.request, request.csrPem, run);
  return { csrPem: request.csrPem, file: paths.request };
}

/**
 * Takes in a certificate signed elsewhere: leaf first, then intermediates; what is missing of these is taken from the CA's certificates, and a
 * root at the end is left out of what is served. Everything is checked before a file is touched.
 * @throws AirlockError CERTIFICATE_NEEDED (no key), KEY_MISMATCH, SAN_MISSING, CERTIFICATE_EXPIRED, CHAIN_BROKEN, CERTIFICATE_INVALID
 */
export async function importSigned(
  options: {
    readonly folder: string;
    readonly certificatePem: string;
    /** Left out: the key of the request made by `writeRequest`. */
    readonly keyPem?: string;
    /** The CA's certificates: clients trust its roots, or its last certificate where it has none. */
    readonly authorityPem: string;
    /** Further intermediates. */
    readonly intermediatesPem?: string;
    readonly names: readonly string[];
    readonly addresses: readonly string[];
  },
  run: Run,
): Promise<void> {
  const paths = certificatePaths(options.folder);
  const keyPem = options.keyPem ?? (await findFile(paths.requestKey, run))?.toString();
  if (keyPem === undefined) {
    throw new AirlockError(
      'CERTIFICATE_NEEDED',
      `there is no key for the certificate: ${paths.requestKey} does not exist`,
      {
        hint: 'name its key file, or begin with "airlock certs csr"',
      },
    );
  }
  const { authorityPem, intermediatesPem = '' } = options;
  const served = completeChain(servedChain(options.certificatePem), authorityPem + intermediatesPem);
  assertServable(served, keyPem, normalizeNames(options.names, options.addresses), run.now());
  assertAnchored(served, anchorsOf(authorityPem));
  await run.disk.makeDirectory(paths.folder, 0o700);
  await writeServerFiles(paths, served, keyPem, run);
  for (const file of [paths.request, paths.requestKey]) await run.disk.remove(file);
}

/** What a server sends: the leaf and its intermediates, without a self-signed root. @throws AirlockError CHAIN_BROKEN, CERTIFICATE_INVALID */
export function servedChain(bundlePem: string): string {
  return orderedChain(bundlePem)
    .filter((pem, index) => index === 0 || !describeCertificate(pem).selfSigned)
    .join('');
}
