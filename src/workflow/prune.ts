import { acquireLock, applyPrune, collectPruned, type PrunePlan, planPrune, undoPrune } from '../bundle/index.ts';
import { AirlockError } from '../core/errors.ts';
import type { Run } from '../core/run.ts';
import { type Digest, isDigest } from '../oci/index.ts';
import { type BastionRequest, findBastion } from './bastion.ts';
import { findRunningServices } from './services/background.ts';

export interface PruneRequest extends BastionRequest {
  /** How many of the newest generations stay. */
  readonly keep: number;
  /** Images that stay whatever generation brought them. */
  readonly liveDigests: readonly Digest[];
}

/** Reads digests that a user wrote. @throws AirlockError USAGE */
export function parseLiveDigests(texts: readonly string[]): Digest[] {
  return texts.map((text) => {
    const digest = text.replace(/^.*@/, '');
    if (isDigest(digest)) return digest;
    throw new AirlockError('USAGE', `"${text}" is no digest`, { hint: 'write sha256:… or NAME@sha256:…' });
  });
}

/** What may be asked of the user once the list is known: resolves when it is agreed to, else throws. */
export type Agree = (plan: PrunePlan) => Promise<void>;

/** What a prune did. */
export interface PruneResult {
  readonly state: 'nothing-to-do' | 'planned' | 'pruned' | 'collected' | 'restored';
  readonly storage: string;
  readonly plan?: PrunePlan;
  readonly freedBytes: number;
  /** Link files that came back. */
  readonly restoredLinks: number;
}

/** Lists what would go; changes nothing. */
export async function pruneDryRun(request: PruneRequest, run: Run): Promise<PruneResult> {
  const { storage, state } = await findBastion(request, run);
  const plan = await planPrune(options(request, storage, state), run);
  return { state: isEmpty(plan) ? 'nothing-to-do' : 'planned', storage, plan, freedBytes: 0, restoredLinks: 0 };
}

/**
 * Takes the names of old generations away once `agree` has seen the list; the bytes stay until `pruneCollect`, and `pruneUndo` puts all back.
 * @throws AirlockError WORKSPACE_LOCKED, PRUNE_BUSY, DECLINED, USAGE while services of the site run
 */
export function prune(request: PruneRequest, agree: Agree, run: Run): Promise<PruneResult> {
  return locked(request, run, async (storage, state) => {
    const own = options(request, storage, state);
    const plan = await planPrune(own, run);
    if (isEmpty(plan)) return { state: 'nothing-to-do', storage, plan, freedBytes: 0, restoredLinks: 0 };
    await agree(plan);
    await applyPrune(plan, own, run);
    return { state: 'pruned', storage, plan, freedBytes: 0, restoredLinks: 0 };
  });
}

/** Removes the bytes of an earlier prune: after that there is no way back. */
export function pruneCollect(request: PruneRequest, agree: () => Promise<void>, run: Run): Promise<PruneResult> {
  return locked(request, run, async (storage, state) => {
    await agree();
    const freedBytes = await collectPruned(options(request, storage, state), run);
    return { state: freedBytes > 0 ? 'collected' : 'nothing-to-do', storage, freedBytes, restoredLinks: 0 };
  });
}

/** Puts back what an earlier prune took away. */
export function pruneUndo(request: PruneRequest, run: Run): Promise<PruneResult> {
  return locked(request, run, async (storage, state) => {
    const restoredLinks = await undoPrune(options(request, storage, state), run);
    return { state: restoredLinks > 0 ? 'restored' : 'nothing-to-do', storage, freedBytes: 0, restoredLinks };
  });
}

async function locked(
  request: PruneRequest,
  run: Run,
  work: (storage: string, state: string) => Promise<PruneResult>,
): Promise<PruneResult> {
  const { storage, state } = await findBastion(request, run);
  if (!(await run.disk.stat(storage))) {
    throw new AirlockError('NOTHING_LOADED', `there is no registry storage at ${storage}`, {
      hint: 'load a bundle first, or name the storage with --storage DIR',
    });
  }
  // A push under way could need what is about to go.
  if (await findRunningServices(state, run))
    throw new AirlockError('USAGE', 'the registry is running', { hint: 'stop it first: airlock down' });
  const lock = await acquireLock(state, 'airlock prune', run);
  try {
    return await work(storage, state);
  } finally {
    await lock.release();
  }
}

function options({ keep, liveDigests }: PruneRequest, storageRoot: string, stateFolder: string) {
  return { storageRoot, stateFolder, keep, liveDigests };
}

function isEmpty(plan: PrunePlan): boolean {
  return plan.links.length === 0 && plan.blobs.length === 0 && plan.generations.length === 0;
}
