import * as openpgp from 'openpgp';
import { AirlockError, errorText } from '../../core/errors.ts';

/** What a release signature says, once it is proved. */
export interface SignedRelease {
  /** `critical.identity.docker-reference`: the name under which the payload was published, with its tag. */
  readonly reference: string;
  readonly digest: string;
}

/**
 * Reads public keys for release signatures: one or several armored blocks.
 * @throws AirlockError RELEASE_KEY_INVALID
 */
export async function readReleaseKeys(armored: string): Promise<openpgp.PublicKey[]> {
  const blocks = armored.match(/-----BEGIN PGP PUBLIC KEY BLOCK-----[\s\S]*?-----END PGP PUBLIC KEY BLOCK-----/g) ?? [];
  try {
    const keys = await Promise.all(blocks.map((armoredKeys) => openpgp.readKeys({ armoredKeys })));
    if (keys.flat().length > 0) return keys.flat();
  } catch (error) {
    throw new AirlockError('RELEASE_KEY_INVALID', `the release key cannot be read: ${errorText(error)}`, {
      cause: error,
    });
  }
  throw new AirlockError('RELEASE_KEY_INVALID', 'the release key file holds no PGP PUBLIC KEY BLOCK');
}

/**
 * Proves a release signature in full: the signature is over the body, by one of the keys, and the body names `digest`. Real oc-mirror
 * accepts a damaged signature value and a body that names another digest (reference §14).
 * @throws AirlockError RELEASE_SIGNATURE_INVALID
 * @see containers/image docs "containers-signature.5" (a binary OpenPGP message with the JSON as its content)
 */
export async function verifyReleaseSignature(
  bytes: Uint8Array,
  digest: string,
  keys: openpgp.PublicKey[],
): Promise<SignedRelease> {
  const message = await readMessage(bytes, digest);
  const result = await openpgp
    .verify({ message, verificationKeys: keys, format: 'binary' })
    .catch((error: unknown) => invalid(digest, errorText(error), error));
  if (result.signatures.length === 0) invalid(digest, 'the message is not signed');
  const faults: string[] = [];
  for (const signature of result.signatures) {
    try {
      await signature.verified;
      return parseBody(result.data, digest);
    } catch (error) {
      if (error instanceof AirlockError) throw error;
      faults.push(errorText(error));
    }
  }
  return invalid(digest, faults.join('; '));
}

async function readMessage(bytes: Uint8Array, digest: string): Promise<openpgp.Message<Uint8Array>> {
  try {
    return await openpgp.readMessage({ binaryMessage: new Uint8Array(bytes) });
  } catch (error) {
    return invalid(digest, `it is no OpenPGP message: ${errorText(error)}`, error);
  }
}

function parseBody(data: unknown, digest: string): SignedRelease {
  let critical: unknown;
  try {
    critical = Reflect.get(JSON.parse(Buffer.from(data as Uint8Array).toString('utf8')), 'critical');
  } catch {
    invalid(digest, 'its content is no JSON');
  }
  const at = (...keys: string[]): unknown =>
    keys.reduce<unknown>(
      (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
      critical,
    );
  if (at('type') !== 'atomic container signature') invalid(digest, 'its content is not an atomic container signature');
  const signed = at('image', 'docker-manifest-digest');
  if (signed !== digest) invalid(digest, `it is for ${String(signed)}`);
  const reference = at('identity', 'docker-reference');
  if (typeof reference !== 'string') return invalid(digest, 'it names no image');
  return { reference, digest };
}

function invalid(digest: string, why: string, cause?: unknown): never {
  throw new AirlockError('RELEASE_SIGNATURE_INVALID', `the signature of release image ${digest} is not right: ${why}`, {
    cause,
  });
}
