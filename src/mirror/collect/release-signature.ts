import { AirlockError, errorText, isAirlockError } from '../../core/errors.ts';
import { redactText } from '../../core/redact.ts';
import type { Run } from '../../core/run.ts';
import { type Digest, digestHex, parseReference } from '../../oci/index.ts';
import { parseHttpUrl } from '../http-access.ts';
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

/** A payload whose signature is looked for; `isPinned` when `platform.release` names it. */
interface PayloadToProve {
  readonly origin: string;
  readonly digest: Digest;
  readonly isPinned: boolean;
}

/**
 * Fetches and checks the signature of a release payload (reference §6.5), with the key that was given or Red Hat's. A payload without any
 * signature is refused when a key was given or when it is Red Hat's own; elsewhere (OKD, made-up releases) it is taken as not checked. Where nobody
 * insists a right signature is carried all the same, since clusters ask for it; with `platform.release` none is looked for then, as in oc-mirror.
 * @throws AirlockError RELEASE_SIGNATURE_ABSENT, RELEASE_SIGNATURE_INVALID, RELEASE_KEY_INVALID
 */
export async function proveRelease(
  collector: Collector,
  { origin, digest, isPinned }: PayloadToProve,
  run: Run,
): Promise<ReleaseProof> {
  const { ignoreReleaseSignature = false, signatureKeyArmored } = collector.options;
  const leave = (why: string): ReleaseProof => {
    addNote(collector, notChecked(origin, why), run);
    return { state: 'not-checked' };
  };
  if (ignoreReleaseSignature && isPinned) return leave('it was asked to be left unchecked');
  const isNeeded = !ignoreReleaseSignature && (signatureKeyArmored !== undefined || origin.startsWith(redHatReleases));
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
  if (!bytes) return leave('it has none');
  try {
    const signed = await verify(bytes, origin, digest, signatureKeyArmored);
    addWorkingFile(collector, `signatures/${signed.tag}-sha256-${digestHex(digest)}`, bytes, redactText(url));
    return { state: 'verified', signed };
  } catch (error) {
    if (!ignoreReleaseSignature || !isAirlockError(error, 'RELEASE_SIGNATURE_INVALID')) throw error;
    return leave(errorText(error));
  }
}

async function verify(
  bytes: Buffer,
  origin: string,
  digest: Digest,
  keysArmored: string | undefined,
): Promise<NonNullable<ReleaseProof['signed']>> {
  const signed = await verifyReleaseSignature(bytes, digest, await readReleaseKeys(keysArmored ?? redHatReleaseKeys));
  const { tag } = parseReference(signed.reference);
  if (tag) return { ...signed, tag };
  throw new AirlockError(
    'RELEASE_SIGNATURE_INVALID',
    `the signature of ${origin} names ${signed.reference}, which has no tag`,
  );
}

const redHatReleases = 'quay.io/openshift-release-dev/';

async function findSignature(
  collector: Collector,
  url: string,
  isNeeded: boolean,
  run: Run,
): Promise<Buffer | undefined> {
  const { origin } = parseHttpUrl(url);
  if (!isNeeded && collector.silentServers.has(origin)) return undefined;
  try {
    const { status, body } = await collector.http.getUrl(url, { accept: '*/*' }, run);
    return status === 200 ? body : undefined;
  } catch (error) {
    // Where no signature is asked for, a server that cannot be reached has none.
    if (isNeeded || run.signal.aborted || !(error instanceof AirlockError)) throw error;
    // Every try waits half a minute: one release is enough to find that out.
    collector.silentServers.add(origin);
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
