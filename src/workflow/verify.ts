import { openBundle, type VerifyReport, verifyBundle } from '../bundle/index.ts';
import { readFileLimited } from '../core/files.ts';
import type { Run } from '../core/run.ts';

/** Looks at every byte of a bundle, or of each of a chain. @throws AirlockError BUNDLE_NOT_FOUND, BUNDLE_INVALID, SIGNING_KEY_INVALID */
export async function verify(bundlePath: string, keyFile: string | undefined, run: Run): Promise<VerifyReport[]> {
  const publicKeyPem = keyFile === undefined ? undefined : (await readFileLimited(keyFile, run)).toString();
  const reports: VerifyReport[] = [];
  for (const bundle of await openBundle(bundlePath, run))
    reports.push(await verifyBundle(bundle, publicKeyPem === undefined ? {} : { publicKeyPem }, run));
  return reports;
}
