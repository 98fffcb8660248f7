import { formatBytes } from '../../core/units.ts';
import {
  type LoadDryRun,
  type LoadRequest,
  type LoadResult,
  load,
  loadDryRun,
  parseMirrorTarget,
} from '../../workflow/index.ts';
import { argument, type Invocation, type Outcome } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { renderLoadDryRun } from '../render/load-dry-run.ts';
import { renderFailures, renderMissing } from '../render/load-failures.ts';
import { renderNext, siteWords } from '../render/next.ts';
import { plural } from '../render/table.ts';
import { findSiteFile, loadTarget, pathFlag, sourceSettings, targetSettings, userPath } from '../settings.ts';
import { mediaFlag } from './verify.ts';

export async function runLoad(invocation: Invocation): Promise<Outcome> {
  const asked = await loadRequest(invocation, argument(invocation, 0) ?? '.', argument(invocation, 1));
  const request = { ...asked, removeSignatures: invocation.flags.on('removeSignatures') };
  if (invocation.flags.on('dryRun')) {
    const result = await loadDryRun(request, invocation.run);
    return { exitCode: dryRunExitCode(result), result, text: renderLoadDryRun(result) };
  }
  const result = await load(request, invocation.run);
  const text = renderLoad(result);
  if (result.state === 'partial') {
    // Damage is the answer no; anything else may come with another medium.
    const isDamaged = result.copied?.failures.some(({ code }) => code === 'BUNDLE_DAMAGED');
    return { exitCode: isDamaged ? exitCodes.no : exitCodes.incomplete, result, text };
  }
  // Where no site file was there, the one of the bundle lies in the folder now.
  const isOfSite = request.siteFile !== undefined || request.target === undefined;
  const site = siteWords(invocation.flags);
  const steps = ['up', 'emit', 'check'].map((name) => `airlock ${name}${site}`);
  return { exitCode: exitCodes.done, result, text: isOfSite ? `${text}\n${renderNext(...steps)}` : text };
}

/** That of the load itself. */
function dryRunExitCode({ state, findings }: LoadDryRun): number {
  if (findings.length > 0) return exitCodes.no;
  return state === 'partial' ? exitCodes.incomplete : exitCodes.done;
}

/** What the flags of `load` ask for. */
export async function loadRequest(
  invocation: Invocation,
  bundle: string,
  target: string | undefined,
): Promise<LoadRequest> {
  const { flags, world } = invocation;
  const servedAs = flags.text('registry');
  return {
    bundle: userPath(invocation, bundle),
    media: mediaFlag(invocation),
    target: target === undefined ? undefined : loadTarget(invocation, target),
    // A target of its own is a load without a site, unless the site was asked for.
    siteFile: target === undefined || flags.text('site') !== undefined ? await findSiteFile(invocation) : undefined,
    // Whoever runs the executable of a bundle, or has its key, believes its site file too: it says which folders are written.
    adoptFolder: world.selfCommand.length === 1 || flags.text('key') !== undefined ? world.cwd : undefined,
    keyFile: pathFlag(invocation, 'key'),
    servedAs: servedAs === undefined ? undefined : parseMirrorTarget(servedAs),
    outputFolder: pathFlag(invocation, 'outputDir') ?? userPath(invocation, 'working-dir/cluster-resources'),
    webFolder: pathFlag(invocation, 'webDir'),
    toolsFolder: pathFlag(invocation, 'toolsDir'),
    stateFolder: pathFlag(invocation, 'stateDir'),
    source: sourceSettings(invocation),
    targetSettings: targetSettings(invocation),
  };
}

/** What was done, for people. */
export function renderLoad(result: LoadResult): string {
  const lines = result.generations.flatMap(renderGeneration);
  if (result.copied) {
    const { copied } = result;
    lines.push(
      result.state === 'nothing-new'
        ? 'nothing to do: the registry has all of it'
        : `${plural(copied.pushedBlobs, 'blob')} pushed (${formatBytes(copied.pushedBytes)}), ${copied.mountedBlobs} mounted, ${copied.presentBlobs} there before, ${plural(copied.pushedManifests, 'manifest')}, ${plural(copied.pushedTags, 'tag')}`,
      ...(copied.waiting.length > 0
        ? [`${plural(copied.waiting.length, 'image')} not whole: load again with the other volumes or parts`]
        : []),
      ...renderFailures(copied.failures),
    );
  }
  if (result.placed) lines.push(...renderPlaced(result.placed));
  if (result.neededPieces.length > 0) lines.push(renderNeeded(result.neededPieces));
  return [...lines, ...result.clusterResources.map((file) => `wrote ${file}`), `target: ${result.target}`].join('\n');
}

/** The pieces that have to be found and brought, the first of them by name. */
function renderNeeded(names: readonly string[]): string {
  const shown = names.length > 8 ? `${names.slice(0, 7).join(', ')} … ${names.at(-1)}` : names.join(', ');
  return `still needed: ${shown}${names.length > 1 ? ` (${names.length} in all)` : ''}`;
}

function renderGeneration(one: LoadResult['generations'][number]): string[] {
  const missing = renderMissing(one.missingFiles);
  if (one.kind === 'nothing-new')
    return [`generation ${one.generation}: nothing to do, all of it is there`, ...missing];
  const images = plural(one.incompleteImages.length, 'image');
  const volumes = one.missingVolumes.length === 0 ? '' : ` (missing here: ${one.missingVolumes.join(', ')})`;
  return [
    `generation ${one.generation}: ${one.kind}, ${plural(one.placedBlobs, 'blob')} and ${plural(one.placedFiles, 'file')} placed (${formatBytes(one.placedBytes)}), ${plural(one.presentBlobs, 'blob')} there before`,
    ...(one.kind === 'partial' ? [`${images} not whole: load again with the other volumes or parts${volumes}`] : []),
    ...missing,
  ];
}

function renderPlaced({ files, bytes, absent, missing }: NonNullable<LoadResult['placed']>): string[] {
  return [
    ...(files > 0 ? [`${plural(files, 'file')} placed on this host (${formatBytes(bytes)})`] : []),
    ...(absent > 0 ? [`${plural(absent, 'file')} not here: load again with the other volumes or parts`] : []),
    ...renderMissing(missing),
  ];
}
