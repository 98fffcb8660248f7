import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { AirlockError, errorText } from '../core/errors.ts';

const generate = promisify(generateKeyPair);

/** A fresh RSA private key as PKCS #8 PEM, made on Node's thread pool: a CA's 4096 bits take seconds. */
export async function createRsaKey(bits: number): Promise<string> {
  const { privateKey } = await generate('rsa', { modulusLength: bits, publicExponent: 0x10001 });
  return exportPrivate(privateKey);
}

/** A key pair as PEM (PKCS #8 and SPKI). */
export interface SigningKey {
  readonly privatePem: string;
  readonly publicPem: string;
}

/** A fresh ECDSA P-256 pair for signing bundles; `openssl` and `cosign` read both halves. */
export async function createSigningKey(): Promise<SigningKey> {
  const { privateKey, publicKey } = await generate('ec', { namedCurve: 'prime256v1' });
  return { privatePem: exportPrivate(privateKey), publicPem: exportPublic(publicKey) };
}

/** The SPKI PEM of a private key. @throws AirlockError KEY_INVALID */
export function publicKeyOf(privatePem: string): string {
  return exportPublic(createPublicKey(parsePrivateKey(privatePem)));
}

/** @throws AirlockError KEY_INVALID, also for a key that needs a passphrase: services start without anybody to ask */
export function parsePrivateKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    const encrypted = /ENCRYPTED/.test(pem);
    throw new AirlockError(
      'KEY_INVALID',
      encrypted ? 'the private key is encrypted' : `the private key cannot be read: ${errorText(error)}`,
      {
        hint: encrypted ? 'decrypt it with: openssl pkey -in FILE -out plain.key' : 'a PEM private key is needed',
        cause: error,
      },
    );
  }
}

function exportPrivate(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function exportPublic(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}
