import * as openpgp from 'openpgp';
import type { Digest } from '../../oci/index.ts';

/** A throw-away key that signs made-up releases: for the demo and for tests, never for anything real. */
export interface ReleaseSigner {
  /** Armored. */
  readonly publicKey: string;
  /** A signature as the release servers hold them: a binary OpenPGP message around the JSON that names reference and digest. */
  sign(reference: string, digest: Digest): Promise<Uint8Array>;
}

/** @see containers/image docs "containers-signature.5" */
export async function createReleaseSigner(name: string): Promise<ReleaseSigner> {
  const { privateKey, publicKey } = await openpgp.generateKey({
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: [{ name }],
    format: 'object',
  });
  return {
    publicKey: publicKey.armor(),
    async sign(reference, digest) {
      const body = {
        critical: {
          type: 'atomic container signature',
          image: { 'docker-manifest-digest': digest },
          identity: { 'docker-reference': reference },
        },
        optional: { creator: name },
      };
      const message = await openpgp.createMessage({ binary: Buffer.from(JSON.stringify(body)) });
      return openpgp.sign({ message, signingKeys: privateKey, format: 'binary' });
    },
  };
}
