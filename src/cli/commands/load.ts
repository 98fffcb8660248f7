import { formatBytes } from '../../core/units.ts';
import { type LoadRequest, type LoadResult, load, parseMirrorTarget } from '../../workflow/index.ts';
import { argument, type Invocation, type Outcome } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { renderNext, siteWords } from '../render/next.ts';
import { plural } from '../render/table.ts';
import { findSiteFile, loadTarget, pathFlag, sourceSettings, targetSettings, userPath } from '../settings.ts';
import { mediaFlag } from './verify.ts';

export async function runLoad(invocation: Invocation): Promise<Outcome> {
  const request = await loadRequest(invocation, argument(invocation, 0) ?? '.', argument(invocation, 1));
  const result = await load(request, invocation.run);
  const text = renderLoad(result);
  if (result.state === 'partial') return { exitCode: exitCodes.incomplete, result, text };
  const site = siteWords(invocation.flags);
  const steps = ['up', 'emit', 'check'].map((name) => `airlock ${name}${site}`);
  return {
    exitCode: exitCodes.done,
    result,
    text: request.siteFile === undefined ? text : `${text}\n${renderNext(...steps)}`,
  };
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
  return [...lines, ...result.clusterResources.map((file) => `wrote ${file}`), `target: ${result.target}`].join('\n');
}

const shownFailures = 20;

/** Causes first and each hint once; what failed only because a part of it did is counted. All of it is in `-o json`. */
function renderFailures(failures: NonNullable<LoadResult['copied']>['failures']): string[] {
  const causes = failures.filter(({ code }) => code !== 'IMAGE_INCOMPLETE');
  const followed = failures.length - causes.length;
  const more = causes.length - shownFailures;
  const hints = new Set(causes.flatMap(({ hint }) => hint ?? []));
  return [
    ...causes.slice(0, shownFailures).map(({ subject, cause }) => `missing: ${subject}: ${cause}`),
    ...(more > 0 ? [`missing: ${more} more (-o json lists all)`] : []),
    ...(followed > 0 ? [`${plural(followed, 'manifest')} not written, since parts of them were not`] : []),
    ...[...hints].map((hint) => `  ${hint}`),
  ];
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

function renderMissing(webPaths: readonly string[]): string[] {
  return webPaths.map(
    (one) => `missing: ${one}: an earlier generation carried it; load that one again with this web root`,
  );
}
