import { acquireLock, applyPrune, collectPruned, type PrunePlan, planPrune, undoPrune } from '../bundle/index.ts';
import type { Site } from '../config/index.ts';
import { AirlockError } from '../core/errors.ts';
import type { Run } from '../core/run.ts';
import { type Digest, isDigest } from '../oci/index.ts';
import { type Bastion, type BastionRequest, findBastion } from './bastion.ts';
import { readLoadedContent } from './loaded.ts';
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
  const { storage, state, site } = await findBastion(request, run);
  const plan = await planPrune(await options(request, { storage, state, site }, run), run);
  return { state: isEmpty(plan) ? 'nothing-to-do' : 'planned', storage, plan, freedBytes: 0, restoredLinks: 0 };
}

/**
 * Takes the names of old generations away once `agree` has seen the list; the bytes stay until `pruneCollect`, and `pruneUndo` puts all back.
 * @throws AirlockError WORKSPACE_LOCKED, PRUNE_BUSY, DECLINED, USAGE while services of the site run
 */
export function prune(request: PruneRequest, agree: Agree, run: Run): Promise<PruneResult> {
  return locked(request, run, async (bastion) => {
    const { storage } = bastion;
    const own = await options(request, bastion, run);
    const plan = await planPrune(own, run);
    if (isEmpty(plan)) return { state: 'nothing-to-do', storage, plan, freedBytes: 0, restoredLinks: 0 };
    await agree(plan);
    await applyPrune(plan, own, run);
    return { state: 'pruned', storage, plan, freedBytes: 0, restoredLinks: 0 };
  });
}

/** Removes the bytes of an earlier prune: after that there is no way back. */
export function pruneCollect(request: PruneRequest, agree: () => Promise<void>, run: Run): Promise<PruneResult> {
  return locked(request, run, async (bastion) => {
    const { storage } = bastion;
    await agree();
    const freedBytes = await collectPruned(await options(request, bastion, run), run);
    return { state: freedBytes > 0 ? 'collected' : 'nothing-to-do', storage, freedBytes, restoredLinks: 0 };
  });
}

/** Puts back what an earlier prune took away. */
export function pruneUndo(request: PruneRequest, run: Run): Promise<PruneResult> {
  return locked(request, run, async (bastion) => {
    const { storage } = bastion;
    const restoredLinks = await undoPrune(await options(request, bastion, run), run);
    return { state: restoredLinks > 0 ? 'restored' : 'nothing-to-do', storage, freedBytes: 0, restoredLinks };
  });
}

async function locked(
  request: PruneRequest,
  run: Run,
  work: (bastion: Bastion) => Promise<PruneResult>,
): Promise<PruneResult> {
  const bastion = await findBastion(request, run);
  const { storage, state } = bastion;
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
    return await work(bastion);
  } finally {
    await lock.release();
  }
}

async function options({ keep, liveDigests }: PruneRequest, { storage, state, site }: Bastion, run: Run) {
  const live = [...liveDigests, ...(site ? await digestsOfSite(site, state, run) : [])];
  return { storageRoot: storage, stateFolder: state, keep, liveDigests: live };
}

/** The releases that hosted clusters of the site run, with all their components, whatever generation brought them. */
async function digestsOfSite(site: Site, state: string, run: Run): Promise<Digest[]> {
  const versions = new Set(site.hostedClusters.map((cluster) => cluster.release));
  const { releases } = await readLoadedContent(state, run);
  return releases
    .filter((release) => versions.has(release.version))
    .flatMap(({ digest, components }) => [digest, ...parseLiveDigests(Object.values(components))]);
}

function isEmpty(plan: PrunePlan): boolean {
  return plan.links.length === 0 && plan.blobs.length === 0 && plan.generations.length === 0;
}
