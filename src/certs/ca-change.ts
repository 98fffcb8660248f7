import { AirlockError } from '../core/errors.ts';
import { findFile, readFileLimited, removeTemporaries, writeFileAtomic } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { type AuthorityOptions, createCertificateAuthority, importAuthority } from './authority.ts';
import { anchorsOf, orderedChain } from './chain.ts';
import { describeCertificate } from './describe.ts';
import { type CertificatePaths, certificatePaths } from './folder.ts';
import { splitPemBundle } from './pem.ts';
import type { KeyAndCertificate } from './sign.ts';

// A CA is changed in four steps, so that no client is ever without the CA of the server that it meets:
// add (make the new one) · spread (every consumer trusts both: trust.crt holds both) · switch (the server certificate comes from the new
// one) · drop (the old one is trusted no longer). After add, switch and drop, `ensureCertificates` writes the trust bundle and the leaf.

/** How far a CA change has come: none under way, both trusted with the old one signing, or both trusted with the new one signing. */
export type CaChangeStep = 'none' | 'added' | 'switched';

/** A CA of the user's to come: the issuing certificate, then its issuers. The key is needed only where the folder's own CA is replaced. */
export interface GivenCa {
  readonly certificatePem: string;
  readonly keyPem?: string;
}

/** How far the CA change of a folder has come. */
export async function findCaChangeStep(folder: string, run: Run): Promise<CaChangeStep> {
  const paths = certificatePaths(folder);
  // A switch that was interrupted has both: it counts as not done, and is finished by running it again.
  if (await findFile(paths.nextCa, run)) return 'added';
  return (await findFile(paths.previousCa, run)) ? 'switched' : 'none';
}

/**
 * Step 1: makes the next CA, or takes in one of the user's. Run `ensureCertificates` afterwards, then spread its `caPem`.
 * @throws AirlockError CA_CHANGE_ORDER when a change is under way already
 */
export async function addNextCa(
  folder: string,
  next: Omit<AuthorityOptions, 'now'> | GivenCa,
  run: Run,
): Promise<void> {
  const paths = certificatePaths(folder);
  await assertStep(
    folder,
    'none',
    'finish the CA change that is under way first: airlock certs change-ca switch, then drop',
    run,
  );
  const made = 'commonName' in next ? await createCertificateAuthority({ ...next, now: run.now() }) : next;
  const chain = orderedChain(made.certificatePem).join('');
  if (made.keyPem !== undefined) {
    importAuthority(chain, made.keyPem, run.now());
    await writeFileAtomic(paths.nextCaKey, made.keyPem, run, 0o600);
  }
  await writeFileAtomic(paths.nextCa, chain, run);
}

/**
 * Step 3: the next CA becomes the one that signs. Safe to repeat after a crash at any point. Run `ensureCertificates` afterwards: it issues
 * the server certificate anew.
 * @throws AirlockError CA_CHANGE_ORDER, FILE_NOT_FOUND
 */
export async function switchCa(folder: string, run: Run): Promise<void> {
  const paths = certificatePaths(folder);
  await assertStep(
    folder,
    'added',
    'add the new CA first (airlock certs change-ca add) and spread it to every consumer',
    run,
  );
  if (!(await findFile(paths.nextCaKey, run))) {
    throw new AirlockError('CA_CHANGE_ORDER', 'the new CA has no key here', {
      hint: 'name its files in the site file and run "airlock up": that is the switch',
    });
  }
  const next = await readPair(paths.nextCa, paths.nextCaKey, run);
  const current = await readPair(paths.ca, paths.caKey, run);
  // A copy of the old pair exists before the first of its files is replaced; a repeated run must not overwrite it with the new one.
  if (!(await findFile(paths.previousCa, run))) {
    await writeFileAtomic(paths.previousCaKey, current.keyPem, run, 0o600);
    await writeFileAtomic(paths.previousCa, current.certificatePem, run);
  }
  await writeFileAtomic(paths.caKey, next.keyPem, run, 0o600);
  await writeFileAtomic(paths.ca, next.certificatePem, run);
  await removePair(paths.nextCa, paths.nextCaKey, run);
}

/**
 * Step 3 where the site file names the CA: once it names the next one, what was trusted until now becomes the previous CA. Called by
 * `ensureCertificates`.
 */
export async function noteSwitchOfGivenCa(anchorsPem: string, paths: CertificatePaths, run: Run): Promise<void> {
  const next = anchorsOf((await findFile(paths.nextCa, run))?.toString() ?? '');
  if (next === '' || next !== anchorsPem) return;
  const trusted = splitPemBundle((await findFile(paths.trust, run))?.toString() ?? '');
  const previous = trusted.filter((pem) => !next.includes(pem));
  if (previous.length > 0) await writeFileAtomic(paths.previousCa, previous.join(''), run);
  await removePair(paths.nextCa, paths.nextCaKey, run);
}

/**
 * Step 4: forgets the old CA and its key. Run `ensureCertificates` afterwards, then spread its `caPem`.
 * @throws AirlockError CA_CHANGE_ORDER
 */
export async function dropPreviousCa(folder: string, run: Run): Promise<void> {
  const paths = certificatePaths(folder);
  await assertStep(folder, 'switched', 'switch to the new CA first: airlock certs change-ca switch', run);
  // A switch that broke off at its very end leaves the next CA's key behind.
  await run.disk.remove(paths.nextCaKey);
  await removePair(paths.previousCa, paths.previousCaKey, run);
  // A write that broke off may have left a key under a temporary name; all of a CA's files begin alike.
  await removeTemporaries(folder, run, 'ca.');
}

/** Gives up a change before the switch: the next CA goes. @throws AirlockError CA_CHANGE_ORDER */
export async function abandonNextCa(folder: string, run: Run): Promise<void> {
  const paths = certificatePaths(folder);
  await assertStep(folder, 'added', 'there is no new CA to give up', run);
  if (await findFile(paths.previousCa, run)) {
    throw new AirlockError('CA_CHANGE_ORDER', 'the switch to the new CA has begun', {
      hint: 'finish it: airlock certs change-ca switch',
    });
  }
  await removePair(paths.nextCa, paths.nextCaKey, run);
}

/** The CAs of a folder by their part in a change, for a table that people read. */
export async function listAuthorities(
  folder: string,
  run: Run,
): Promise<
  readonly {
    readonly role: 'current' | 'next' | 'previous';
    readonly file: string;
    readonly fingerprintSha256: string;
  }[]
> {
  const paths = certificatePaths(folder);
  const roles = [
    ['current', paths.ca],
    ['next', paths.nextCa],
    ['previous', paths.previousCa],
  ] as const;
  const rows = await Promise.all(
    roles.map(async ([role, file]) => {
      const pem = (await findFile(file, run))?.toString();
      return pem === undefined ? [] : [{ role, file, fingerprintSha256: describeCertificate(pem).fingerprintSha256 }];
    }),
  );
  return rows.flat();
}

async function assertStep(folder: string, wanted: CaChangeStep, hint: string, run: Run): Promise<void> {
  const step = await findCaChangeStep(folder, run);
  if (step === wanted) return;
  const states: Readonly<Record<CaChangeStep, string>> = {
    none: 'no CA change is under way',
    added: 'a new CA was added and not switched to yet',
    switched: 'the new CA signs already and the old one was not dropped yet',
  };
  throw new AirlockError('CA_CHANGE_ORDER', states[step], { hint });
}

async function readPair(certificate: string, key: string, run: Run): Promise<KeyAndCertificate> {
  return {
    certificatePem: (await readFileLimited(certificate, run)).toString(),
    keyPem: (await readFileLimited(key, run)).toString(),
  };
}

// The certificate first: a key alone is a leftover, a certificate alone would be taken for a CA whose key is lost.
async function removePair(certificate: string, key: string, run: Run): Promise<void> {
  await run.disk.remove(certificate);
  await run.disk.remove(key);
}
