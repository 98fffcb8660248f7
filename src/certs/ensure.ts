import { AirlockError } from '../core/errors.ts';
import { findFile, readFileLimited, writeFileAtomic } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import {
  assertKeyMatches,
  createCertificateAuthority,
  importAuthority,
  orderedChain,
  type SigningAuthority,
} from './authority.ts';
import { type CertificateDescription, describeCertificate } from './describe.ts';
import { type CertificatePaths, certificatePaths } from './folder.ts';
import { assertServable, findMissingSans, issueLeaf } from './leaf.ts';
import { parseCertificate, renderPemBundle, splitPemBundle } from './pem.ts';
import { normalizeNames } from './san.ts';
import { needsRenewal } from './validity.ts';

/** What a site asks of its certificates. */
export interface EnsureOptions {
  /** Where they live; made with mode 0700. */
  readonly folder: string;
  /** Every host name under which a service answers; the first becomes the common name. */
  readonly names: readonly string[];
  readonly addresses: readonly string[];
  /** The site CA's common name, for example `Airlock site CA lab`. */
  readonly authorityName: string;
  /** Of the server certificate; default 825. */
  readonly validityDays?: number;
  /** Of a site CA that is made here; default 3650. */
  readonly authorityValidityDays?: number;
  /** Renewed when fewer days are left; default 30. */
  readonly renewBeforeDays?: number;
  /** Issues a new server certificate even when the present one fits. */
  readonly renew?: boolean;
  /** A CA of the user's: the issuing certificate first, then its issuers. Without a key, signed certificates have to be imported. */
  readonly authority?: { readonly certificateFile: string; readonly keyFile?: string };
  /** A server certificate of the user's: leaf first, then intermediates, and its key. */
  readonly leaf?: { readonly certificateFile: string; readonly keyFile: string };
  readonly keyBits?: { readonly authority?: number; readonly leaf?: number };
}

/** Certificates that are ready to serve. */
export interface SiteCertificates {
  /** What every client has to trust: the CA and, during a CA change, the other one too. */
  readonly caPem: string;
  /** The server certificate, then intermediates. */
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly paths: CertificatePaths;
  readonly ca: CertificateDescription;
  readonly leaf: CertificateDescription;
  /** Whether anything on disk was changed. */
  readonly changed: boolean;
  /** Why the server certificate was issued anew, in a few lower-case words; undefined when it was left alone. */
  readonly reason: string | undefined;
}

/**
 * Makes what is missing and leaves alone what fits, so that it can run at every start: a CA unless one is given, and a server certificate
 * that covers every name and address, comes from that CA and is not about to run out. Keys get mode 0600.
 * @throws AirlockError CERTIFICATE_NEEDED (corporate CA without a key), those of `importAuthority` and `assertServable`, disk errors
 */
export async function ensureCertificates(options: EnsureOptions, run: Run): Promise<SiteCertificates> {
  const paths = certificatePaths(options.folder);
  await run.disk.makeDirectory(paths.folder, 0o700);
  if (options.leaf) return adoptLeaf(options, options.leaf, paths, run);
  const { authority, made } = await ensureAuthority(options, paths, run);
  if (authority === undefined) return useImported(options, paths, run);
  const reason = await findReissueReason(options, authority, paths, run);
  if (reason !== undefined) await reissue(options, authority, paths, run);
  return finish(authority.anchorPem, paths, made || reason !== undefined, reason, run);
}

async function ensureAuthority(
  options: EnsureOptions,
  paths: CertificatePaths,
  run: Run,
): Promise<{ authority: SigningAuthority | undefined; made: boolean }> {
  if (options.authority) {
    const bundle = (await readFileLimited(options.authority.certificateFile, run)).toString();
    if (options.authority.keyFile === undefined) return { authority: undefined, made: false };
    const key = (await readFileLimited(options.authority.keyFile, run)).toString();
    return { authority: importAuthority(bundle, key, run.now()), made: false };
  }
  const [certificate, key] = [await findFile(paths.ca, run), await findFile(paths.caKey, run)];
  if (certificate && key) {
    return { authority: importAuthority(certificate.toString(), key.toString(), run.now()), made: false };
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

async function findReissueReason(
  options: EnsureOptions,
  authority: SigningAuthority,
  paths: CertificatePaths,
  run: Run,
): Promise<string | undefined> {
  const [certificate, key] = [await findFile(paths.certificate, run), await findFile(paths.key, run)];
  if (!certificate || !key) return 'there was none';
  try {
    assertKeyMatches(certificate.toString(), key.toString());
  } catch {
    return 'certificate and key do not belong together';
  }
  if (options.renew) return 'a renewal was asked for';
  const pem = certificate.toString();
  const [leaf, issuer] = [parseCertificate(pem), parseCertificate(authority.certificatePem)];
  if (!leaf.checkIssued(issuer) || !leaf.verify(issuer.publicKey)) return 'the CA is another one';
  if (splitPemBundle(pem).slice(1).join('') !== authority.intermediatesPem) return 'the CA chain is another one';
  const missing = findMissingSans(pem, options.names, options.addresses);
  if (missing.length > 0) return `it did not cover ${missing.join(', ')}`;
  const description = describeCertificate(pem);
  // One that ends with its CA cannot be made to last longer: renewing it at every start would help nobody.
  const endsWithCa = description.notAfter.getTime() >= new Date(issuer.validTo).getTime();
  const due = needsRenewal(description, run.now(), options.renewBeforeDays);
  return due && !endsWithCa ? `it runs out on ${description.notAfter.toISOString().slice(0, 10)}` : undefined;
}

async function reissue(
  options: EnsureOptions,
  authority: SigningAuthority,
  paths: CertificatePaths,
  run: Run,
): Promise<void> {
  const leaf = await issueLeaf({
    ca: authority,
    names: options.names,
    addresses: options.addresses,
    validityDays: options.validityDays ?? 825,
    now: run.now(),
    ...(options.keyBits?.leaf === undefined ? {} : { keyBits: options.keyBits.leaf }),
  });
  await writeServerFiles(paths, `${leaf.certificatePem}${authority.intermediatesPem}`, leaf.keyPem, run);
}

async function adoptLeaf(
  options: EnsureOptions,
  files: { readonly certificateFile: string; readonly keyFile: string },
  paths: CertificatePaths,
  run: Run,
): Promise<SiteCertificates> {
  const chain = orderedChain((await readFileLimited(files.certificateFile, run)).toString());
  const keyPem = (await readFileLimited(files.keyFile, run)).toString();
  const certificatePem = chain.filter((pem, index) => index === 0 || !describeCertificate(pem).selfSigned).join('');
  assertServable(certificatePem, keyPem, normalizeNames(options.names, options.addresses), run.now());
  const anchor = options.authority
    ? splitPemBundle((await readFileLimited(options.authority.certificateFile, run)).toString()).join('')
    : (chain.at(-1) ?? '');
  const present = (await findFile(paths.certificate, run))?.toString();
  const changed = present !== certificatePem || (await findFile(paths.key, run))?.toString() !== keyPem;
  if (changed) await writeServerFiles(paths, certificatePem, keyPem, run);
  return finish(anchor, paths, changed, changed ? 'another certificate was given' : undefined, run);
}

async function useImported(options: EnsureOptions, paths: CertificatePaths, run: Run): Promise<SiteCertificates> {
  const [certificate, key] = [await findFile(paths.certificate, run), await findFile(paths.key, run)];
  const file = options.authority?.certificateFile ?? paths.ca;
  if (!certificate || !key) {
    throw new AirlockError(
      'CERTIFICATE_NEEDED',
      `there is no server certificate yet, and no key of the CA in ${file}`,
      {
        hint: 'make a request with "airlock certs csr", have it signed, and hand it in with "airlock certs import"',
      },
    );
  }
  assertServable(certificate.toString(), key.toString(), normalizeNames(options.names, options.addresses), run.now());
  return finish(
    splitPemBundle((await readFileLimited(file, run)).toString()).at(-1) ?? '',
    paths,
    false,
    undefined,
    run,
  );
}

/** Writes key, then certificate: a crash between the two is seen by the next run as a pair that does not belong together. */
export async function writeServerFiles(
  paths: CertificatePaths,
  certificatePem: string,
  keyPem: string,
  run: Run,
): Promise<void> {
  await writeFileAtomic(paths.key, keyPem, run, 0o600);
  await writeFileAtomic(paths.certificate, certificatePem, run);
}

async function finish(
  anchorPem: string,
  paths: CertificatePaths,
  changed: boolean,
  reason: string | undefined,
  run: Run,
): Promise<SiteCertificates> {
  const certificatePem = (await readFileLimited(paths.certificate, run)).toString();
  const others = [await findFile(paths.nextCa, run), await findFile(paths.previousCa, run)];
  const caPem = renderPemBundle([anchorPem, ...others.map((other) => other?.toString() ?? '')]);
  const trustChanged = (await findFile(paths.trust, run))?.toString() !== caPem;
  if (trustChanged) await writeFileAtomic(paths.trust, caPem, run);
  return {
    caPem,
    certificatePem,
    keyPem: (await readFileLimited(paths.key, run)).toString(),
    paths,
    ca: describeCertificate(anchorPem),
    leaf: describeCertificate(certificatePem),
    changed: changed || trustChanged,
    reason,
  };
}
