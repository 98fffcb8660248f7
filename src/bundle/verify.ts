import { AirlockError } from '../core/errors.ts';
import type { Finding } from '../core/findings.ts';
import { hasErrors } from '../core/findings.ts';
import type { Run } from '../core/run.ts';
import { type Digest, digestOf } from '../oci/index.ts';
import { checkAdopted } from './adopt-verify.ts';
import type { Bundle } from './bundle.ts';
import { renderIndex } from './index-text.ts';
import { judgeSignature, type SignatureStatus } from './sign.ts';
import { findUnfinished } from './unfinished.ts';
import { checkForeign } from './verify-foreign.ts';
import { checkSides, sumVolumes, type VolumeSums } from './verify-sides.ts';
import { checkVolumes, type Damage, reportVolumes, type VolumeCheck } from './verify-volumes.ts';

/** What `verify` found: every byte was looked at. */
export interface VerifyReport {
  readonly folder: string;
  readonly kind: Bundle['kind'];
  readonly generation: number;
  readonly indexDigest: Digest;
  readonly parent?: { readonly generation: number; readonly indexDigest: Digest };
  readonly signature: SignatureStatus;
  readonly findings: readonly Finding[];
  readonly damages: readonly Damage[];
  readonly checkedBytes: number;
  /** No finding is an error. */
  readonly whole: boolean;
}

/**
 * Looks at every byte of a bundle: one flipped bit anywhere is found, with volume, offset and member. Damage, missing volumes and a bad
 * signature are findings; an index that cannot be read at all was an error of `openBundle`.
 * @throws AirlockError SIGNING_KEY_INVALID, FILE_UNREADABLE, CANCELLED
 */
export async function verifyBundle(
  bundle: Bundle,
  options: { readonly publicKeyPem?: string },
  run: Run,
): Promise<VerifyReport> {
  const { index, facts } = bundle;
  reportVolumes('verify', bundle.volumes, run);
  const [check, sums] = await beside(
    run,
    (own) =>
      bundle.kind === 'airlock'
        ? checkVolumes(index, facts, bundle.volumes, 'verify', own)
        : (bundle.kind === 'adopted' ? checkAdopted : checkForeign)(bundle, own),
    (own) => sumVolumes(bundle, own),
  );
  const signature = checkSignature(bundle, options.publicKeyPem);
  const unfinished = findUnfinished(bundle);
  const findings = [
    ...(unfinished ? [unfinished] : []),
    ...signatureFindings(bundle, signature, options.publicKeyPem !== undefined),
    ...damageFindings(check),
    ...(await checkSides(bundle, ofWholeVolumes(sums, check), run)),
  ];
  return {
    folder: bundle.folder,
    kind: bundle.kind,
    generation: index.generation,
    indexDigest: bundle.indexDigest,
    ...(index.parent ? { parent: index.parent } : {}),
    signature,
    findings,
    damages: check.damages,
    checkedBytes: check.checkedBytes,
    whole: !hasErrors(findings),
  };
}

/** Two jobs side by side; when one fails the other is ended, and the first failure counts. */
async function beside<A, B>(
  run: Run,
  first: (own: Run) => Promise<A>,
  second: (own: Run) => Promise<B>,
): Promise<[A, B]> {
  const failed = new AbortController();
  const own = { ...run, signal: AbortSignal.any([run.signal, failed.signal]) };
  try {
    return await Promise.all([first(own), second(own)]);
  } catch (error) {
    failed.abort();
    throw error;
  }
}

/** A damaged volume has another sum whatever stands in `sha256sum.txt`, and is told as such. */
function ofWholeVolumes(sums: VolumeSums, { damages }: VolumeCheck): VolumeSums {
  return new Map([...sums].filter(([name]) => !damages.some((damage) => damage.volume === name)));
}

/**
 * What the signature of an opened bundle is worth. It covers the index, and the index the digest of everything else: enough for `load`, which
 * hashes each byte anyway.
 * @throws AirlockError SIGNING_KEY_INVALID, BUNDLE_INVALID for an index that is not in its one canonical form
 */
export function checkSignature(bundle: Bundle, publicKeyPem: string | undefined): SignatureStatus {
  if (bundle.kind === 'foreign') return { state: 'unsigned' };
  const bytes = renderIndex(bundle.index);
  if (digestOf(bytes) !== bundle.indexDigest)
    throw new AirlockError('BUNDLE_INVALID', 'the index of the bundle is not in canonical form');
  return judgeSignature(bytes, bundle.facts.signature, publicKeyPem);
}

function signatureFindings(bundle: Bundle, signature: SignatureStatus, keyGiven: boolean): Finding[] {
  const subject = bundle.folder;
  if (signature.state === 'bad') {
    const message = 'the signature does not fit the index and the given key';
    return [
      {
        code: 'SIGNATURE_BAD',
        severity: 'error',
        subject,
        message,
        hint: 'do not load it; ask for the right key, or for the bundle again',
      },
    ];
  }
  if (signature.state === 'unsigned' && keyGiven) {
    const message = 'the bundle is not signed, so the given key proves nothing';
    return [
      {
        code: 'SIGNATURE_MISSING',
        severity: 'error',
        subject,
        message,
        hint: 'build it with --signing-key, or verify without --key',
      },
    ];
  }
  if (signature.state === 'unknown-key') {
    const message = 'the bundle is signed by an unknown key';
    return [
      { code: 'SIGNATURE_UNKNOWN_KEY', severity: 'info', subject, message, hint: 'give the public key with --key' },
    ];
  }
  if (signature.state === 'unsigned')
    return [{ code: 'SIGNATURE_MISSING', severity: 'info', subject, message: 'the bundle is not signed' }];
  return [];
}

function damageFindings(check: VolumeCheck): Finding[] {
  return check.damages.map((damage) => {
    const where = damage.member === undefined ? '' : ` in ${damage.member}`;
    const text: Record<Damage['part'], string> = {
      missing: 'the volume is not there',
      size: `the volume has the wrong size: ${damage.bytes} bytes from byte ${damage.offset} on are missing or too many`,
      unreadable: `${damage.bytes} bytes from byte ${damage.offset}${where} cannot be read`,
      frame: `byte ${damage.offset}${where} is not what the index says`,
      data: `the data at byte ${damage.offset}${where} does not have its digest`,
    };
    return {
      code: damage.part === 'missing' ? 'VOLUME_MISSING' : 'VOLUME_DAMAGED',
      severity: 'error',
      subject: damage.volume,
      message: text[damage.part],
      hint: 'copy this volume again from the connected side',
    };
  });
}
