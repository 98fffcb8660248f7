import { AirlockError, isAirlockError } from '../core/errors.ts';
import { findFile, readFileLimited, writeFileAtomic } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { createCertificateAuthority, importAuthority, type SigningAuthority } from './authority.ts';
import { describeCertificate } from './describe.ts';
import type { CertificatePaths } from './folder.ts';
import type { EnsureOptions } from './site-certificates.ts';

/**
 * The CA that signs: the user's, the one in the folder, or a new one.
 * @throws AirlockError CA_INVALID, CA_CHANGE_ORDER, KEY_MISMATCH, KEY_INVALID, CHAIN_BROKEN, CERTIFICATE_INVALID, FILE_NOT_FOUND
 */
export async function ensureAuthority(
  options: EnsureOptions,
  paths: CertificatePaths,
  run: Run,
): Promise<{ readonly authority: SigningAuthority; readonly made: boolean }> {
  if (options.authority?.keyFile !== undefined) {
    const bundle = (await readFileLimited(options.authority.certificateFile, run)).toString();
    const key = (await readFileLimited(options.authority.keyFile, run)).toString();
    const { certificateFile, keyFile } = options.authority;
    const authority = importFrom(
      { certificateFile, keyFile, bundle, key },
      'correct the files that the site names',
      run,
    );
    warnOfPartialChain(authority, options.authority.certificateFile, run);
    return { authority, made: false };
  }
  if ((await findFile(paths.nextCa, run)) && (await findFile(paths.previousCa, run))) {
    throw new AirlockError('CA_CHANGE_ORDER', `the switch to another CA in ${paths.folder} broke off`, {
      hint: 'run the switch again: it goes on where it stopped',
    });
  }
  const [certificate, key] = [await findFile(paths.ca, run), await findFile(paths.caKey, run)];
  if (certificate && key) {
    const files = { certificateFile: paths.ca, keyFile: paths.caKey };
    const hint = `put both back as they were ("airlock certs restore"), or remove both to start a new CA, which all clusters then have to be told`;
    const authority = importFrom({ ...files, bundle: certificate.toString(), key: key.toString() }, hint, run);
    return { authority, made: false };
  }
  if (certificate) {
    // Every consumer in the site trusts this CA: a new one under the same name would break them all without a word.
    throw new AirlockError('CA_INVALID', `${paths.ca} is there, but its key ${paths.caKey} is not`, {
      hint: 'restore the key from a backup, or remove the certificate too to start a new CA',
    });
  }
  const made = await createCertificateAuthority({
    commonName: options.authorityName,
    organization: 'Airlock',
    validityDays: options.authorityValidityDays ?? 3650,
    now: run.now(),
    ...(options.keyBits?.authority === undefined ? {} : { keyBits: options.keyBits.authority }),
  });
  // The key first: a certificate without its key would be taken for a loss.
  await writeFileAtomic(paths.caKey, made.keyPem, run, 0o600);
  await writeFileAtomic(paths.ca, made.certificatePem, run);
  return { authority: importAuthority(made.certificatePem, made.keyPem, run.now()), made: true };
}

/** As `importAuthority`; what is wrong is said with the files that it is wrong in. */
function importFrom(
  from: { readonly certificateFile: string; readonly keyFile: string; readonly bundle: string; readonly key: string },
  hint: string,
  run: Run,
): SigningAuthority {
  try {
    return importAuthority(from.bundle, from.key, run.now());
  } catch (error) {
    if (!isAirlockError(error)) throw error;
    const message = `${from.certificateFile} with ${from.keyFile}: ${error.message}`;
    throw new AirlockError(error.code, message, { hint: error.hint ?? hint, cause: error });
  }
}

function warnOfPartialChain(authority: SigningAuthority, file: string, run: Run): void {
  const { selfSigned, subject } = describeCertificate(authority.anchorPem);
  if (selfSigned) return;
  const message = `${file}: the chain ends at ${subject}, which is no root; Go and curl trust it, openssl and Node do not: add the root`;
  run.report({ stage: 'serve', state: 'log', level: 'warning', message });
}
