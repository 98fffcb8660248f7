import { formatBytes } from '../../core/units.ts';
import { type InspectResult, inspect } from '../../workflow/index.ts';
import { argument, type Invocation, type Outcome } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { plural, renderTable } from '../render/table.ts';
import { userPath } from '../settings.ts';

export async function runInspect(invocation: Invocation): Promise<Outcome> {
  const bundles = await inspect(userPath(invocation, argument(invocation, 0) ?? '.'), invocation.run);
  return { exitCode: exitCodes.done, result: { bundles }, text: bundles.map(renderBundle).join('\n\n') };
}

function renderBundle({ folder, kind, index, indexDigest, missingVolumes }: InspectResult): string {
  const bytes = [...index.blobs, ...index.files].reduce((sum, one) => sum + one.size, 0);
  const images = index.images.map((image) => [
    image.type,
    `${image.repository}:${image.tag}`,
    image.digest.slice(0, 19),
    image.signature,
    image.origin,
  ]);
  return [
    `generation ${index.generation} in ${folder}${kind === 'airlock' ? '' : ` (written by oc-mirror)`}`,
    `made ${index.createdAt} by airlock ${index.toolVersion}, index ${indexDigest}`,
    index.parent
      ? `builds on generation ${index.parent.generation} (${plural(index.assumed.length, 'blob')} assumed)`
      : 'builds on nothing',
    `${plural(index.volumes.length, 'volume')}, ${plural(index.blobs.length, 'blob')}, ${plural(index.files.length, 'file')}, ${formatBytes(bytes)}`,
    ...missingVolumes.map((name) => `volume ${name} is not here`),
    ...index.releases.map(
      (release) =>
        `release ${release.version} ${release.architecture} ${release.digest}${release.signature === 'verified' ? '' : ', SIGNATURE NOT CHECKED'}`,
    ),
    '',
    renderTable(['type', 'name', 'digest', 'signature', 'origin'], images),
    ...(index.files.length > 0
      ? [
          '',
          renderTable(
            ['file', 'size', 'role'],
            index.files.map((file) => [file.path, formatBytes(file.size), file.role]),
          ),
        ]
      : []),
  ].join('\n');
}
