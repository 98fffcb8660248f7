import type { Run } from '../core/run.ts';
import { check, type SiteCheck } from './check.ts';
import { type EmitResult, emit } from './emit.ts';
import { type LoadRequest, type LoadResult, load } from './load.ts';
import { type VerifyRequest, type VerifyResult, verify } from './verify.ts';

export interface RefreshRequest {
  readonly siteFile: string;
  readonly verify: VerifyRequest;
  readonly load: LoadRequest;
  /** Where the objects go. */
  readonly manifestsFolder: string;
  /** RHCOS files are read whole. */
  readonly hashFiles: boolean;
}

/** How far a refresh of the bastion came; what is left out was not begun, because of what stands before it. */
export interface RefreshResult {
  readonly verified: VerifyResult;
  readonly loaded?: LoadResult;
  readonly emitted?: EmitResult;
  readonly checked?: SiteCheck;
}

/**
 * The bastion's half of a refresh: verify, load, emit and check, in that order; ends at the first that says no.
 * @throws AirlockError those of the four
 */
export async function refreshBastion(request: RefreshRequest, run: Run): Promise<RefreshResult> {
  const verified = await verify(request.verify, run);
  if (!verified.whole) return { verified };
  const loaded = await load(request.load, run);
  if (loaded.state === 'partial') return { verified, loaded };
  const emitted = await emit(request.siteFile, request.manifestsFolder, run);
  if (emitted.findings.some((finding) => finding.severity === 'error')) return { verified, loaded, emitted };
  const checked = await check(request.siteFile, { hashFiles: request.hashFiles }, run);
  return { verified, loaded, emitted, checked };
}
