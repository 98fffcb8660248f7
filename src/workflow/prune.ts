import {
  acquireLock,
  applyPrune,
  collectPruned,
  findPruned,
  listLoaded,
  type PrunePlan,
  planPrune,
  undoPrune,
} from '../bundle/index.ts';
import { AirlockError } from '../core/errors.ts';
import type { Run } from '../core/run.ts';
import type { Digest } from '../oci/index.ts';
import { type Bastion, type BastionRequest, findBastion } from './bastion.ts';
import { type ClusterUse, type LiveRequest, liveDigestsOf } from './prune-live.ts';
import { findRunningServices } from './services/background.ts';

export interface PruneRequest extends BastionRequest, LiveRequest {
  /** How many of the newest generations stay. */
  readonly keep: number;
}

/** What may be asked of the user once the list is known: resolves when it is agreed to, else throws. */
export type Agree = (plan: PrunePlan) => Promise<void>;

/** What a prune did. */
export interface PruneResult {
  readonly state: 'nothing-to-do' | 'planned' | 'pruned' | 'collected' | 'restored';
  readonly storage: string;
  /** Generations that were loaded, oldest first, where a prune was asked for. */
  readonly loaded?: readonly number[];
  readonly plan?: PrunePlan;
  /** What clusters said that they use; left out where none was asked. */
  readonly cluster?: ClusterUse;
  readonly freedBytes: number;
  /** Link files that came back. */
  readonly restoredLinks: number;
}

/** Lists what would go; changes nothing. @throws AirlockError NOTHING_LOADED, those of the clusters that are asked */
export async function pruneDryRun(request: PruneRequest, run: Run): Promise<PruneResult> {
  const bastion = await findStorage(request, run);
  const { cluster, ...own } = await options(request, bastion, run);
  const plan = await planPrune(own, run);
  const loaded = await loadedNumbers(bastion, run);
  return result(isEmpty(plan) ? 'nothing-to-do' : 'planned', bastion, { plan, cluster, loaded });
}

function result(
  state: PruneResult['state'],
  { storage }: Bastion,
  more: {
    plan?: PrunePlan;
    cluster?: ClusterUse | undefined;
    loaded?: readonly number[];
    freedBytes?: number;
    restoredLinks?: number;
  },
): PruneResult {
  const { cluster, ...rest } = more;
  return { state, storage, freedBytes: 0, restoredLinks: 0, ...rest, ...(cluster ? { cluster } : {}) };
}

async function loadedNumbers({ state }: Bastion, run: Run): Promise<number[]> {
  return (await listLoaded(state, run)).map(({ record }) => record.generation);
}

/**
 * Takes the names of old generations away once `agree` has seen the list; the bytes stay until `pruneCollect`, and `pruneUndo` puts all back.
 * @throws AirlockError WORKSPACE_LOCKED, PRUNE_BUSY, DECLINED, USAGE while services of the site run, those of the clusters that are asked
 */
export function prune(request: PruneRequest, agree: Agree, run: Run): Promise<PruneResult> {
  return locked(request, run, async (bastion) => {
    const { cluster, ...own } = await options(request, bastion, run);
    const plan = await planPrune(own, run);
    const loaded = await loadedNumbers(bastion, run);
    if (isEmpty(plan)) return result('nothing-to-do', bastion, { plan, cluster, loaded });
    await agree(plan);
    await applyPrune(plan, own, run);
    return result('pruned', bastion, { plan, cluster, loaded });
  });
}

/**
 * Removes the bytes of an earlier prune: after that there is no way back.
 * @throws AirlockError PRUNE_IN_USE for an image that came into use since, WORKSPACE_LOCKED, DECLINED, USAGE, those of the clusters that are asked
 */
export function pruneCollect(request: PruneRequest, agree: () => Promise<void>, run: Run): Promise<PruneResult> {
  return locked(request, run, async (bastion) => {
    // Neither a question nor a look at the clusters where there is nothing to remove.
    const pruned = await findPruned({ storageRoot: bastion.storage }, run);
    if (!pruned) return result('nothing-to-do', bastion, {});
    const { cluster, ...own } = await options(request, bastion, run);
    const live = new Set<string>(own.liveDigests);
    const used = pruned.blobs.filter(({ digest }) => live.has(digest));
    if (used.length > 0) {
      throw new AirlockError('PRUNE_IN_USE', `${used.length} images that were taken away are in use now`, {
        hint: 'put all back with airlock prune --undo, then prune again: what is in use stays',
        details: { digests: used.map(({ digest }) => digest) },
      });
    }
    await agree();
    const freedBytes = await collectPruned(own, run);
    return result(freedBytes > 0 ? 'collected' : 'nothing-to-do', bastion, { freedBytes, cluster });
  });
}

/** Puts back what an earlier prune took away. */
export function pruneUndo(request: PruneRequest, run: Run): Promise<PruneResult> {
  return locked(request, run, async (bastion) => {
    const { storage, state } = bastion;
    const own = { storageRoot: storage, stateFolder: state, keep: request.keep, liveDigests: [] };
    const restoredLinks = await undoPrune(own, run);
    return result(restoredLinks > 0 ? 'restored' : 'nothing-to-do', bastion, { restoredLinks });
  });
}

/** A bastion whose storage is there. @throws AirlockError NOTHING_LOADED, USAGE */
async function findStorage(request: PruneRequest, run: Run): Promise<Bastion> {
  const bastion = await findBastion(request, run);
  if (await run.disk.stat(bastion.storage)) return bastion;
  throw new AirlockError('NOTHING_LOADED', `there is no registry storage at ${bastion.storage}`, {
    hint: 'load a bundle first, or name the storage with --storage DIR',
  });
}

async function locked(
  request: PruneRequest,
  run: Run,
  work: (bastion: Bastion) => Promise<PruneResult>,
): Promise<PruneResult> {
  const bastion = await findStorage(request, run);
  const { state } = bastion;
  // A push under way could need what is about to go.
  if (await findRunningServices(state, run))
    throw new AirlockError('USAGE', 'the registry is running', { hint: 'stop it first: airlock down' });
  const lock = await acquireLock(state, 'airlock prune', run);
  try {
    return await work(bastion);
  } finally {
    await lock.release();
  }
}

async function options(request: PruneRequest, bastion: Bastion, run: Run) {
  const { digests, cluster } = await liveDigestsOf(request, bastion, run);
  const { storage, state } = bastion;
  const liveDigests: readonly Digest[] = digests;
  return { storageRoot: storage, stateFolder: state, keep: request.keep, liveDigests, cluster };
}

function isEmpty(plan: PrunePlan): boolean {
  return plan.links.length === 0 && plan.blobs.length === 0 && plan.generations.length === 0;
}
