import { AirlockError } from '../../core/errors.ts';
import { redactText } from '../../core/redact.ts';
import type { Run } from '../../core/run.ts';
import { type Digest, digestHex, parseReference } from '../../oci/index.ts';
import { redHatReleaseKeys } from '../release/red-hat-key.ts';
import { readReleaseKeys, type SignedRelease, verifyReleaseSignature } from '../release/signature.ts';
import { addNote, type Collector } from './collector.ts';
import { defaultSignatureUrl } from './options.ts';
import { addWorkingFile } from './working-files.ts';

/** What is known of a payload's signature. Without `signed` there is none, and nobody insisted. */
export interface ReleaseProof {
  readonly state: 'verified' | 'not-checked';
  readonly signed?: SignedRelease & { readonly tag: string };
}

/**
 * Fetches and checks the signature of a release payload (reference §6.5), with the key that was given or Red Hat's. A payload without any
 * signature is refused when a key was given or when it is Red Hat's own; elsewhere (OKD, made-up releases) it is taken as not checked.
 * @throws AirlockError RELEASE_SIGNATURE_ABSENT, RELEASE_SIGNATURE_INVALID, RELEASE_KEY_INVALID
 */
export async function proveRelease(
  collector: Collector,
  origin: string,
  digest: Digest,
  run: Run,
): Promise<ReleaseProof> {
  const { ignoreReleaseSignature = false, signatureKeyArmored } = collector.options;
  if (ignoreReleaseSignature) {
    addNote(collector, notChecked(origin, 'it was asked to be left unchecked'), run);
    return { state: 'not-checked' };
  }
  const isNeeded = signatureKeyArmored !== undefined || origin.startsWith(redHatReleases);
  const base = (collector.options.signatureUrl ?? defaultSignatureUrl).replace(/\/?$/, '/');
  const url = `${base}sha256=${digestHex(digest)}/signature-1`;
  const bytes = await findSignature(collector, url, isNeeded, run);
  if (!bytes && isNeeded) {
    throw new AirlockError(
      'RELEASE_SIGNATURE_ABSENT',
      `release image ${origin} has no signature at ${redactText(url)}`,
      {
        hint: 'with --ignore-release-signature it is taken as it is',
      },
    );
  }
  if (!bytes) {
    addNote(collector, notChecked(origin, 'it has none'), run);
    return { state: 'not-checked' };
  }
  const keys = await readReleaseKeys(signatureKeyArmored ?? redHatReleaseKeys);
  const signed = await verifyReleaseSignature(bytes, digest, keys);
  const { tag } = parseReference(signed.reference);
  if (!tag)
    throw new AirlockError(
      'RELEASE_SIGNATURE_INVALID',
      `the signature of ${origin} names ${signed.reference}, which has no tag`,
    );
  addWorkingFile(collector, `signatures/${tag}-sha256-${digestHex(digest)}`, bytes, redactText(url));
  return { state: 'verified', signed: { ...signed, tag } };
}

const redHatReleases = 'quay.io/openshift-release-dev/';

async function findSignature(
  collector: Collector,
  url: string,
  isNeeded: boolean,
  run: Run,
): Promise<Buffer | undefined> {
  try {
    const { status, body } = await collector.http.getUrl(url, { accept: '*/*' }, run);
    return status === 200 ? body : undefined;
  } catch (error) {
    // Where no signature is asked for, a server that cannot be reached has none.
    if (isNeeded || run.signal.aborted || !(error instanceof AirlockError)) throw error;
    return undefined;
  }
}

function notChecked(
  origin: string,
  why: string,
): { readonly code: string; readonly subject: string; readonly message: string } {
  return {
    code: 'RELEASE_SIGNATURE_NOT_CHECKED',
    subject: origin,
    message: `the signature of this release was NOT checked: ${why}`,
  };
}
