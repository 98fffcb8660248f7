import { publicKeyOf } from '../bundle/index.ts';
import { AirlockError, isAirlockError } from '../core/errors.ts';
import { findFile } from '../core/files.ts';
import type { Run } from '../core/run.ts';

/**
 * The private key that a bundle or inventory will be signed with, PEM; undefined when no file is named. Proved to be one at once: hours of fetching must not
 * end with a key that cannot sign.
 * @throws AirlockError SIGNING_KEY_INVALID, FILE_NOT_FOUND, FILE_UNREADABLE
 */
export async function readSigningKey(file: string | undefined, run: Run): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const makeOne = 'make a pair with airlock certs signing-key';
  const pem = (await findFile(file, run))?.toString();
  if (pem === undefined) throw new AirlockError('FILE_NOT_FOUND', `${file} does not exist`, { hint: makeOne });
  try {
    publicKeyOf(pem);
  } catch (error) {
    if (!isAirlockError(error, 'SIGNING_KEY_INVALID')) throw error;
    throw new AirlockError(error.code, `${file}: ${error.message}`, { hint: error.hint ?? makeOne, cause: error });
  }
  return pem;
}
