import { findFile, readFileLimited, writeFileAtomic } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import type { SigningAuthority } from './authority.ts';
import { noteSwitchOfGivenCa } from './ca-change.ts';
import { anchorsOf, assertKeyMatches, isIssuedBy } from './chain.ts';
import { describeCertificate } from './describe.ts';
import { ensureAuthority } from './ensure-authority.ts';
import { type CertificatePaths, certificatePaths, writeServerFiles } from './folder.ts';
import { adoptLeaf, useImported } from './given-leaf.ts';
import { findMissingSans, issueLeaf } from './leaf.ts';
import { renderPemBundle, splitPemBundle } from './pem.ts';
import type { EnsureOptions, SiteCertificates } from './site-certificates.ts';
import { needsRenewal } from './validity.ts';

/**
 * Makes what is missing and leaves alone what fits, so that it can run at every start: a CA unless one is given, and a server certificate
 * that covers every name and address, comes from that CA and is not about to run out. Keys get mode 0600.
 * @throws AirlockError CERTIFICATE_NEEDED (corporate CA without a key), those of `importAuthority` and `assertServable`, disk errors
 */
export async function ensureCertificates(options: EnsureOptions, run: Run): Promise<SiteCertificates> {
  const paths = certificatePaths(options.folder);
  await run.disk.makeDirectory(paths.folder, 0o700);
  if (options.leaf || (options.authority && options.authority.keyFile === undefined)) {
    const given = await (options.leaf
      ? adoptLeaf(options, options.leaf, paths, run)
      : useImported(options, paths, run));
    return finish(
      options,
      given.anchorsPem,
      paths,
      given.changed,
      given.changed ? 'another certificate was given' : undefined,
      run,
    );
  }
  const { authority, made } = await ensureAuthority(options, paths, run);
  const reason = await findReissueReason(options, authority, paths, run);
  if (reason !== undefined) await reissue(options, authority, paths, run);
  return finish(options, authority.anchorPem, paths, made || reason !== undefined, reason, run);
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
  if (!isIssuedBy(pem, authority.certificatePem)) return 'the CA is another one';
  if (splitPemBundle(pem).slice(1).join('') !== authority.intermediatesPem) return 'the CA chain is another one';
  const missing = findMissingSans(pem, options.names, options.addresses);
  if (missing.length > 0) return `it did not cover ${missing.join(', ')}`;
  const description = describeCertificate(pem);
  // One that ends with its CA cannot be made to last longer: renewing it at every start would help nobody.
  const endsWithCa = description.notAfter.getTime() >= describeCertificate(authority.certificatePem).notAfter.getTime();
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

async function finish(
  options: EnsureOptions,
  anchorPem: string,
  paths: CertificatePaths,
  changed: boolean,
  reason: string | undefined,
  run: Run,
): Promise<SiteCertificates> {
  const certificatePem = (await readFileLimited(paths.certificate, run)).toString();
  if (options.authority || options.leaf) await noteSwitchOfGivenCa(anchorPem, paths, run);
  const others = [await findFile(paths.nextCa, run), await findFile(paths.previousCa, run)];
  const caPem = renderPemBundle([anchorPem, ...others.map((other) => anchorsOf(other?.toString() ?? ''))]);
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
