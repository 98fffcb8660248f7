import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { AirlockError } from '../core/errors.ts';

/** What a signature says. `unknown-key`: there is one, and no key was given to check it with. */
export type SignatureStatus =
  | { readonly state: 'unsigned' }
  | { readonly state: 'unknown-key' }
  | { readonly state: 'good'; readonly keyFingerprint: string }
  | { readonly state: 'bad'; readonly keyFingerprint: string };

/** A new signing key: ECDSA P-256, private as PKCS #8, public as SPKI, both PEM, as openssl and cosign read them. */
export function generateSigningKey(): { readonly privateKeyPem: string; readonly publicKeyPem: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return {
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

/**
 * Signs with ECDSA P-256 and SHA-256: base64 of the DER form, without padding of any kind.
 * `openssl dgst -sha256 -verify key.pub -signature <(base64 -d index.sig) index.json` and `cosign verify-blob` accept it.
 * @throws AirlockError SIGNING_KEY_INVALID
 */
export function signBytes(bytes: Uint8Array, privateKeyPem: string): string {
  return sign('sha256', bytes, { key: readKey(privateKeyPem, 'private'), dsaEncoding: 'der' }).toString('base64');
}

/**
 * Whether a base64 signature fits bytes and key.
 * @throws AirlockError SIGNING_KEY_INVALID
 */
export function isSignatureOf(bytes: Uint8Array, signature: string, publicKeyPem: string): boolean {
  if (!/^[A-Za-z0-9+/]{80,104}={0,2}$/.test(signature)) return false;
  try {
    return verify(
      'sha256',
      bytes,
      { key: publicKey(publicKeyPem), dsaEncoding: 'der' },
      Buffer.from(signature, 'base64'),
    );
  } catch (error) {
    if (error instanceof AirlockError) throw error;
    return false;
  }
}

/** What the signature of a bundle is worth, given the public key when somebody has it. */
export function judgeSignature(
  bytes: Uint8Array,
  signature: string,
  publicKeyPem: string | undefined,
): SignatureStatus {
  if (publicKeyPem === undefined) return { state: signature === '' ? 'unsigned' : 'unknown-key' };
  if (signature === '') return { state: 'unsigned' };
  const keyFingerprint = fingerprintKey(publicKeyPem);
  return { state: isSignatureOf(bytes, signature, publicKeyPem) ? 'good' : 'bad', keyFingerprint };
}

/** The public key that belongs to a private one, PEM. @throws AirlockError SIGNING_KEY_INVALID */
export function publicKeyOf(privateKeyPem: string): string {
  return createPublicKey(readKey(privateKeyPem, 'private')).export({ type: 'spki', format: 'pem' }).toString();
}

/** `sha256:` and the hex digest of the key in DER (SPKI), by which people know a key. @throws AirlockError SIGNING_KEY_INVALID */
export function fingerprintKey(publicKeyPem: string): string {
  const der = publicKey(publicKeyPem).export({ type: 'spki', format: 'der' });
  return `sha256:${createHash('sha256').update(der).digest('hex')}`;
}

function publicKey(pem: string): KeyObject {
  return readKey(pem, 'public');
}

function readKey(pem: string, kind: 'private' | 'public'): KeyObject {
  let key: KeyObject;
  try {
    key = kind === 'private' ? createPrivateKey(pem) : createPublicKey(pem);
  } catch (error) {
    throw new AirlockError('SIGNING_KEY_INVALID', `the ${kind} key is not a key in PEM form`, { cause: error });
  }
  if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key;
  throw new AirlockError('SIGNING_KEY_INVALID', `the ${kind} key is not an ECDSA key on curve P-256`, {
    hint: 'make one with `airlock certs signing-key`, or `openssl ecparam -name prime256v1 -genkey`',
  });
}
