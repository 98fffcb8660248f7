import path from 'node:path';
import { findFile, writeFileAtomic } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { sideNames } from './seal.ts';
import { isSignatureOf, publicKeyOf, signBytes } from './sign.ts';

/** The signature that an earlier run of this build made, when it still fits; else a new one, kept before it is used. */
export async function signIndex(partial: string, bytes: Buffer, keyPem: string | undefined, run: Run): Promise<string> {
  if (keyPem === undefined) return '';
  const file = path.join(partial, sideNames.signature);
  const kept = (await findFile(file, run))?.toString('latin1') ?? '';
  if (isSignatureOf(bytes, kept, publicKeyOf(keyPem))) return kept;
  const signature = signBytes(bytes, keyPem);
  await writeFileAtomic(file, signature, run);
  return signature;
}
