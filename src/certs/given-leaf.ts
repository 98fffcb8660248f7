import { AirlockError } from '../core/errors.ts';
import { findFile, readFileLimited } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { anchorsOf, assertAnchored, completeChain, orderedChain } from './chain.ts';
import { describeCertificate } from './describe.ts';
import { type CertificatePaths, writeServerFiles } from './folder.ts';
import { servedChain } from './import-signed.ts';
import { assertServable } from './leaf.ts';
import { normalizeNames } from './san.ts';
import type { EnsureOptions } from './site-certificates.ts';

/** What came of a certificate that was not issued here. */
export interface GivenLeaf {
  /** What clients have to trust. */
  readonly anchorsPem: string;
  readonly changed: boolean;
}

/**
 * Checks a server certificate of the user's and copies it into the folder where it differs.
 * @throws AirlockError CHAIN_BROKEN and those of `assertServable`
 */
export async function adoptLeaf(
  options: EnsureOptions,
  files: { readonly certificateFile: string; readonly keyFile: string },
  paths: CertificatePaths,
  run: Run,
): Promise<GivenLeaf> {
  const bundle = (await readFileLimited(files.certificateFile, run)).toString();
  const keyPem = (await readFileLimited(files.keyFile, run)).toString();
  const authorityPem = options.authority && (await readFileLimited(options.authority.certificateFile, run)).toString();
  const certificatePem = completeChain(servedChain(bundle), authorityPem ?? '');
  assertServable(certificatePem, keyPem, normalizeNames(options.names, options.addresses), run.now());
  const anchorsPem = authorityPem === undefined ? rootOf(bundle, files.certificateFile) : anchorsOf(authorityPem);
  assertAnchored(certificatePem, anchorsPem);
  const present = (await findFile(paths.certificate, run))?.toString();
  const changed = present !== certificatePem || (await findFile(paths.key, run))?.toString() !== keyPem;
  if (changed) await writeServerFiles(paths, certificatePem, keyPem, run);
  return { anchorsPem, changed };
}

/**
 * The certificate that a corporate CA signed and `importSigned` put into the folder.
 * @throws AirlockError CERTIFICATE_NEEDED, CHAIN_BROKEN and those of `assertServable`
 */
export async function useImported(options: EnsureOptions, paths: CertificatePaths, run: Run): Promise<GivenLeaf> {
  const file = options.authority?.certificateFile ?? paths.ca;
  const [certificate, key] = [await findFile(paths.certificate, run), await findFile(paths.key, run)];
  if (!certificate || !key) {
    throw new AirlockError(
      'CERTIFICATE_NEEDED',
      `there is no server certificate yet, and no key of the CA in ${file}`,
      {
        hint: 'make a request with "airlock certs csr", have it signed, and hand it in with "airlock certs import"',
      },
    );
  }
  const anchorsPem = anchorsOf((await readFileLimited(file, run)).toString());
  assertServable(certificate.toString(), key.toString(), normalizeNames(options.names, options.addresses), run.now());
  assertAnchored(certificate.toString(), anchorsPem);
  return { anchorsPem, changed: false };
}

function rootOf(bundlePem: string, file: string): string {
  const last = orderedChain(bundlePem).at(-1) ?? '';
  if (describeCertificate(last).selfSigned) return last;
  throw new AirlockError('CHAIN_BROKEN', `${file} does not hold the root that clients have to trust`, {
    hint: 'add the root at its end, or name the CA certificate in the site file',
  });
}
