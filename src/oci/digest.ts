import { createHash } from 'node:crypto';
import { AirlockError } from '../core/errors.ts';

/** `sha256:<64 hex>` or `sha512:<128 hex>`; made only by `parseDigest` and `digestOf`. */
export type Digest = string & { readonly __brand: 'Digest' };
export type DigestAlgorithm = 'sha256' | 'sha512';

const digestForm = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** Whether text is a digest of an algorithm that we can check. */
export function isDigest(text: string): text is Digest {
  return digestForm.test(text);
}

/** @throws AirlockError DIGEST_INVALID @see OCI image-spec v1.1, "Digests" */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new AirlockError(
    'DIGEST_INVALID',
    `"${text.slice(0, 160)}" is not a digest (sha256:<64 lower-case hex digits>)`,
  );
}

/** The digest of bytes held in memory. */
export function digestOf(bytes: Uint8Array | string, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}` as Digest;
}

/** A sha256 digest from its bare hex form. @throws AirlockError DIGEST_INVALID */
export function digestFromHex(hex: string): Digest {
  return parseDigest(`sha256:${hex}`);
}

export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
}

/** The hex digits alone. */
export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}
