import { formatBytes } from '../../core/units.ts';
import type { LoadDryRun } from '../../workflow/index.ts';
import { renderFindings } from './findings.ts';
import { renderFailures, renderMissing } from './load-failures.ts';
import { plural, renderTable } from './table.ts';

/** What a load would do, for people: each generation, what goes where, and whether it fits. */
export function renderLoadDryRun(result: LoadDryRun): string {
  const { generations, registry, placed, space, findings } = result;
  const places = [
    ['target', result.target],
    ['web root', result.webFolder],
    ['tools', result.toolsFolder],
    ['load record', result.stateFolder],
    ['cluster resources', result.clusterResourcesFolder],
  ].flatMap(([name = '', place]) => (place === undefined ? [] : [`${name}: ${place}`]));
  const rows = space.map(({ folder, bytes, allocatedBytes, files, freeBytes }) => [
    folder,
    String(bytes),
    formatBytes(allocatedBytes),
    formatBytes(freeBytes),
    String(files),
  ]);
  return [
    ...generations.flatMap(renderGeneration),
    ...(registry ? renderRegistry(result, registry) : []),
    ...(placed && placed.files > 0
      ? [`${plural(placed.files, 'file')} to place on this host (${formatBytes(placed.bytes)})`]
      : []),
    ...(placed && placed.absent > 0 ? [`${plural(placed.absent, 'file')} not here, in other volumes or parts`] : []),
    ...renderMissing(placed?.missing ?? []),
    ...places,
    ...(rows.length > 0 ? ['', renderTable(['space', 'bytes', 'on disk', 'free', 'files'], rows)] : []),
    ...(findings.length > 0 ? ['', renderFindings(findings)] : []),
    '',
    'nothing was changed',
  ].join('\n');
}

function renderGeneration(one: LoadDryRun['generations'][number]): string[] {
  const missing = renderMissing(one.missingFiles);
  if (one.kind === 'nothing-new')
    return [`generation ${one.generation}: nothing to do, all of it is there`, ...missing];
  const rest =
    one.kind === 'partial'
      ? `; ${one.absent} not here, missing volumes: ${one.missingVolumes.join(', ') || 'none, but parts of them are'}`
      : '';
  return [
    `generation ${one.generation}: ${plural(one.blobs, 'blob')} to place (${formatBytes(one.blobBytes)}), ${one.presentBlobs} there before, ${plural(one.files, 'file')} (${formatBytes(one.fileBytes)})${rest}`,
    ...missing,
  ];
}

function renderRegistry(result: LoadDryRun, registry: NonNullable<LoadDryRun['registry']>): string[] {
  const numbers = result.signature.map(({ generation }) => generation).join(', ');
  const { pushBlobs, pushBytes, presentBlobs, pushManifests, presentManifests, pushTags, presentTags } = registry;
  return [
    result.state === 'nothing-new'
      ? `generation ${numbers}: nothing to do, the registry has all of it`
      : `generation ${numbers}: ${plural(pushBlobs, 'blob')} to push (${formatBytes(pushBytes)}), ${presentBlobs} there before, ${plural(pushManifests, 'manifest')} (${presentManifests} there), ${plural(pushTags, 'tag')} (${presentTags} there)`,
    ...renderFailures(registry.failures),
  ];
}
