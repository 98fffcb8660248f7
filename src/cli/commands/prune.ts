import { AirlockError } from '../../core/errors.ts';
import { formatBytes } from '../../core/units.ts';
import {
  type PruneResult,
  parseLiveDigests,
  prune,
  pruneCollect,
  pruneDryRun,
  pruneUndo,
} from '../../workflow/index.ts';
import type { Invocation, Outcome } from '../command.ts';
import { confirm } from '../confirm.ts';
import { exitCodes } from '../exit-codes.ts';
import { plural } from '../render/table.ts';
import { bastionRequest } from '../settings.ts';
import { kubeconfigSettings } from './kubeconfig.ts';

export async function runPrune(invocation: Invocation): Promise<Outcome> {
  const { flags, run } = invocation;
  const [undo, collect] = [flags.on('undo'), flags.on('collect')];
  if (undo && (collect || flags.on('dryRun')))
    throw new AirlockError('USAGE', '--undo puts back; it goes with no other step', { hint: 'give --undo alone' });
  const request = {
    ...(await bastionRequest(invocation)),
    keep: flags.number('keep') ?? 2,
    liveDigests: parseLiveDigests(flags.list('live') ?? []),
    askCluster: flags.boolean('cluster') !== false,
    ...kubeconfigSettings(invocation),
  };
  return describe(await choose(), flags.on('dryRun'), request.keep);

  function choose(): Promise<PruneResult> {
    if (undo) return pruneUndo(request, run);
    if (flags.on('dryRun')) return pruneDryRun(request, run);
    if (collect)
      return pruneCollect(
        request,
        () => confirm(invocation, 'Remove the blobs of the earlier prune? There is no way back after that.'),
        run,
      );
    return prune(request, (plan) => agree(plan), run);
  }

  async function agree(plan: NonNullable<PruneResult['plan']>): Promise<void> {
    // The list comes before the question; with -o json it is in the result.
    if (invocation.world.isTerminal && !flags.on('yes') && flags.text('output') === 'text')
      invocation.world.say(renderPrune(plan));
    await confirm(
      invocation,
      `Take ${plural(plan.tags.length, 'tag')} away? ${formatBytes(plan.reclaimableBytes)} come free with --collect.`,
    );
  }
}

function describe(result: PruneResult, dryRun: boolean, keep: number): Outcome {
  return { exitCode: exitCodes.done, result, text: render(result, dryRun, keep) };
}

function render(result: PruneResult, dryRun: boolean, keep: number): string {
  const { state, plan, cluster } = result;
  if (state === 'restored') return `${plural(result.restoredLinks, 'link')} put back; nothing is lost`;
  const use = cluster
    ? `in use by ${cluster.clusters.join(', ')}, and stays: ${plural(cluster.images, 'digest')} that ${plural(cluster.objects, 'object')} name`
    : 'no cluster was asked for images in use: name its kubeconfig with --kubeconfig, or such images with --live';
  if (state === 'nothing-to-do') return renderNothing(result, keep);
  if (state === 'collected') return `${formatBytes(result.freedBytes)} freed`;
  const next = dryRun
    ? 'nothing was changed'
    : 'the names are away, the bytes still there: airlock prune --undo puts all back, airlock prune --collect frees them';
  return [...(plan ? [renderPrune(plan)] : []), use, next].join('\n');
}

function renderNothing({ loaded }: PruneResult, keep: number): string {
  // Of --undo and --collect.
  if (!loaded) return 'nothing to do: no names are away; airlock prune takes them away first';
  if (loaded.length === 0) return 'nothing to do: no generation was loaded here';
  return `nothing to do: ${plural(loaded.length, 'generation')} loaded (${loaded.join(', ')}), and the newest stay: --keep ${keep}`;
}

function renderPrune(plan: NonNullable<PruneResult['plan']>): string {
  return [
    `generations that go: ${plan.generations.join(', ') || 'none'}`,
    ...plan.tags.map((tag) => `  ${tag}`),
    `${plural(plan.blobs.length, 'blob')}, ${formatBytes(plan.reclaimableBytes)} (${plan.reclaimableBytes} bytes) in all`,
  ].join('\n');
}
